/** Receive jobs: the server's addresses, results in order. */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { bytesOfText } from '../bytes.js'
import { fromSystem } from '../errors.js'
import type { NativeReceiveJob, NativeReceiveResult } from '../native.js'
import { abortError } from './abort.js'
import type { ReceiveJob, ReceiveOptions } from './engine.js'
import type { Jobs } from './jobs.js'

/** How receive jobs reach the addon. */
export interface ReceiveHost {
  readonly jobs: Jobs
  readonly queueLimit: number
  receiveFiles(job: NativeReceiveJob): number
}

/** Receives files from one server; a job larger than the addon's queue is handed over part by part. */
export async function receive(
  host: ReceiveHost,
  job: ReceiveJob,
  { signal, onFile, onProgress }: ReceiveOptions = {},
): Promise<NativeReceiveResult[]> {
  const { files } = job
  const addresses = job.addresses ?? (await addressesOf(job.host, signal))
  const results = new Array<NativeReceiveResult>(files.length)
  let cancelled = false
  const part = async (first: number): Promise<void> => {
    const whole = first === 0 && files.length <= host.queueLimit
    const some = whole ? files : files.slice(first, first + host.queueLimit)
    await host.jobs.run({
      submit: () => host.receiveFiles({ ...job, addresses, files: some }),
      signal,
      onEvent(event) {
        if (event.type === 'progress') return onProgress?.(event)
        if (event.type !== 'receive') return
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
  } while (first < files.length)
  return results
}

/** What a host's name stands for. The system can't be told to stop looking: an abort only stops the waiting. */
async function addressesOf(host: string, signal: AbortSignal | undefined): Promise<string[]> {
  if (isIP(host) !== 0) return [host]
  if (signal?.aborted) throw abortError(signal)
  let stop = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(abortError(signal))
    signal?.addEventListener('abort', stop, { once: true })
  })
  try {
    const found = await Promise.race([lookup(host, { all: true }), aborted])
    return found.map(({ address }) => address)
  } catch (error) {
    throw fromSystem(error, bytesOfText(host))
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}
