/** The status at one moment, as lines, for all who ask at about that moment. */
import { line } from './client.js'
import { localTime, printable } from './text.js'

/** The figures of one shift on one storage. */
export interface StatusEntry {
  /** When the shift began, in milliseconds since the epoch. */
  readonly usertime: number
  readonly uid: number
  readonly gid: number
  /** The storage's id. */
  readonly storage: string
  /** Numbers of files. */
  readonly pending: number
  readonly copied: number
  readonly failed: number
}

/** For each shift, newest first, an entry for each storage. */
export type StatusShifts = readonly (readonly StatusEntry[])[]

/** Characters of a piece of an answer, about; a shift's lines stay together. */
const piece = 16_384

interface Snapshot {
  /**
   * The answer in pieces, which are made as they are wanted.
   * @param nusers Shifts that are asked for, the newest ones; -1 for all.
   */
  answer(nusers: number): Generator<string, void>
}

export interface Snapshots {
  /**
   * The status as it is, or was lately.
   * @throws What the query threw, as long as its answer would have been kept.
   */
  latest(): Snapshot
}

/**
 * @param query Finds out the figures.
 * @param maxAge Milliseconds for which they are kept.
 */
export function createSnapshots(query: () => StatusShifts, maxAge: number): Snapshots {
  let kept: (() => Snapshot) | undefined
  let until = 0

  return {
    latest() {
      if (kept === undefined || performance.now() >= until) {
        kept = take(query)
        until = performance.now() + maxAge
      }
      return kept()
    },
  }
}

function take(query: () => StatusShifts): () => Snapshot {
  try {
    const snapshot = createSnapshot(query())
    return () => snapshot
  } catch (error) {
    return () => {
      throw error
    }
  }
}

function createSnapshot(shifts: StatusShifts): Snapshot {
  /** Lines of each shift, once somebody has asked for them. */
  const texts: string[] = []

  return {
    *answer(nusers) {
      let [text, entries] = ['', 0]
      for (const [at, shift] of (nusers < 0 ? shifts : shifts.slice(0, nusers)).entries()) {
        texts[at] ??= shift.map(entryLine).join('')
        text += texts[at]
        entries += shift.length
        if (text.length < piece) continue
        yield text
        text = ''
      }
      yield text + line({ type: 'end', entries })
    },
  }
}

function entryLine({ usertime, uid, gid, storage, pending, copied, failed }: StatusEntry): string {
  const id = printable(storage).text
  return line({ type: 'entry', usertime: localTime(usertime), uid, gid, storage: id, pending, copied, failed })
}
