export { openStorage, type Storage, type StorageOptions } from './storage.js'
export { isWithin, join, parseTarget, type Target } from './target.js'
export { openTier, type Tier } from './tier.js'
export { type VolumeWatch, watchVolume } from './volume-watch.js'
