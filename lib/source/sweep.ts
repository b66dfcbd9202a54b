/** Forgets files that are gone from a source that isn't scanned. */
import type { ByteString } from '../bytes.js'
import type { FileRecord } from '../core/index.js'
import { isGone } from './look.js'
import { forget } from './scan.js'

export interface SweepOptions {
  readonly source: ByteString
  /** Milliseconds between two sweeps. */
  readonly interval: number
  readonly records: () => AsyncIterable<FileRecord>
  readonly vanished: (path: ByteString) => void
}

export interface Sweep {
  close(): Promise<void>
}

/** Sweeps now and then: without it the catalog of a Mirror that watches nothing would grow for ever. */
export function openSweep(options: SweepOptions): Sweep {
  const stopping = new AbortController()
  let running: Promise<void> = Promise.resolve()
  const host = {
    records: options.records,
    vanished: options.vanished,
    isGone: (path: ByteString) => isGone(options.source, path),
  }
  // One at a time: a sweep of many files over a slow network takes its time.
  const timer = setInterval(() => {
    running = running.then(() => forget(host, undefined, stopping.signal))
  }, options.interval)
  return {
    async close() {
      clearInterval(timer)
      stopping.abort()
      await running
    },
  }
}
