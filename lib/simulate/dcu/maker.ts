/** Makes files on a thread of their own, so that answers don't wait for them. */
import { Buffer } from 'node:buffer'
import { Worker } from 'node:worker_threads'
import type { Series, SeriesFile } from '../series.js'

/** A file's content. */
export interface Made {
  readonly content: Buffer
  readonly digest: string
}

/** A series whose files can be made, in any order. */
export interface OpenSeries {
  make(file: SeriesFile): Promise<Made>
  close(): void
}

/** Several servers can share one: it is started with the first series, which takes half a second. */
export interface Maker extends AsyncDisposable {
  /** As in {@link MakerOptions}. */
  readonly digests: string | undefined
  /** @param ratio How many times smaller the images are to become by compression; undefined: as they are. */
  open(series: Series, ratio: number | undefined): OpenSeries
}

/** What the thread is told. */
export type MakerCommand =
  | { readonly type: 'open'; readonly job: number; readonly series: Series; readonly ratio: number | undefined }
  | { readonly type: 'make'; readonly job: number; readonly id: number; readonly file: SeriesFile }
  | { readonly type: 'close'; readonly job: number }

/** What it answers. */
export type MakerAnswer =
  | { readonly id: number; readonly bytes: Uint8Array<ArrayBuffer>; readonly digest: string }
  | { readonly id: number; readonly failure: string }

/** What the thread starts with. */
export interface MakerOptions {
  /** URL of a module that exports `digestOf(bytes: Buffer): string`. Default: digests are SHA-256, in hex. */
  readonly digests?: string | undefined
}

interface Waiting {
  readonly resolve: (made: Made) => void
  readonly reject: (error: Error) => void
}

export function createMaker(options: MakerOptions = {}): Maker {
  const waiting = new Map<number, Waiting>()
  let [jobs, ids] = [0, 0]
  let thread: Worker | undefined
  let over: Error | undefined

  function end(error: Error): void {
    over ??= error
    for (const { reject } of waiting.values()) reject(over)
    waiting.clear()
  }

  function start(): Worker {
    const started = new Worker(new URL('./maker-thread.js', import.meta.url), { workerData: options })
    // It alone needn't keep the process alive.
    started.unref()
    started.on('message', (answer: MakerAnswer) => {
      const one = waiting.get(answer.id)
      waiting.delete(answer.id)
      if ('failure' in answer) one?.reject(new Error(answer.failure))
      else one?.resolve({ content: Buffer.from(answer.bytes.buffer), digest: answer.digest })
    })
    started.on('error', end)
    started.on('exit', () => end(new Error('the thread that makes files is gone')))
    return started
  }

  function tell(command: MakerCommand): void {
    if (over !== undefined) return
    thread ??= start()
    thread.postMessage(command)
  }

  return {
    digests: options.digests,
    open(series, ratio) {
      const job = ++jobs
      tell({ type: 'open', job, series, ratio })
      return {
        make(file) {
          const id = ++ids
          const made = new Promise<Made>((resolve, reject) => {
            if (over !== undefined) reject(over)
            else waiting.set(id, { resolve, reject })
          })
          // Whoever awaits it sees the failure; what was made ahead may be awaited by nobody.
          made.catch(() => {})
          tell({ type: 'make', job, id, file })
          return made
        },
        close: () => tell({ type: 'close', job }),
      }
    },
    async [Symbol.asyncDispose]() {
      end(new Error('the thread that makes files is closed'))
      await thread?.terminate()
    },
  }
}
