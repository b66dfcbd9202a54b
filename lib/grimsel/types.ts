/** What goes into a Grimsel and what comes out of it. The whole story: docs/GRIMSEL.md. */
import type { PathInput } from '../bytes.js'
import type { ShiftStatus, TierStatus } from '../core/index.js'
import type {
  AcceptOptions,
  FailedFile,
  FailureFilter,
  MirrorEvent,
  MirrorEvents,
  MirrorOptions,
  MirrorStatus,
  WaitOptions,
} from '../mirror/index.js'
import type { Lost } from '../observe/index.js'

/** The directory that files arrive in, and when space is made there. */
export interface BufferOptions {
  /** Absolute path of the directory. Only files that are announced are copied, and only those are ever removed. */
  readonly directory: PathInput
  /** If given, files are taken from there, and removed, only while a file system is mounted exactly here. */
  readonly mountPoint?: PathInput | undefined
}

/** When space is made on the buffer, and on the internal storage if there is an external one. */
export interface SpaceOptions {
  /** Used fraction, of bytes or inodes, at which release begins, 0.01…1 (exclusive). Default 0.8. */
  readonly limit?: number | undefined
  /** Used fraction below which it ends; below `limit`. Default: `limit` − 0.1, or half of it if that is more. */
  readonly lowWater?: number | undefined
  /** Released files become symbolic links to their copies; false: they are deleted. Default true. */
  readonly createLinks?: boolean | undefined
}

/** As a Mirror's, but for `source` and what watches it. */
export interface GrimselOptions
  extends Omit<MirrorOptions, 'source' | 'watch' | 'settle' | 'scanInterval' | 'durability'> {
  readonly buffer: BufferOptions
  readonly space?: SpaceOptions | undefined
  /** Shifts that are remembered, 1…100,000. Default 100. */
  readonly history?: number | undefined
  /** Default `batch`. There is no `none`: space is only released for what a power cut can't take. */
  readonly durability?: 'batch' | 'each' | undefined
}

/** Whose files are announced from now on. */
export interface User {
  readonly uid: number
  readonly gid: number
  /** Below the buffer, relative, without `..`: told in the status. */
  readonly userDirectory?: string | undefined
}

/** A Grimsel's figures. JSON can hold it. */
export interface GrimselStatus extends MirrorStatus {
  /** User shifts that are remembered, the running one first. */
  readonly shifts: readonly ShiftStatus[]
  /** The buffer, then the internal storage if there is an external one. */
  readonly tiers: readonly TierStatus[]
}

/** An open Grimsel: a Mirror that copies what is announced, and makes space. */
export interface Grimsel extends AsyncDisposable, AsyncIterable<MirrorEvent | Lost> {
  /** The journal's directory. */
  readonly journal: string
  /**
   * Announces files that are whole. Resolves once they are journaled: they will be copied, whatever happens. Await it:
   * that is the back-pressure. Relative paths begin at the buffer; what follows a `/./` is recreated below a target.
   * @throws SustenError `ERR_INVALID_ARG_VALUE`: not below the buffer; `ERR_SUSTEN_OPTION`: not a file URL, or more
   *   than one argument; `ERR_SUSTEN_CLOSED`; the journal's error
   */
  add(paths: PathInput | readonly PathInput[]): Promise<void>
  /**
   * Begins a new shift: files announced from now on are this user's, and those of the shifts before leave the tiers as
   * soon as they are durable further down. Resolves to the shift's number once that is journaled.
   * @throws SustenError `ERR_SUSTEN_OPTION`, `ERR_SUSTEN_CLOSED`; the journal's error
   */
  changeUser(user: User): Promise<number>
  /** All figures, cheap to read. */
  status(): GrimselStatus
  /**
   * Resolves when every known file is copied or failed on every storage, and nothing that can be released now is left.
   * Files of an unavailable storage, or of a paused one, are waited for. On a closed Grimsel: at once if that was so
   * when it was closed, else it rejects.
   * @throws SustenError `ERR_SUSTEN_CLOSED`, `ABORT_ERR`; the journal's error
   */
  idle(options?: WaitOptions): Promise<void>
  /** Files that were given up: an async iteration, storage by storage, in order of announcement. */
  failures(filter?: FailureFilter): AsyncIterable<FailedFile>
  /** Tries failed files again. Resolves to their number once that is journaled. */
  retry(filter?: FailureFilter): Promise<number>
  /** Drops failed files from the list: their copies are not wanted any more. Resolves to their number. */
  dismiss(filter?: FailureFilter): Promise<number>
  /**
   * Takes the file system that is now at a storage's target for the storage, after a disk was exchanged; see
   * `Mirror.acceptStorage`.
   * @throws SustenError `ERR_SUSTEN_OPTION`: no such storage; `ERR_SUSTEN_CLOSED`
   */
  acceptStorage(id: string, options?: AcceptOptions): Promise<void>
  /**
   * Begins no more copies, on one storage or on all. Announcements are still taken, and space is still made.
   * @throws SustenError `ERR_SUSTEN_CLOSED`
   */
  pause(storage?: string): void
  resume(storage?: string): void
  on<K extends keyof MirrorEvents>(type: K, listener: (event: MirrorEvents[K]) => void): this
  off<K extends keyof MirrorEvents>(type: K, listener: (event: MirrorEvents[K]) => void): this
  once<K extends keyof MirrorEvents>(type: K, listener: (event: MirrorEvents[K]) => void): this
  /**
   * Events as an iteration from now on, until the Grimsel is closed.
   * @param options `limit`: events that wait for a slow reader, default 10,000; beyond, they are left out, and one
   * `lost` event says how many
   */
  events(options?: WaitOptions & { readonly limit?: number | undefined }): AsyncIterableIterator<MirrorEvent | Lost>
  /**
   * `drain` (default): takes no more announcements, and copies all that can be copied now. `stop`: gives up what is
   * under way. Either way what isn't done stays in the journal and goes on with the next `open`. Leaving an
   * `await using` scope stops.
   */
  close(mode?: 'drain' | 'stop'): Promise<void>
}
