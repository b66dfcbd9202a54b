/** Furka as a daemon. */
export { type FurkaStart, runFurka } from './daemon.js'
export { checkFurka } from './needs.js'
export type { DaemonStatus } from './status.js'
