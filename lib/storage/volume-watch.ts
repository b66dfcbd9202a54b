/** Reads a file system's fill state and identity again and again, on a thread of its own. */
import { type ByteString, bytesOfBuffer } from '../bytes.js'
import type { Failure, VolumeReading } from '../core/index.js'
import { type EngineOptions, openEngine, type Volume } from '../engine/index.js'
import { SustenError } from '../errors.js'

/** How a file system is watched. */
export interface VolumeWatchOptions {
  readonly path: ByteString
  /** Milliseconds from one reading to the next, at the most. */
  readonly interval: number
  /** Asked after each reading: milliseconds to the next one, if that is less. */
  readonly next?: (() => number) | undefined
  /** Milliseconds after which a reading that isn't answered counts as failed, once. */
  readonly patience: number
  readonly onReading: (reading: VolumeReading) => void
  readonly onFailure: (failure: Failure) => void
  readonly engine?: EngineOptions
}

/** A watched file system. */
export interface VolumeWatch {
  /** Reads now; resolves when the answer was told, or patience has run out. */
  refresh(): Promise<void>
  close(): Promise<void>
}

/**
 * Watches a file system. It has an engine of its own, so that readings neither wait behind copies nor, where a file
 * system hangs, hold up any other.
 */
export function watchVolume(options: VolumeWatchOptions): VolumeWatch {
  const { path, interval, next, patience, onReading, onFailure } = options
  const engine = openEngine({ nice: 0, ...options.engine, threads: 1 })
  // So that a file in its place is no directory.
  const directory = `${path}/.` as ByteString
  let closed = false
  let reading: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined

  async function read(): Promise<void> {
    const late = setTimeout(() => {
      if (!closed) onFailure({ code: 'ETIMEDOUT', errno: 110, syscall: 'statvfs', path })
    }, patience)
    try {
      const volume = await engine.volume(directory)
      if (!closed) onReading(readingOf(volume))
    } catch (error) {
      if (!closed) onFailure(failureOf(error, path))
    } finally {
      clearTimeout(late)
      reading = undefined
      schedule()
    }
  }

  function schedule(): void {
    clearTimeout(timer)
    if (!closed) timer = setTimeout(() => void begin(), Math.min(interval, next?.() ?? interval))
  }

  /** Never two readings at once. */
  function begin(): Promise<void> {
    reading ??= read()
    return reading
  }

  function refresh(): Promise<void> {
    const late = new Promise<void>((resolve) => setTimeout(resolve, patience).unref())
    return Promise.race([begin(), late])
  }

  schedule()
  return {
    refresh,
    async close() {
      closed = true
      clearTimeout(timer)
      await engine.close('cancel')
    },
  }
}

function readingOf(volume: Volume): VolumeReading {
  const { total, available, fill, inodes, inodesAvailable, inodeFill, readOnly, fsType, identity } = volume
  const mountPoint = bytesOfBuffer(volume.mountPointBytes)
  return { total, available, fill, inodes, inodesAvailable, inodeFill, readOnly, fsType, mountPoint, identity }
}

function failureOf(error: unknown, path: ByteString): Failure {
  if (!(error instanceof SustenError)) return { code: 'EUNKNOWN', errno: 0, syscall: String(error), path }
  return { code: error.code, errno: Math.abs(error.errno), syscall: error.syscall, path }
}
