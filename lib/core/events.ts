/** What the core is told. Plain data; `at` is milliseconds since the epoch, never running backwards. */
import type { ByteString } from '../bytes.js'
import type { Failure, FileRecord, Fingerprint } from './record.js'

/** A file system as it was just read. Sizes in bytes. */
export interface VolumeReading {
  readonly total: number
  readonly available: number
  /** Used fraction 0…1, as an unprivileged writer sees it. */
  readonly fill: number
  readonly inodes: number
  readonly inodesAvailable: number
  readonly inodeFill: number
  readonly readOnly: boolean
  readonly fsType: string
  readonly mountPoint: ByteString
  /** Tells this file system, at this place, from another. */
  readonly identity: string
}

/**
 * Why a tier's files are gone through: `all`: files that may leave whether or not space is short; `full`: files that
 * leave since it is; `links`: links that are to go.
 */
export type TierPass = 'all' | 'full' | 'links'

/**
 * What became of a file that was to be released:
 * - `released`: it is gone, or the link stands for it; `already`: the link stood there; `absent`: nothing was there;
 * - `changed`: another version, or something else, is there; it was left alone;
 * - `busy`: somebody writes to it; it was left alone;
 * - `missing`: the copy that it relies on isn't there, or isn't right; it was left alone;
 * - `failed`: see the event's `failure`; it was left alone.
 */
export type ReleaseOutcome = 'released' | 'already' | 'absent' | 'changed' | 'busy' | 'missing' | 'failed'

/** Where a failure lies: reading the source, or writing the storage. */
export type Side = 'source' | 'storage'

export type CoreEvent =
  /**
   * A file is there, whole. `cut` only where the announcement says it; `record` what the journal knows of the path.
   * With a `fingerprint` it was merely seen by a look at the directory: nothing to do if that version is copied.
   */
  | {
      readonly type: 'announced'
      readonly at: number
      readonly path: ByteString
      readonly cut?: number | undefined
      readonly record?: FileRecord | undefined
      readonly fingerprint?: Fingerprint | undefined
    }
  /** A complete look at the source didn't find it: forgotten, if all its copies are done. */
  | {
      readonly type: 'vanished'
      readonly at: number
      readonly path: ByteString
      readonly record?: FileRecord | undefined
    }
  /** A copy is done and as durable as asked. */
  | {
      readonly type: 'copied'
      readonly at: number
      readonly storage: string
      readonly path: ByteString
      readonly outcome: 'created' | 'replaced' | 'unchanged' | 'versioned'
      readonly bytes: number
      readonly fingerprint: Fingerprint
      /** The copy's, if it isn't the source's: some file systems cut time stamps. */
      readonly mtimeNs?: bigint | undefined
      readonly digest?: string | undefined
      /** Path of the older content that was kept, below the target. */
      readonly version?: ByteString | undefined
    }
  /** A copy failed. */
  | {
      readonly type: 'failed'
      readonly at: number
      readonly storage: string
      readonly path: ByteString
      readonly side: Side
      readonly failure: Failure
      /** It would meet every file of the storage: nothing may be made in the target itself, say. */
      readonly whole?: boolean
    }
  /** Copies that were ordered and not begun, or given up midway; with the condition that stopped them, if any. */
  | {
      readonly type: 'returned'
      readonly at: number
      readonly storage: string
      readonly paths: readonly ByteString[]
      readonly side?: Side | undefined
      readonly failure?: Failure | undefined
    }
  /** Another user's turn begins: the shift ends, and the next one starts. */
  | {
      readonly type: 'userChange'
      readonly at: number
      readonly uid: number
      readonly gid: number
      /** Below the buffer, relative. */
      readonly userDirectory?: string | undefined
    }
  /** What became of a file that was to be released. */
  | {
      readonly type: 'released'
      readonly at: number
      readonly tier: string
      readonly path: ByteString
      readonly outcome: ReleaseOutcome
      /** Bytes that the tier got back. */
      readonly bytes: number
      readonly failure?: Failure | undefined
    }
  /** Releases that were ordered and not begun; with the condition that stopped them all, if any. */
  | {
      readonly type: 'kept'
      readonly at: number
      readonly tier: string
      /** The storage that can't serve them now, if it is that, and not the tier itself. */
      readonly to?: string | undefined
      readonly paths: readonly ByteString[]
      readonly failure?: Failure | undefined
    }
  /**
   * The answer to a `loadTier` command: records as they are now, `last` the seq up to which the journal was listed,
   * `short` if it had fewer than asked. `accessed`: when each was last read, milliseconds since the epoch, where asked
   * for and known.
   */
  | {
      readonly type: 'tierLoaded'
      readonly at: number
      readonly tier: string
      readonly pass: TierPass
      readonly records: readonly FileRecord[]
      readonly accessed?: readonly (number | undefined)[] | undefined
      readonly last: number
      readonly short: boolean
    }
  /** A storage's file system, or the buffer's, was read. */
  | { readonly type: 'volume'; readonly at: number; readonly storage: string; readonly volume: VolumeReading }
  /** A storage's file system could not be read. */
  | { readonly type: 'unavailable'; readonly at: number; readonly storage: string; readonly failure: Failure }
  /** The file system that is there now is the storage from now on; it may be another one than before. */
  | { readonly type: 'accept'; readonly at: number; readonly storage: string }
  /** A file's copy can't be relied on any more: made again. */
  | {
      readonly type: 'recopy'
      readonly at: number
      readonly storage: string
      readonly path: ByteString
      readonly record?: FileRecord | undefined
    }
  /** The source directory is gone, or back. */
  | { readonly type: 'source'; readonly at: number; readonly available: boolean; readonly failure?: Failure }
  /**
   * The answer to a `load` command: pending records as they are now, `last` the seq up to which the journal was
   * listed, `short` if it had fewer than asked.
   */
  | {
      readonly type: 'loaded'
      readonly at: number
      readonly storage: string
      readonly records: readonly FileRecord[]
      readonly last: number
      readonly short: boolean
    }
  /** So many journal operations are durable now. */
  | { readonly type: 'journaled'; readonly at: number; readonly ops: number }
  /** A user asks to try a failed file again, on one storage or on all. */
  | {
      readonly type: 'retry'
      readonly at: number
      readonly path: ByteString
      readonly record?: FileRecord | undefined
      readonly storage?: string | undefined
    }
  /** A user has seen a failure and wants no more of it, on one storage or on all. */
  | {
      readonly type: 'dismiss'
      readonly at: number
      readonly path: ByteString
      readonly record?: FileRecord | undefined
      readonly storage?: string | undefined
    }
  | { readonly type: 'pause'; readonly at: number; readonly storage?: string | undefined }
  | { readonly type: 'resume'; readonly at: number; readonly storage?: string | undefined }
  /** Something that the shell found worth telling, to be coalesced with its like. */
  | {
      readonly type: 'observed'
      readonly at: number
      readonly code: 'WATCH_OVERFLOW' | 'WATCH_LIMIT' | 'SCAN_ERROR' | 'JOURNAL_FOREIGN'
      readonly subject: ByteString
      readonly text: string
      readonly storage?: string | undefined
    }
  /** Time has passed. */
  | { readonly type: 'tick'; readonly at: number }
