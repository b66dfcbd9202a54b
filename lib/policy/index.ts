export { deleteAfterCopy } from './delete-after-copy.js'
export { grimsel } from './grimsel.js'
export { keepAll } from './keep-all.js'
export { keepSeries } from './keep-series.js'
export { leastRecentlyRead } from './least-recently-read.js'
export type {
  PolicyAttempt,
  PolicyCopiedFile,
  PolicyFile,
  PolicyShift,
  PolicyStorage,
  PolicyTier,
  Release,
  StoragePolicy,
} from './policy.js'
