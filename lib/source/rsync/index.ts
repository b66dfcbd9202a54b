/** Files of an rsync daemon. */
export type { RsyncOptions } from './options.js'
export { openRsync } from './rsync.js'
export { checkStagingPlace } from './staging-place.js'
