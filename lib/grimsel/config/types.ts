/** What a Grimsel configuration is once it is read: nothing left open. docs/GRIMSEL-CONFIG.md tells what it means. */
import type { Loaded } from '../../config/index.js'
import type { StorageType } from '../../core/index.js'
import type { Durability, Verify } from '../../native.js'

/** A storage of the configuration. Paths are text: configuration files are UTF-8. */
export interface GrimselStorage {
  /** The `storageID`: 1 to 64 characters without blanks. */
  readonly id: string
  readonly type: StorageType
  /** Absolute, in its plainest form, but for one `/./`. */
  readonly target: string
  /** Files copied at the same time, 1…256. */
  readonly nCopyProcesses: number
  /** Where the fill state of the internal storage is read. Undefined: at its target; and for all other storages. */
  readonly mountpoint: string | undefined
  /** Copies are made only while a file system is mounted exactly here. Undefined: not asked. */
  readonly requiredMount: string | undefined
  readonly verify: Verify
  readonly durability: Exclude<Durability, 'none'>
}

/** A configuration, complete, the same for both forms of file. Deeply frozen. */
export interface GrimselConfig {
  readonly logfile: string
  /** Older log files that are kept, 0…1000. */
  readonly logfileMaxNumber: number
  /** Bytes. */
  readonly logfileMaxSize: number
  /** User shifts that are remembered. */
  readonly historyMaxEntries: number
  /** Used fraction of a mount point at which space is released, 0.01…1 (exclusive). */
  readonly fillstateLimit: number
  /** Used fraction down to which it is released; below the limit. */
  readonly fillstateLowWater: number
  readonly statusPort: number
  readonly messagePort: number
  /** IP addresses on which both ports listen. */
  readonly bindAddresses: readonly string[]
  /** Where the buffer's fill state is read. */
  readonly ramdiskMountpoint: string
  /** The directory that files arrive in: the mount point itself or below it. */
  readonly bufferDirectory: string
  /** Released files become links; false: they are deleted. */
  readonly createLinks: boolean
  readonly preserveUid: boolean
  readonly preserveGid: boolean
  readonly journalDirectory: string
  readonly filePipe: string
  readonly controlSocket: string
  /** In the order of the file; exactly one is internal, at most one external. */
  readonly storages: readonly GrimselStorage[]
}

/** A configuration and what is to be said about it. */
export type LoadedConfig = Loaded<GrimselConfig>
