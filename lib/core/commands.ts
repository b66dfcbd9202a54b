/** What the core asks for. Plain data; every command can be carried out twice without harm. */
import type { ByteString } from '../bytes.js'
import type { TierPass } from './events.js'
import type { Failure, Fingerprint, JournalOp } from './record.js'

/** One file to copy. */
export interface CopyOrder {
  /** Below the source. */
  readonly path: ByteString
  /** Leading bytes of `path` that aren't replicated below the target. */
  readonly cut: number
  /**
   * Id of the storage to read from instead of the source, which has the file no more. Its copy lies where a copy of
   * this order would lie below that storage's target.
   */
  readonly from?: string
  /** Identity of that storage's file system. */
  readonly fromIdentity?: string
  /** Id of the storage to which a link in the copy's place may lead: it stands for an earlier copy. */
  readonly link?: string
  /** Source's fingerprint when our own earlier copy was made: size and mtime are the copy's. */
  readonly known?: Fingerprint
  /** The digest of that copy, if one was made. */
  readonly knownDigest?: string
  /** The modification time of that copy, where it isn't the source's. */
  readonly knownMtimeNs?: bigint
}

/** One file whose space a tier gives back. */
export interface ReleaseOrder {
  /** Below the source. On a storage the file lies at `path` without its first `cut` bytes, below the target. */
  readonly path: ByteString
  readonly cut: number
  /** `clear`: like `delete`, and where a link of an earlier release stands, that goes. */
  readonly by: 'link' | 'delete' | 'clear'
  /**
   * The version that may go. On the buffer its fingerprint; on a storage size and modification time of the copy. The
   * digest is what it must still contain.
   */
  readonly known: Pick<Fingerprint, 'size' | 'mtimeNs'> & Partial<Fingerprint> & { readonly digest?: string }
  /** What must lie on the storage that serves it from then on. */
  readonly copy: { readonly size: number; readonly mtimeNs: bigint; readonly digest?: string }
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
 * | `FILLSTATE_LIMIT` | mount point of a tier: full up to its limit; files are released |
 * | `ALMOST_OVERFLOW` | mount point of a tier: it is likely to overflow; the text says in how many seconds |
 * | `DISK_OVERFLOW` | mount point of a tier, or of a storage where there are tiers: it is full |
 * | `LINK_ERROR` | file: a link in its place couldn't be made; tried again |
 * | `DEL_ERROR` | file: it couldn't be deleted; tried again |
 * | `SHIFT_CLEARED` | mount point of a tier: an ended shift's files have left it |
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
  | 'FILLSTATE_LIMIT'
  | 'ALMOST_OVERFLOW'
  | 'DISK_OVERFLOW'
  | 'LINK_ERROR'
  | 'DEL_ERROR'
  | 'SHIFT_CLEARED'

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
  /**
   * Release these files of a tier, each only if it is the known version and its copy on the storage `to` is right;
   * then remove `directories` (below the tier's root, deepest first) where they are empty. Report each file as
   * `released`, or those not begun as `kept`. Identities: of the right file systems; the shell
   * knows that of the buffer.
   */
  | {
      readonly type: 'release'
      readonly tier: string
      readonly to: string
      readonly identity: string | undefined
      readonly toIdentity: string | undefined
      readonly files: readonly ReleaseOrder[]
      readonly directories: readonly ByteString[]
    }
  /**
   * List a tier's records after a seq, by {@link tierList} and `state` (`pending`: held or unsure, `failed`: links);
   * report `tierLoaded`. `accessed`: find out when each file was last read.
   */
  | {
      readonly type: 'loadTier'
      readonly tier: string
      readonly pass: TierPass
      readonly state: 'pending' | 'failed'
      readonly after: number
      readonly limit: number
      readonly accessed: boolean
    }
  /** Tell this; nothing needs to be durable first. */
  | { readonly type: 'tell'; readonly notice: Notice }
  /** Report `tick` at this time, at the latest. Replaces the wake before. */
  | { readonly type: 'wake'; readonly at: number }
