/** What goes into a Mirror and what comes out of it. The whole story: docs/MIRROR.md. */
import type { PathInput } from '../bytes.js'
import type { PreserveOptions } from '../copy-options.js'
import type { CoreStatus, MessageCode, StorageType } from '../core/index.js'
import type { EngineOptions } from '../engine/index.js'
import type { SustenError } from '../errors.js'
import type { Durability, Verify } from '../native.js'
import type { Lost } from '../observe/index.js'
import type { StoragePolicy } from '../policy/index.js'

/** A directory tree that copies go to. */
export interface StorageOptions {
  /** Names the storage in events, status and journal. Unique; 1 to 64 characters without blanks. */
  readonly id: string
  /** `internal`: exactly one; `external`: at most one; `optional`: any number. */
  readonly type: StorageType
  /**
   * Absolute path of a directory that exists: it is never made, so that nothing is written where nothing is mounted.
   * What follows a `/./` in it is made where it is missing.
   */
  readonly target: PathInput
  /** If given, copies are made only while a file system is mounted exactly here. Default: not checked. */
  readonly mountPoint?: PathInput | undefined
  /** Files that are copied at the same time, 1…256. Default 8, at most twice the processors. */
  readonly concurrency?: number | undefined
  /** Default: the Mirror's. */
  readonly verify?: Verify | undefined
  /** Default: the Mirror's. */
  readonly durability?: Durability | undefined
  /** Default: owner, group, mode and times are kept. */
  readonly preserve?: PreserveOptions | undefined
}

/** How failures of single files are retried. Conditions of a whole storage are retried for ever. */
export interface RetryTimes {
  /** Attempts until a file is `failed`. Default 8. */
  readonly attempts?: number | undefined
  /** Milliseconds until the second attempt; doubles with each further one. Default 1000. */
  readonly first?: number | undefined
  /** Longest wait in milliseconds, for storages too. Default 60,000. */
  readonly max?: number | undefined
}

export interface MirrorOptions {
  /** Absolute path of the directory whose files are mirrored. */
  readonly source: PathInput
  /** At least one; one of them `internal`. */
  readonly storages: readonly StorageOptions[]
  /**
   * Directory of the journal, of this Mirror alone. Default: one below `/var/lib/susten` as root, else below
   * `$XDG_STATE_HOME/susten` or `~/.local/state/susten`, named after the source.
   */
  readonly journal?: string | undefined
  /** Decides where files go and how failures are retried. Default `keepAll()`. */
  readonly policy?: StoragePolicy | undefined
  /** Find files that are closed after writing or moved into the source, and scan it. Default true. */
  readonly watch?: boolean | undefined
  /** Milliseconds for which a file that a scan found must be unchanged. Default 1000. */
  readonly settle?: number | undefined
  /** Milliseconds between two scans of the source. Default 60,000. Large trees are scanned less often. */
  readonly scanInterval?: number | undefined
  /** Milliseconds between two readings of each storage's fill state and identity. Default 1000. */
  readonly volumeInterval?: number | undefined
  /** Default `inline`. */
  readonly verify?: Verify | undefined
  /** Default `batch`. */
  readonly durability?: Durability | undefined
  readonly retry?: RetryTimes | undefined
  /** Stops the Mirror, as `close('stop')` does. */
  readonly signal?: AbortSignal | undefined
  /** Options of the storages' engines, by storage id: to test how failures are handled. Default none. */
  readonly engines?: Readonly<Record<string, EngineOptions>> | undefined
}

/** Where a file is and goes, as text; the bytes too where they aren't UTF-8. */
export interface FilePaths {
  readonly storage: string
  /** Absolute path of the source file. */
  readonly path: string
  readonly pathBytes?: Uint8Array
  /** Absolute path of the copy. */
  readonly dest: string
  readonly destBytes?: Uint8Array
}

/** A copy that is whole and as durable as asked, and journaled. */
export interface CopiedFile extends FilePaths {
  readonly type: 'copied'
  /**
   * `created`: new; `replaced`: our earlier copy, or the same content, was there; `unchanged`: it was there already;
   * `versioned`: other content was there and is kept at `version`.
   */
  readonly outcome: 'created' | 'replaced' | 'unchanged' | 'versioned'
  /** Size of the file in bytes. */
  readonly size: number
  /** Bytes that were written: 0 for `unchanged`. */
  readonly bytes: number
  /** XXH3-128 as 32 hex digits. Absent with `verify: 'none'`, and for copies known to be unchanged. */
  readonly digest?: string
  /** Absolute path of the older content that was kept. */
  readonly version?: string
  /** Milliseconds since the epoch when the file was announced, and when its copy was done. */
  readonly announced: number
  readonly copied: number
}

