/** Progress at a pace that a display can follow. */
import type { NativeProgress } from '../native.js'
import type { CopyProgress } from './types.js'

/** Milliseconds between two reports. */
const interval = 100

/** Passes progress on at most every 100 ms. */
export function paced(onProgress: (progress: CopyProgress) => void): (progress: NativeProgress) => void {
  let last = Number.NEGATIVE_INFINITY
  return (progress) => {
    const now = performance.now()
    if (now - last < interval) return
    last = now
    onProgress(publicProgress(progress))
  }
}

/** The counters without what only the engine needs. */
export function publicProgress(progress: NativeProgress): CopyProgress {
  const { files, bytes, directories, symlinks, skipped, failed } = progress
  return { files, bytes, directories, symlinks, skipped, failed }
}
