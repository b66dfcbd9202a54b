/** Looks again and again whether the source directory is there. */

import type { ByteString } from '../bytes.js'
import { bufferTier, type CoreEvent, type Failure, type VolumeReading } from '../core/index.js'
import { isWithin } from '../paths.js'
import { mountsAt, watchVolume } from '../storage/index.js'

export interface SourceWatchOptions {
  readonly source: ByteString
  /** Where its file system must be mounted. Default: where it is at first. */
  readonly mountPoint: ByteString | undefined
  /** Its fill state is reported too. */
  readonly isTier: boolean
  /** Milliseconds between two looks, at the most. */
  readonly interval: number
  /** Milliseconds to the next one, if that is less. */
  readonly nextReading: () => number
  readonly report: (event: CoreEvent) => void
  readonly now: () => number
  /** Told at every look. */
  readonly onPresence: (there: boolean) => void
}

export interface SourceWatch {
  /** Of the file system that the source lies on, once it was seen. */
  readonly identity: string | undefined
  /** Looks now; why the source isn't there, if it isn't. */
  refresh(): Promise<Failure | undefined>
  close(): Promise<void>
}

export function openSourceWatch(options: SourceWatchOptions): SourceWatch {
  const { source, isTier, interval, report, now, onPresence } = options
  let absent: Failure | undefined
  let { mountPoint } = options
  let identity: string | undefined
  /** File systems at its mount point when it was seen first. */
  let mounts = 0

  function lose(failure: Failure): void {
    absent = failure
    report({ type: 'source', at: now(), available: false, failure })
    onPresence(false)
  }

  /** What lies below an unmounted file system's mount point isn't the source, though it has its name. */
  function see(volume: VolumeReading): void {
    mountPoint ??= volume.mountPoint
    const elsewhere = notThere(volume, mountPoint)
    if (elsewhere !== undefined) {
      lose({ code: 'ERR_SUSTEN_STORAGE', errno: 0, syscall: elsewhere, path: mountPoint })
      return
    }
    absent = undefined
    report({ type: 'source', at: now(), available: true })
    if (isTier) report({ type: 'volume', at: now(), storage: bufferTier, volume })
    onPresence(true)
  }

  /** In which way this isn't the source's file system. One that was mounted anew in its place is. */
  function notThere(volume: VolumeReading, wanted: ByteString): 'mount' | 'covered' | undefined {
    if (volume.mountPoint !== wanted) {
      return identity !== undefined && isWithin(wanted, volume.mountPoint) ? 'covered' : 'mount'
    }
    if (volume.identity === identity) return undefined
    const now = mountsAt(wanted)
    // Its files are still there, below.
    if (identity !== undefined && now > mounts) return 'covered'
    identity = volume.identity
    mounts = now
    return undefined
  }

  const volume = watchVolume({
    path: source,
    interval,
    next: options.nextReading,
    patience: 10_000,
    onReading: see,
    onFailure: lose,
  })
  return {
    get identity() {
      return identity
    },
    async refresh() {
      await volume.refresh()
      return absent
    },
    close: volume.close,
  }
}
