/** A Furka's journal: opened, checked to be its own, and read. */
import { type Journal, openJournal } from '../journal/index.js'
import { checkOwner, claimJournal } from '../journal-owner.js'
import { createSlices } from '../slices.js'
import {
  type FileRecord,
  fileKeys,
  type Held,
  heldKeys,
  type Reservation,
  reservedKeys,
  type Stored,
  type Turn,
  turnsKey,
} from './core/index.js'

const owner = { kind: 'furka' } as const

/** Milliseconds of reading at a stretch. */
const slice = 0.5

export interface OpenedJournal {
  readonly journal: Journal
  readonly stored: Stored
  /** Takes the journal for this Furka, if it is nobody's. */
  claim(): Promise<void>
}

/** @throws SustenError the journal's errors; `ERR_SUSTEN_OPTION`: it is a Mirror's or a Grimsel's */
export async function openFurkaJournal(directory: string): Promise<OpenedJournal> {
  const journal = await openJournal({ directory })
  try {
    checkOwner(journal, owner)
    return { journal, stored: await readStored(journal), claim: () => claimJournal(journal, owner) }
  } catch (error) {
    await journal.close()
    throw error
  }
}

async function readStored(journal: Journal): Promise<Stored> {
  const pause = createSlices(slice)
  const files: FileRecord[] = []
  const reserved: Reservation[] = []
  const held = new Map<string, Held>()
  for (const key of journal.keys()) {
    if (key.startsWith(fileKeys)) files.push(journal.value(key) as FileRecord)
    else if (key.startsWith(reservedKeys)) reserved.push(journal.value(key) as Reservation)
    else if (key.startsWith(heldKeys)) held.set(key.slice(heldKeys.length), journal.value(key) as Held)
    await pause()
  }
  return { turns: (journal.value(turnsKey) as readonly Turn[] | undefined) ?? [], files, reserved, held }
}
