/** Copy jobs: results in order, callbacks, filter questions. */
import { SustenError } from '../errors.js'
import type { NativeCopyJob, NativeFileResult, NativeFilterQuestion, NativeProgress, NativeTreeJob } from '../native.js'
import { abortError } from './abort.js'
import type { CopyFilesOptions, CopyTreeJobOptions } from './engine.js'
import type { Jobs, RunningJob } from './jobs.js'

/** How copy jobs reach the addon. */
export interface CopyHost {
  readonly jobs: Jobs
  readonly queueLimit: number
  copyFiles(job: NativeCopyJob): number
  copyTree(job: NativeTreeJob): number
  answerFilter(id: number, question: number, accept: Uint8Array): void
}

/** Copies files by name; a job larger than the addon's queue is handed over part by part. */
export async function copyFiles(
  host: CopyHost,
  job: NativeCopyJob,
  { signal, onFile }: CopyFilesOptions = {},
): Promise<NativeFileResult[]> {
  const results = new Array<NativeFileResult>(job.files.length)
  let cancelled = false
  const part = async (first: number): Promise<void> => {
    const whole = first === 0 && job.files.length <= host.queueLimit
    const submitted = whole ? job : { ...job, files: job.files.slice(first, first + host.queueLimit) }
    await host.jobs.run({
      submit: () => host.copyFiles(submitted),
      signal,
      onEvent(event) {
        if (event.type !== 'file') return
        const result = first === 0 ? event : { ...event, index: first + event.index }
        results[result.index] = result
        cancelled ||= event.error?.code === 'ABORT_ERR'
        onFile?.(result)
      },
    })
  }
  // At least once, so that an empty job too is refused when the engine is closed.
  let first = 0
  do {
    await part(first)
    if (cancelled) throw abortError(signal)
    first += host.queueLimit
  } while (first < job.files.length)
  return results
}

/** Copies a tree; resolves to the final counters. */
export async function copyTree(
  host: CopyHost,
  job: NativeTreeJob,
  { signal, onProgress, onFile, filter }: CopyTreeJobOptions = {},
): Promise<NativeProgress> {
  if (job.filter && filter === undefined) {
    throw new SustenError('copyTree: a job with filter: true needs a filter function', { code: 'ERR_SUSTEN_OPTION' })
  }

  async function answer(question: NativeFilterQuestion, running: RunningJob): Promise<void> {
    try {
      const accept = await filter?.(question.src, question.dest)
      if (running.live && accept !== undefined) host.answerFilter(running.id, question.question, accept)
    } catch (error) {
      running.fail(error)
    }
  }

  const done = await host.jobs.run({
    submit: () => host.copyTree(job),
    signal,
    onEvent(event, running) {
      if (event.type === 'file') onFile?.(event)
      else if (event.type === 'progress') onProgress?.(event)
      else if (event.type === 'filter') void answer(event, running)
    },
  })
  return done.progress ?? { ...noProgress, job: done.job }
}

const noProgress = { type: 'progress', files: 0, bytes: 0, failed: 0, directories: 0, symlinks: 0, skipped: 0 } as const
