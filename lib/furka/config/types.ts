/** What a Furka configuration is once it is read: nothing left open. docs/FURKA-CONFIG.md tells what it means. */
import type { Loaded } from '../../config/index.js'
import type { ConfiguredUser } from '../user.js'

/** A detector server with a SIMPLON filewriter: EIGER, EIGER2, PILATUS4. Times are in milliseconds. */
export interface FilewriterSource {
  readonly protocol: 'filewriter'
  /** A host name or an IP address, without brackets. */
  readonly host: string
  readonly port: number
  readonly https: boolean
  /** Undefined: it is found out. */
  readonly apiVersion: string | undefined
  /** How long until the list is asked for again: while files arrive, while the detector measures, else. */
  readonly poll: { readonly arriving: number; readonly acquiring: number; readonly idle: number }
  /** Connections at the same time, 1…16. */
  readonly connections: number
  /** A transfer that stands still for so long is broken off, and begun again. */
  readonly stallTimeout: number
}

/** A detector server with an rsync daemon: PILATUS. Times are in milliseconds. */
export interface RsyncSource {
  readonly protocol: 'rsync'
  /** A host name or an IP address, without brackets. */
  readonly host: string
  readonly port: number
  readonly module: string
  /** The directory in the module, beginning with a slash. */
  readonly path: string
  /** Between two looks. */
  readonly minPause: number
  /** Between two transfers. */
  readonly interrunPause: number
  /** A directory of this machine, nobody else's, for what was fetched, until it is where it belongs. */
  readonly staging: string
  /** A transfer that stands still for so long is broken off, and begun again. */
  readonly stallTimeout: number
}

/** A directory of this machine that a detector writes to. Times are in milliseconds. */
export interface DirectorySource {
  readonly protocol: 'directory'
  /** Absolute. */
  readonly path: string
  /** Read only while a file system is mounted exactly here. Undefined: not asked. */
  readonly sourceMount: string | undefined
  /** A file that hasn't changed for so long is complete. */
  readonly settle: number
  /** Between two looks at the whole directory. */
  readonly scanInterval: number
}

export type FurkaSource = FilewriterSource | RsyncSource | DirectorySource

/** Where files come from, and where they are written to. */
export interface FurkaDetector {
  /** 1 to 64 characters without blanks and colons; `EIGER` in the JSON form, which has one detector. */
  readonly id: string
  readonly source: FurkaSource
  /** Absolute, in its plainest form, but for one `/./`. */
  readonly target: string
}

/** How Grimsel hears of received files: by its control socket, or by its file pipe, which answers nothing. */
export type GrimselLink =
  | { readonly by: 'control'; readonly path: string }
  | { readonly by: 'pipe'; readonly path: string }
  | { readonly by: 'none' }

/** A configuration, complete, the same for both forms of file. Deeply frozen. */
export interface FurkaConfig {
  readonly logfile: string
  /** Older log files that are kept, 0…1000. */
  readonly logfileMaxNumber: number
  /** Bytes. */
  readonly logfileMaxSize: number
  /** Whose the received files are, unless `-u` says otherwise. */
  readonly user: ConfiguredUser
  /** In the order of the file, at least one. */
  readonly detectors: readonly FurkaDetector[]
  /** Files are written only while a file system is mounted exactly here: the RAM disk. Undefined: not asked. */
  readonly requiredMount: string | undefined
  readonly journalDirectory: string
  readonly controlSocket: string
  readonly grimsel: GrimselLink
  /** The tier on which a file must be durable before it is deleted at the detector. */
  readonly confirm: 'buffer' | 'internal' | 'external'
}

/** A configuration and what is to be said about it. */
export type LoadedFurkaConfig = Loaded<FurkaConfig>
