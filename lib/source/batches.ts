/** Calls that are answered many at a time: what is asked for within a moment is done in one run. */

export interface BatchOptions<T, R> {
  /** No two of one batch have the same. */
  readonly keyOf: (item: T) => string
  /** What an item adds to the weight of a batch, besides the 1 that it counts. */
  readonly weightOf: (item: T) => number
  readonly most: number
  readonly heaviest: number
  /** Milliseconds from the first call to the run, and at least from the end of one run to the next one. */
  readonly collect: number
  readonly pause: number
  /** Answers each item, in their order; rejects for all of them. */
  readonly run: (items: readonly T[]) => Promise<readonly (R | Error)[]>
}

export interface Batches<T, R> {
  ask(item: T): Promise<R>
  /** Refuses what waits and what comes; resolves when no run is under way. */
  close(error: Error): Promise<void>
}

interface Waiting<T, R> {
  readonly item: T
  readonly resolve: (answer: R) => void
  readonly reject: (error: unknown) => void
}

export function createBatches<T, R>(options: BatchOptions<T, R>): Batches<T, R> {
  const { keyOf, weightOf, most, heaviest, collect, pause } = options
  let waiting: Waiting<T, R>[] = []
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let ended = Number.NEGATIVE_INFINITY
  let closed: Error | undefined

  function schedule(): void {
    if (running !== undefined || timer !== undefined || waiting.length === 0) return
    timer = setTimeout(
      () => {
        timer = undefined
        running = answer(take()).finally(() => {
          running = undefined
          ended = performance.now()
          schedule()
        })
      },
      Math.max(collect, ended + pause - performance.now()),
    )
  }

  /** What comes first, and fits. A key that is in the batch already waits for the next one. */
  function take(): Waiting<T, R>[] {
    const keys = new Set<string>()
    const batch: Waiting<T, R>[] = []
    const left: Waiting<T, R>[] = []
    let weight = 0
    for (const one of waiting) {
      const key = keyOf(one.item)
      const heavier = weight + weightOf(one.item)
      const fits = batch.length === 0 || (batch.length < most && heavier <= heaviest)
      if (!fits || keys.has(key)) {
        left.push(one)
        continue
      }
      keys.add(key)
      batch.push(one)
      weight = heavier
    }
    waiting = left
    return batch
  }

  async function answer(batch: readonly Waiting<T, R>[]): Promise<void> {
    try {
      const answers = await options.run(batch.map(({ item }) => item))
      for (const [index, { resolve, reject }] of batch.entries()) {
        const one = answers[index]
        if (one === undefined || one instanceof Error) reject(one ?? new Error('no answer'))
        else resolve(one)
      }
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
  }

  return {
    ask(item) {
      if (closed !== undefined) return Promise.reject(closed)
      return new Promise((resolve, reject) => {
        waiting.push({ item, resolve, reject })
        schedule()
      })
    },
    async close(error) {
      closed = error
      clearTimeout(timer)
      for (const { reject } of waiting.splice(0)) reject(error)
      await running
    },
  }
}
