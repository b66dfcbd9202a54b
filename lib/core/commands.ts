/** What the core asks for. Plain data; every command can be carried out twice without harm. */
import type { ByteString } from '../bytes.js'
import type { Failure, Fingerprint, JournalOp } from './record.js'

/** One file to copy. */
export interface CopyOrder {
  /** Below the source. */
  readonly path: ByteString
  /** Leading bytes of `path` that aren't replicated below the target. */
  readonly cut: number
  /** Source's fingerprint when our own earlier copy was made: size and mtime are the copy's. */
  readonly known?: Fingerprint
  /** The digest of that copy, if one was made. */
  readonly knownDigest?: string
  /** The modification time of that copy, where it isn't the source's. */
  readonly knownMtimeNs?: bigint
}

/** What is told to whoever listens, once what it says is durable. */
export type Notice =
  | {
      readonly type: 'copied'
      readonly at: number
      readonly storage: string
      readonly path: ByteString
      readonly cut: number
      readonly outcome: 'created' | 'replaced' | 'unchanged' | 'versioned'
      readonly bytes: number
      readonly size: number
      readonly mtimeNs: bigint
      readonly digest?: string | undefined
      readonly version?: ByteString | undefined
      readonly announced: number
    }
  | {
      readonly type: 'failed'
      readonly at: number
      readonly storage: string
      readonly path: ByteString
      readonly cut: number
      readonly failure: Failure
      readonly attempts: number
    }
  | { readonly type: 'message'; readonly message: Message }

/**
 * | code | subject |
 * |---|---|
 * | `COPY_ERROR` | `src:dest`: a copy failed; the text says whether it is tried again |
 * | `STILL_WRITTEN` | file: it keeps changing, so its copy waits |
 * | `COLLISION` | destination: other content had the name; it was kept under a versioned one |
 * | `STORAGE_UNAVAILABLE` | target: gone, exchanged, full or failing; its files wait |
 * | `STORAGE_BACK` | target: its files go on |
 * | `STORAGE_ACCEPTED` | target: another file system was accepted as this storage |
 * | `SOURCE_UNAVAILABLE`, `SOURCE_BACK` | the source directory |
 * | `WATCH_OVERFLOW` | source: notifications were lost; a scan makes up for them |
 * | `WATCH_LIMIT` | directory that can't be watched; scans find its files |
 * | `SCAN_ERROR` | directory or file of the source that can't be read: its files aren't found |
 * | `JOURNAL_FOREIGN` | id of a storage that the journal has files for and that isn't configured |
 * | `POLICY` | file: what the policy asked was dropped |
 */
export type MessageCode =
  | 'COPY_ERROR'
  | 'STILL_WRITTEN'
  | 'COLLISION'
  | 'STORAGE_UNAVAILABLE'
  | 'STORAGE_BACK'
  | 'STORAGE_ACCEPTED'
  | 'SOURCE_UNAVAILABLE'
  | 'SOURCE_BACK'
  | 'WATCH_OVERFLOW'
  | 'WATCH_LIMIT'
  | 'SCAN_ERROR'
  | 'JOURNAL_FOREIGN'
  | 'POLICY'

/** Something that an operator should know. Repeated ones come as one with a count. */
export interface Message {
  readonly code: MessageCode
  readonly severity: 'info' | 'warning' | 'error'
  /** The storage concerned, if one is. */
  readonly storage?: string | undefined
  /** What it is about, see {@link MessageCode}. The last one, where it stands for several. */
  readonly subject: ByteString
  /** One sentence for people. */
  readonly text: string
  /** How many times it happened since it was last told. */
  readonly count: number
  /** Milliseconds since the epoch: the first and the last of them. */
  readonly first: number
  readonly last: number
}

export type Command =
  /** Make these operations durable, in this order; then tell the notices and report `journaled`. */
  | { readonly type: 'journal'; readonly ops: readonly JournalOp[]; readonly notices: readonly Notice[] }
  /** Copy these files; report each as `copied`, `failed` or `returned`. `identity`: of the right file system. */
  | {
      readonly type: 'copy'
      readonly storage: string
      readonly identity: string
      readonly files: readonly CopyOrder[]
    }
  /** List pending records of a storage after a seq; report `loaded`. */
  | { readonly type: 'load'; readonly storage: string; readonly after: number; readonly limit: number }
  /** Tell this; nothing needs to be durable first. */
  | { readonly type: 'tell'; readonly notice: Notice }
  /** Report `tick` at this time, at the latest. Replaces the wake before. */
  | { readonly type: 'wake'; readonly at: number }
