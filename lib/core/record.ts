/** What is known of one announced file. The journal stores it; the core decides on it. Plain data, never mutated. */
import type { ByteString } from '../bytes.js'

/** What identifies a version of a file's content without reading it. */
export interface Fingerprint {
  readonly dev: bigint
  readonly ino: bigint
  readonly size: number
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}

/** Why a copy failed, as plain data. */
export interface Failure {
  readonly code: string
  readonly errno: number
  readonly syscall: string
  readonly path: ByteString
  readonly dest?: ByteString
}

/** The state of one file on one storage. */
export interface CopyRecord {
  /** The storage's id. */
  readonly storage: string
  readonly state: 'pending' | 'copied' | 'failed'
  /** Failed attempts since the file was last announced or retried. */
  readonly attempts: number
  /** The last failure, if the last attempt failed. */
  readonly failure?: Failure
  /** Of the last completed copy: XXH3-128 of its content (absent with `verify: 'none'`). */
  readonly digest?: string
  /** Of the last completed copy: the source's fingerprint when it was made. The copy has its size. */
  readonly source?: Fingerprint
  /** Of the last completed copy: its modification time, where it isn't the source's. */
  readonly mtimeNs?: bigint
}

/** The state of one file on one tier: what it takes there, and what is left of it. */
export interface TierRecord {
  /** The tier's id: `buffer`, or a storage's. */
  readonly tier: string
  /**
   * - `held`: the file itself is there, as far as is known;
   * - `unsure`: it is there or was given back: a release was begun, or the file was announced again after one;
   * - `link`: a symbolic link stands for it;
   * - `gone`: nothing of it is left there.
   */
  readonly state: 'held' | 'unsure' | 'link' | 'gone'
  /** Releases in a row that failed, or that found something else under the name. */
  readonly attempts: number
  /** The last failure, if the last release failed. */
  readonly failure?: Failure
  /** The storage that serves it: to which the link leads, or would lead. Not with `held`. */
  readonly to?: string
}

/** One announced file. `path` is unique in a journal. */
export interface FileRecord {
  /** Order of announcement: unique, increasing, never reused. A new announcement of a path gets a new one. */
  readonly seq: number
  /** Path below the source directory. */
  readonly path: ByteString
  /** How many leading bytes of `path` are not replicated below a target (the part before `/./` and the slash). */
  readonly cut: number
  /** Number of the shift to which the file belongs; 0 for the first. */
  readonly shift: number
  /** Milliseconds since the epoch when it was announced. */
  readonly announced: number
  /** One entry per storage that the file must go to. */
  readonly copies: readonly CopyRecord[]
  /** One entry per tier that could give its space back, first tier first. Absent where nothing is ever released. */
  readonly tiers?: readonly TierRecord[]
}

/** One change of the journal. A list of them is applied as a whole or not at all. */
export type JournalOp =
  /** Adds or replaces the record of `record.path`. `was`: the record that it replaces, if any. */
  | { readonly type: 'put'; readonly record: FileRecord; readonly was?: FileRecord }
  /** Forgets a file that no decision needs any more. */
  | { readonly type: 'forget'; readonly record: FileRecord }
  /** Stores a small named value (counters, shifts, storage identities): anything JSON can hold. */
  | { readonly type: 'set'; readonly key: string; readonly value: unknown }

// ---- Making ----------------------------------------------------------------------------------------------------------
//
// There are many records, and all that is decided looks at them. They are made here and nowhere else, in a few shapes:
// V8 may give each object that comes from a spread a shape of its own, and then looks up every property anew.

type About = Pick<FileRecord, 'seq' | 'path' | 'cut' | 'shift' | 'announced'>

/** @param about Another record of the file, say. */
export function fileRecord(
  about: About,
  copies: readonly CopyRecord[],
  tiers: readonly TierRecord[] | undefined,
): FileRecord {
  const { seq, path, cut, shift, announced } = about
  if (tiers === undefined) return { seq, path, cut, shift, announced, copies }
  return { seq, path, cut, shift, announced, copies, tiers }
}

/** A record in another place of the order, with these copies. */
export function renumbered(record: FileRecord, seq: number, copies: readonly CopyRecord[]): FileRecord {
  const { path, cut, shift, announced, tiers } = record
  return fileRecord({ seq, path, cut, shift, announced }, copies, tiers)
}

/** What is known of a copy that was completed, if one was. */
export interface Completed {
  readonly digest?: string | undefined
  readonly source?: Fingerprint | undefined
  readonly mtimeNs?: bigint | undefined
}

/** @param last What was completed last: another record of the same copy, say. */
export function copyRecord(
  storage: string,
  state: CopyRecord['state'],
  attempts: number,
  last?: Completed | undefined,
  failure?: Failure | undefined,
): CopyRecord {
  if (last === undefined && failure === undefined) return { storage, state, attempts }
  const { digest, source, mtimeNs } = last ?? {}
  if (failure === undefined && digest !== undefined && source !== undefined && mtimeNs === undefined) {
    return { storage, state, attempts, digest, source }
  }
  const record: { -readonly [K in keyof CopyRecord]: CopyRecord[K] } = { storage, state, attempts }
  if (failure !== undefined) record.failure = failure
  if (digest !== undefined) record.digest = digest
  if (source !== undefined) record.source = source
  if (mtimeNs !== undefined) record.mtimeNs = mtimeNs
  return record
}

/** @param to The storage that serves it, unless it is held. */
export function tierRecord(
  tier: string,
  state: TierRecord['state'],
  attempts: number,
  to: string | undefined,
  failure?: Failure | undefined,
): TierRecord {
  if (failure === undefined) return to === undefined ? { tier, state, attempts } : { tier, state, attempts, to }
  return to === undefined ? { tier, state, attempts, failure } : { tier, state, attempts, failure, to }
}
