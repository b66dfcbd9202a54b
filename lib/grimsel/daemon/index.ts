/** Grimsel as a daemon. */
export { type Daemon, type DaemonOptions, runDaemon } from './daemon.js'
export { pidFileOf, readPidFile } from './pid-file.js'
export type { DaemonStatus, Phase } from './status.js'
