/** Detector servers in a process of their own: computers of their own, as far as that goes on one machine. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ServedFile } from '../simulate/dcu/index.js'
import type { PlannedDetector } from './plan.js'

/** What the process is told. */
export type Order =
  | {
      readonly type: 'open'
      readonly detectors: readonly PlannedDetector[]
      /** URL of the module that computes digests. */
      readonly digests: string
    }
  /** No series begins much later than so many seconds from now, but for the first one of a turn. */
  | { readonly type: 'measure'; readonly seconds: number }
  /** The second turn begins, for detectors that wait for that. */
  | { readonly type: 'go on' }
  | { readonly type: 'tell' }

/** What it tells. Times are those of `process.hrtime.bigint()`, which all processes of a machine share. */
export type News =
  | { readonly type: 'open'; readonly urls: readonly string[] }
  | { readonly type: 'completed'; readonly detector: number; readonly file: ServedFile; readonly at: bigint }
  | { readonly type: 'removed'; readonly detector: number; readonly file: ServedFile; readonly at: bigint }
  /** Detectors that wait between the turns do so now. */
  | { readonly type: 'turn over' }
  /** All series are taken. */
  | { readonly type: 'done' }
  | { readonly type: 'truth'; readonly servers: readonly ServerTruth[] }
  | { readonly type: 'failed'; readonly message: string }

/** What really happened at a server. */
export interface ServerTruth {
  /** Every file that was completed, with what became of it. */
  readonly completed: readonly ServedFile[]
  /** Files that there was no room for. */
  readonly dropped: readonly string[]
  /** DELETEs of files that it was asked for. */
  readonly deletes: number
}

export interface Servers extends AsyncDisposable {
  /** In the order of the detectors. */
  readonly urls: readonly string[]
  /** Begins to measure. Resolves when all is measured. */
  measure(seconds: number): Promise<void>
  /** Resolves at the end of the first turn. */
  readonly turnOver: Promise<void>
  goOn(): void
  truth(): Promise<readonly ServerTruth[]>
}

/** Milliseconds that the process may take to end by itself. */
const PATIENCE = 2000

/**
 * Starts the process. Whatever ends this one ends it, too.
 * @param onNews Told of files.
 */
export async function startServers(
  detectors: readonly PlannedDetector[],
  onNews: (news: News & { type: 'completed' | 'removed' }) => void,
): Promise<Servers> {
  const child = fork(fileURLToPath(new URL('./servers-process.js', import.meta.url)), [], {
    serialization: 'advanced',
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let words = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-4096)
  })
  const waiting = new Map<News['type'], (news: News) => void>()
  let reject = (_: Error): void => {}
  const over = new Promise<never>((_, fail) => {
    reject = fail
  })
  // Whoever waits for something sees it.
  over.catch(() => {})
  child.on('message', (message) => {
    const news = message as News
    if (news.type === 'completed' || news.type === 'removed') onNews(news)
    else if (news.type === 'failed') reject(new Error(`the simulated detector servers failed: ${news.message}`))
    else waiting.get(news.type)?.(news)
  })
  child.on('error', reject)
  child.on('close', () => reject(new Error(`the simulated detector servers are gone${words && `: ${words.trim()}`}`)))

  /** The next news of a type. */
  function expect<T extends News['type']>(type: T): Promise<News & { type: T }> {
    const told = new Promise<News & { type: T }>((resolve) => {
      waiting.set(type, (news) => resolve(news as News & { type: T }))
    })
    const either = Promise.race([told, over])
    either.catch(() => {})
    return either
  }

  function tell(order: Order): void {
    // What goes wrong with it ends the process, and that is told.
    if (child.connected) child.send(order, () => {})
  }

  async function dispose(): Promise<void> {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE)
    if (child.connected) child.disconnect()
    else child.kill('SIGKILL')
    await ended
    clearTimeout(timer)
  }

  try {
    const opened = expect('open')
    tell({ type: 'open', detectors, digests: import.meta.resolve('./digest.js') })
    const { urls } = await opened
    return {
      urls,
      turnOver: expect('turn over').then(() => {}),
      async measure(seconds) {
        const done = expect('done')
        tell({ type: 'measure', seconds })
        await done
      },
      goOn: () => tell({ type: 'go on' }),
      async truth() {
        const told = expect('truth')
        tell({ type: 'tell' })
        return (await told).servers
      },
      [Symbol.asyncDispose]: dispose,
    }
  } catch (error) {
    await dispose()
    throw error
  }
}
