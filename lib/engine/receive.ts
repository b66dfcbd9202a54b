/** Receive jobs: the server's addresses, results in order. */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { bytesOfText } from '../bytes.js'
import { fromSystem } from '../errors.js'
import type { NativeReceiveJob, NativeReceiveResult } from '../native.js'
import { abortError } from './abort.js'
import type { ReceiveJob, ReceiveOptions } from './engine.js'
import type { Jobs } from './jobs.js'
import { inParts } from './parts.js'

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
  return inParts(host, {
    count: files.length,
    signal,
    submit: (first, end) => host.receiveFiles({ ...job, addresses, files: files.slice(first, end) }),
    resultOf(event) {
      if (event.type === 'progress') onProgress?.(event)
      return event.type === 'receive' ? event : undefined
    },
    onResult: onFile,
  })
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
