/** Copy jobs: results in order, callbacks, filter questions. */
import { SustenError } from '../errors.js'
import type { NativeCopyJob, NativeFileResult, NativeFilterQuestion, NativeProgress, NativeTreeJob } from '../native.js'
import type { CopyFilesOptions, CopyTreeJobOptions } from './engine.js'
import type { Jobs, RunningJob } from './jobs.js'
import { inParts } from './parts.js'

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
  const { files } = job
  return inParts(host, {
    count: files.length,
    signal,
    submit(first, end) {
      const isWhole = first === 0 && end === files.length
      return host.copyFiles(isWhole ? job : { ...job, files: files.slice(first, end) })
    },
    resultOf: (event) => (event.type === 'file' ? event : undefined),
    onResult: onFile,
  })
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
