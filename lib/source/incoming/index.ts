/** Files of a directory that a detector writes to. */
export { openIncoming } from './incoming.js'
export type { IncomingOptions } from './options.js'
