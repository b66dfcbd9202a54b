/** Grimsel as a daemon. */
export { runGrimsel } from './daemon.js'
export { checkGrimsel } from './needs.js'
export type { DaemonStatus } from './status.js'
