/** Release jobs: results in order. */
import type { NativeReleaseJob, NativeReleaseResult } from '../native.js'
import { abortError } from './abort.js'
import type { ReleaseOptions, ReleaseResults } from './engine.js'
import type { Jobs } from './jobs.js'

/** How release jobs reach the addon. */
export interface ReleaseHost {
  readonly jobs: Jobs
  readonly queueLimit: number
  releaseFiles(job: NativeReleaseJob): number
}

/** Releases files, then removes directories; a job larger than the addon's queue is handed over part by part. */
export async function release(
  host: ReleaseHost,
  job: NativeReleaseJob,
  { signal, onFile }: ReleaseOptions = {},
): Promise<ReleaseResults> {
  const { files, directories = [] } = job
  const results = new Array<NativeReleaseResult>(files.length + directories.length)
  let cancelled = false
  const part = async (submitted: NativeReleaseJob, first: number): Promise<void> => {
    await host.jobs.run({
      submit: () => host.releaseFiles(submitted),
      signal,
      onEvent(event) {
        if (event.type !== 'release') return
        const result = first === 0 ? event : { ...event, index: first + event.index }
        results[result.index] = result
        cancelled ||= event.error?.code === 'ABORT_ERR'
        onFile?.(result)
      },
    })
    if (cancelled) throw abortError(signal)
  }
  if (results.length <= host.queueLimit) {
    await part(job, 0)
  } else {
    for (let at = 0; at < files.length; at += host.queueLimit) {
      const some = files.slice(at, at + host.queueLimit)
      await part({ ...job, files: some, directories: [], restore: at === 0 ? (job.restore ?? []) : [] }, at)
    }
    // All at once, whatever their number, since their order counts.
    if (directories.length > 0) await part({ ...job, files: [], restore: [] }, files.length)
  }
  return { files: results.slice(0, files.length), directories: results.slice(files.length) }
}