/** A file that was given up on one storage, until it is announced or retried. */
export interface FailedFile extends FilePaths {
  readonly type: 'failed'
  readonly error: SustenError
  readonly attempts: number
}

/** Something that an operator should know. Repeated ones come as one with a count. */
export interface MirrorMessage {
  readonly type: 'message'
  readonly code: MessageCode
  readonly severity: 'info' | 'warning' | 'error'
  /** The storage concerned, if one is. */
  readonly storage?: string
  /** What it is about: a file, a directory, or `source:destination`. */
  readonly subject: string
  /** Its bytes, where they aren't UTF-8. */
  readonly subjectBytes?: Uint8Array
  /** One sentence for people. */
  readonly text: string
  /** How many times it happened since it was last told. */
  readonly count: number
  /** Milliseconds since the epoch: the first and the last of them. */
  readonly first: number
  readonly last: number
}

/** Nothing is pending any more, and nothing is expected. */
export interface IdleEvent {
  readonly type: 'idle'
}

/** The Mirror can't go on (its journal failed), or a listener threw. */
export interface ErrorEvent {
  readonly type: 'error'
  readonly error: unknown
}

export type MirrorEvent = CopiedFile | FailedFile | MirrorMessage | IdleEvent | ErrorEvent

/** What listeners of each event are given. */
export interface MirrorEvents {
  readonly copied: CopiedFile
  readonly failed: FailedFile
  readonly message: MirrorMessage
  readonly idle: IdleEvent
  readonly error: ErrorEvent
}

/** A Mirror's figures. JSON can hold it. */
export interface MirrorStatus extends CoreStatus {
  /** Announcements that aren't journaled yet. */
  readonly announcing: number
  readonly journal: { readonly directory: string; readonly records: number; readonly bytes: number }
}

/** What is known of a file on one storage. */
export interface FoundCopy {
  /** The storage's id and type. */
  readonly id: string
  readonly type: StorageType
  /**
   * `copied`: what was announced last is there, as durable as the storage's `durability` says (`batch`, `each`: a power
   * cut doesn't take it), and the journal says so durably. That is what it was when it was copied: it isn't looked at
   * again. `pending`: not yet. `failed`: given up until it is announced or retried.
   */
  readonly state: 'pending' | 'copied' | 'failed'
  /** With `copied`: XXH3-128 of the content as 32 hex digits. Absent with `verify: 'none'`. */
  readonly digest?: string
  /** With `copied`: bytes of the content. */
  readonly size?: number
  /**
   * With `copied`: its space there was given back, or may be at any moment. A storage further down, which has it
   * `copied` and not `released`, serves it.
   */
  readonly released?: true
  /** Failed attempts since it was announced or retried. */
  readonly attempts: number
  /** Why the last attempt failed, if it did. */
  readonly error?: {
    readonly code: string
    readonly errno: number
    readonly syscall: string
    readonly message: string
  }
}

/** What is known of an announced file. Plain data. */
export interface FoundFile {
  /** Absolute path of the source file, as text; the bytes too where they aren't UTF-8. */
  readonly path: string
  readonly pathBytes?: Uint8Array
  /** Milliseconds since the epoch when it was announced last. */
  readonly announced: number
  /** Number of its user shift; 0 for a Mirror, which has none. */
  readonly shift: number
  /** The storages that it goes to, in no particular order. */
  readonly storages: readonly FoundCopy[]
}

/** Which failures are meant: all, those of one storage, of one file, or both. */
export interface FailureFilter {
  readonly storage?: string | undefined
  readonly path?: PathInput | undefined
}

/** Options of `acceptStorage`. */
export interface AcceptOptions {
  /**
   * Copy files that were copied already once more, as far as the source still has them. What the new file system has
   * is found out without reading it. Default true.
   */
  readonly recopy?: boolean | undefined
}

