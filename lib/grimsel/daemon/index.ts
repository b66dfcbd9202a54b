/** Grimsel as a daemon. */
export { runGrimsel } from './daemon.js'
export type { DaemonStatus } from './status.js'
