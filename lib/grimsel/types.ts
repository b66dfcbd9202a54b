/** What goes into a Grimsel and what comes out of it. The whole story: docs/GRIMSEL.md. */
import type { PathInput } from '../bytes.js'
import type { ShiftStatus, TierStatus } from '../core/index.js'
import type { MirrorOptions, MirrorStatus, Replicator } from '../mirror/index.js'

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

/** Whose files are announced from now on. At least one part is given. */
export interface User {
  /** Default: that of the running shift, 0 before the first. */
  readonly uid?: number | undefined
  /** Default: that of the running shift, 0 before the first. */
  readonly gid?: number | undefined
  /**
   * Below the buffer, relative, without `..`: told in the status. `$UID` and `$GID` stand for the numbers; empty or `.`:
   * none. Default: that of the running shift if the uid stays, else none.
   */
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
export interface Grimsel extends Replicator<GrimselStatus> {
  /**
   * Begins a new shift: files announced from now on are this user's, and those of the shifts before leave the tiers as
   * soon as they are durable further down. Resolves to the shift's number once that is journaled.
   * @throws SustenError `ERR_SUSTEN_OPTION`, `ERR_SUSTEN_CLOSED`; the journal's error
   */
  changeUser(user: User): Promise<number>
}
