/** Detectors that write series into a directory as real ones do, on a thread of their own. */
import { Worker } from 'node:worker_threads'
import type { Series, SeriesFile } from './series.js'

/** One detector's work: its series, one after the other. */
export interface DetectorRun {
  /** Names are paths below the writer's directory; missing directories are made. */
  readonly series: readonly Series[]
  /** The pace. A detector that fell behind catches up by a second's files at most. */
  readonly filesPerSecond: number
  /** Permission bits of the files. Default 0o644. */
  readonly mode?: number
}

/** What {@link startWriter} needs. */
export interface WriterOptions {
  readonly directory: string
  /** They work at the same time. */
  readonly detectors: readonly DetectorRun[]
  /** Whom the files and directories belong to. Default: the process's user. Needs the privilege. */
  readonly owner?: { readonly uid: number; readonly gid: number }
  /** URL of a module with a digester, see `digest.ts`. Default: no digests. */
  readonly digests?: string
}

/** A file that is complete: written, closed, and left alone from now on. */
export interface WrittenFile extends SeriesFile {
  /** Index into {@link WriterOptions.detectors}, and into that detector's series. */
  readonly detector: number
  readonly series: number
  readonly size: number
  /** Of the bytes in memory, before they were written; empty if {@link WriterOptions.digests} isn't given. */
  readonly digest: string
  /** When it was closed, on the clock of `process.hrtime.bigint()`. */
  readonly closedAt: bigint
  readonly uid: number
  readonly gid: number
  readonly mode: number
  readonly mtimeNs: bigint
}

/** What the thread reports. */
export type WriterMessage =
  | { readonly type: 'armed'; readonly detector: number; readonly series: number }
  | { readonly type: 'written'; readonly file: WrittenFile }

/** What the thread is told: begin no further series. */
export type WriterCommand = 'stop'

/** A running writer. */
export interface SeriesWriter extends AsyncDisposable {
  /** Resolves when every series that was begun is complete; rejects if a file can't be written. */
  readonly done: Promise<void>
  /** Begins no further series. Those that are under way are completed. */
  readonly stop: () => void
  /** Ends at once; a file may stay half written. Safe to call at any time, more than once. */
  readonly close: () => Promise<void>
}

/**
 * Starts the detectors. An EIGER writes a series' master first, then data files, each in place: created under its final
 * name, filled image by image, closed. A PILATUS writes each image in one go.
 */
export function startWriter(options: WriterOptions, onMessage: (message: WriterMessage) => void): SeriesWriter {
  const thread = new Worker(new URL('./writer-thread.js', import.meta.url), { workerData: options })
  thread.on('message', onMessage)
  let closing = false
  const done = new Promise<void>((resolve, reject) => {
    thread.once('error', reject)
    thread.once('exit', (code) => {
      if (code === 0 || closing) resolve()
      else reject(new Error(`the series writer's thread ended with code ${code}`))
    })
  })
  // Whoever awaits `done` sees the failure; nobody has to.
  done.catch(() => {})
  const close = async (): Promise<void> => {
    closing = true
    await thread.terminate()
  }
  return {
    done,
    stop: () => thread.postMessage('stop' satisfies WriterCommand),
    close,
    [Symbol.asyncDispose]: close,
  }
}
