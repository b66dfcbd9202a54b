/** Looks again and again whether files can be written below a target's root. */
import { type ByteString, textOfBytes } from '../bytes.js'
import { fromNative } from '../errors.js'
import { watchVolume } from '../storage/index.js'
import type { Failure } from './core/index.js'
import { failureOf, finding } from './failures.js'

/** Milliseconds between two looks, and after which one that isn't answered has failed. */
const interval = 1000
const patience = 10_000

/** The identity of no file system. */
const unmounted = 'nothing'

export interface TargetWatchOptions {
  readonly root: ByteString
  /** Where its file system must be mounted, if that is asked for. */
  readonly requiredMount: ByteString | undefined
  /** Told at every look. `changed`: another file system is mounted there than at the look before. */
  readonly onLook: (failure: Failure | undefined, changed: boolean) => void
}

export interface TargetWatch {
  /** What is mounted there, if something must be: while nothing is, what no file system has. */
  readonly identity: string | undefined
  /** Looks now; why nothing can be written, if that is so. */
  refresh(): Promise<Failure | undefined>
  close(): Promise<void>
}

export function watchTarget({ root, requiredMount, onLook }: TargetWatchOptions): TargetWatch {
  let failure: Failure | undefined
  let identity = requiredMount === undefined ? undefined : unmounted
  /** The last one that was mounted. */
  let known: string | undefined

  function see(found: Failure | undefined, mounted: string | undefined): void {
    failure = found
    if (requiredMount !== undefined) identity = mounted ?? unmounted
    const changed = mounted !== undefined && known !== undefined && mounted !== known
    known = mounted ?? known
    onLook(found, changed)
  }

  const volume = watchVolume({
    path: root,
    interval,
    patience,
    onReading(reading) {
      if (requiredMount !== undefined && reading.mountPoint !== requiredMount) {
        const text = `nothing is mounted at ${textOfBytes(requiredMount)}`
        see(finding('ERR_SUSTEN_STORAGE', text, 'mount'), undefined)
        return
      }
      const readOnly = finding('EROFS', `${textOfBytes(root)} is mounted read-only`, 'mount')
      see(reading.readOnly ? readOnly : undefined, reading.identity)
    },
    onFailure: (native) => see(failureOf(fromNative(native)), undefined),
  })
  return {
    get identity() {
      return identity
    },
    async refresh() {
      await volume.refresh()
      return failure
    },
    close: volume.close,
  }
}
