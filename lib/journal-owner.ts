/** Whom a journal belongs to: what it knows is of use to one of its kind alone. */
import type { ByteString } from './bytes.js'
import type { Journal } from './journal/index.js'
import { optionError } from './options.js'

/** Key of the journal value that says what the journal is for. */
const ownerKey = 'mirror'

export interface JournalOwner {
  /** Absent for a Mirror. */
  readonly kind?: 'grimsel' | 'furka'
  /** Directory that the paths in it are below, if they are below one. */
  readonly source?: ByteString
}

/** @throws SustenError `ERR_SUSTEN_OPTION`: the journal is another's */
export function checkOwner(journal: Journal, { kind, source }: JournalOwner): void {
  const owner = journal.value(ownerKey) as JournalOwner | undefined
  if (owner === undefined || (owner.source === source && owner.kind === kind)) return
  const where = Buffer.from(owner.source ?? '', 'latin1').toString('utf8')
  const whose =
    owner.kind === kind
      ? `${kind === undefined ? 'source' : 'buffer'} ${where}`
      : `a ${nameOf(owner.kind)}, not of a ${nameOf(kind)}`
  throw optionError(`journal ${journal.directory} is that of ${whose}; give this one a journal of its own`)
}

/** Takes a journal, if it is nobody's. */
export async function claimJournal(journal: Journal, owner: JournalOwner): Promise<void> {
  if (journal.value(ownerKey) === undefined) await journal.apply([{ type: 'set', key: ownerKey, value: owner }])
}

const names = { grimsel: 'Grimsel', furka: 'Furka' } as const
const nameOf = (kind: JournalOwner['kind']): string => (kind === undefined ? 'Mirror' : names[kind])