/** Options of waiting calls. */
export interface WaitOptions {
  /** Stops the waiting, not the Mirror. */
  readonly signal?: AbortSignal | undefined
}

/** What an open Mirror and an open Grimsel have in common: files that are announced are copied. */
export interface Replicator<Status extends MirrorStatus> extends AsyncDisposable, AsyncIterable<MirrorEvent | Lost> {
  /** The journal's directory. */
  readonly journal: string
  /**
   * Announces files that are whole. Resolves once they are journaled: they will be copied, whatever happens. Await it:
   * that is the back-pressure. Relative paths begin at the source, which is a Grimsel's buffer; what follows a `/./` is recreated below a target.
   * @throws SustenError `ERR_INVALID_ARG_VALUE`: not below the source; `ERR_SUSTEN_OPTION`: not a file URL, or more than
   *   one argument; `ERR_SUSTEN_CLOSED`; the journal's error
   */
  add(paths: PathInput | readonly PathInput[]): Promise<void>
  /** All figures, cheap to read. */
  status(): Status
  /**
   * Resolves when every known file is copied or failed on every storage, and nothing is under way; for a Grimsel, also
   * nothing that can be released now is left. Files of an unavailable storage, or of a paused one, are waited for. Once
   * closed: at once if that was so when it was closed, else it rejects.
   * @throws SustenError `ERR_SUSTEN_CLOSED`, `ABORT_ERR`; the journal's error
   */
  idle(options?: WaitOptions): Promise<void>
  /**
   * What is known of announced files, in the order of the paths, which are read as by {@link add}; `undefined` where
   * nothing is known. All that it says is durable in the journal when it resolves. No file is looked at.
   *
   * A file that is copied everywhere and has left the tiers, or a Mirror's source, is forgotten in time: the last 16,384
   * of these are known until the session closes.
   * @throws SustenError as {@link add}
   */
  find(paths: PathInput | readonly PathInput[]): Promise<(FoundFile | undefined)[]>
  /** Files that were given up: an async iteration, storage by storage, in order of announcement. */
  failures(filter?: FailureFilter): AsyncIterable<FailedFile>
  /** Tries failed files again. Resolves to their number once that is journaled. */
  retry(filter?: FailureFilter): Promise<number>
  /** Drops failed files from the list: their copies are not wanted any more. Resolves to their number. */
  dismiss(filter?: FailureFilter): Promise<number>
  /**
   * Takes the file system that is now at a storage's target for the storage, after a disk was exchanged; if none can
   * be used at the moment, the next one that can. Resolves once that, and what is to be copied again, is journaled.
   * @throws SustenError `ERR_SUSTEN_OPTION`: no such storage; `ERR_SUSTEN_CLOSED`
   */
  acceptStorage(id: string, options?: AcceptOptions): Promise<void>
  /**
   * Begins no more copies, on one storage or on all. Announcements are still taken, and a Grimsel still makes space. `status()` shows it a moment later.
   * @throws SustenError `ERR_SUSTEN_CLOSED`
   */
  pause(storage?: string): void
  resume(storage?: string): void
  on<K extends keyof MirrorEvents>(type: K, listener: (event: MirrorEvents[K]) => void): this
  off<K extends keyof MirrorEvents>(type: K, listener: (event: MirrorEvents[K]) => void): this
  once<K extends keyof MirrorEvents>(type: K, listener: (event: MirrorEvents[K]) => void): this
  /**
   * Events as an iteration from now on, until it is closed.
   * @param options `limit`: events that wait for a slow reader, default 10,000; beyond, they are left out, and one
   * `lost` event says how many
   */
  events(options?: WaitOptions & { readonly limit?: number | undefined }): AsyncIterableIterator<MirrorEvent | Lost>
  /**
   * `drain` (default): takes no more announcements, and copies all that can be copied now. `stop`: gives up what is
   * under way. Either way what isn't copied stays in the journal and goes on with the next `open`. Leaving an
   * `await using` scope stops.
   */
  close(mode?: 'drain' | 'stop'): Promise<void>
}

/** An open Mirror. */
export interface Mirror extends Replicator<MirrorStatus> {
  /**
   * Looks at the source now; resolves when the look is over. At once with `watch: false`.
   * @throws SustenError `ERR_SUSTEN_CLOSED`
   */
  scan(): Promise<void>
}
