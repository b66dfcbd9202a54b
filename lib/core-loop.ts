/**
 * The loop around a pure core: hands events in, a slice at a time, has what came of them made durable, and tells it
 * then. What is decided, and what else is to be done, is for others to know.
 */
import type { SustenError } from './errors.js'

/** What a loop needs of its surroundings. `E`: events; `N`: notices; `O`: operations of the journal. */
export interface CoreLoopHost<E, N, O> {
  readonly journal: { apply(ops: readonly O[]): Promise<void> }
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Decides on a few events, and carries out what comes of it. What it throws ends everything. */
  readonly decide: (events: readonly E[]) => void
  readonly tick: () => E
  /** So many operations are durable. */
  readonly journaled: (ops: number) => E
  /** What a notice says is durable. */
  readonly tell: (notice: N) => void
  /** The journal failed, or deciding did: nothing goes on. */
  readonly onFailure: (error: unknown) => void
  /** Told whenever something came to its end, so that who waits can look. */
  readonly onProgress: () => void
  /** Of calls on what is closed. */
  readonly closedError: () => SustenError
}

export interface CoreLoop<E, N, O> {
  /** Takes an event in. */
  post(event: E): void
  /** Takes events in; resolves when all that they, and those before them, led to is durable. */
  postDurably(events: readonly E[]): Promise<void>
  /** Stores operations all at once, then tells. */
  apply(ops: readonly O[], notices: readonly N[]): void
  /** Tells, in its turn. */
  tellSoon(notice: N): void
  /** Wants a tick at this time; never, if it is infinite. Takes the place of the one before. */
  wakeAt(at: number): void
  /** Ends everything. */
  fail(error: unknown): void
  /** Events that wait to be decided on. */
  readonly waiting: number
  /** Nothing is waiting to be decided, to become durable or to be told. */
  readonly settled: boolean
  /** Begins to tell, with what has come up before: who opened it has had time to listen. */
  beginTelling(): void
  /** Carries nothing out any more. What is on its way to the journal still gets there. */
  stop(): void
}

/** Somebody who waits for events to be decided on, and for what came of them to be durable. */
interface Waiter {
  /** How many events will have been taken in with the last of them. */
  readonly mark: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Events of one call of the core, notices told in one go, and milliseconds of work before others are let run. */
const mostEvents = 32
const mostNotices = 32
const slice = 0.7

export function createCoreLoop<E, N, O>(host: CoreLoopHost<E, N, O>): CoreLoop<E, N, O> {
  const { journal, now, tell } = host
  let queue: E[] = []
  let at = 0
  /** Events that ever were in the queue, and those of them that are decided on. */
  let posted = 0
  let decided = 0
  /** In order of their marks. */
  let waiters: Waiter[] = []
  let untold: N[] = []
  let told = 0
  let telling = false
  let scheduled = false
  let stopped = false
  let failure: { error: unknown } | undefined
  let wake: NodeJS.Timeout | undefined
  /** Resolves when all that was applied so far is durable. */
  let durable: Promise<void> = Promise.resolve()
  let applying = 0

  function post(event: E): void {
    if (stopped) return
    queue.push(event)
    posted += 1
    schedule()
  }

  function schedule(): void {
    if (scheduled) return
    scheduled = true
    setImmediate(pump)
  }

  /** Decides and tells for less than a millisecond, then lets others run. */
  function pump(): void {
    scheduled = false
    const end = performance.now() + slice
    do {
      decideSome()
      tellSome()
    } while (isBusy() && performance.now() < end)
    if (isBusy()) schedule()
    else host.onProgress()
  }

  const isBusy = (): boolean => at < queue.length || (telling && told < untold.length)

  function decideSome(): void {
    const batch = queue.slice(at, at + mostEvents)
    if (batch.length === 0) return
    at += batch.length
    if (at >= queue.length || at > 4096) {
      queue = queue.slice(at)
      at = 0
    }
    try {
      take(batch)
    } catch (error) {
      // Whatever it is, going on could do harm; the journal has all that counts.
      fail(error)
    }
  }

  function take(batch: readonly E[]): void {
    host.decide(batch)
    decided += batch.length
    for (let next = waiters[0]; next !== undefined && next.mark <= decided; next = waiters[0]) {
      durable.then(next.resolve, next.reject)
      waiters.shift()
    }
  }

  function tellSome(): void {
    if (!telling) return
    for (let count = 0; count < mostNotices && told < untold.length; count++) {
      const notice = untold[told]
      told += 1
      if (notice !== undefined) tell(notice)
    }
    if (told >= untold.length || told > 4096) {
      untold = untold.slice(told)
      told = 0
    }
  }

  function apply(ops: readonly O[], notices: readonly N[]): void {
    applying += 1
    // They themselves aren't kept while they become durable.
    const { length } = ops
    durable = journal.apply(ops).then(
      () => {
        applying -= 1
        for (const notice of notices) untold.push(notice)
        schedule()
        post(host.journaled(length))
      },
      (error: unknown) => {
        applying -= 1
        fail(error)
        throw error
      },
    )
    durable.catch(() => {})
  }

  function fail(error: unknown): void {
    if (failure !== undefined) return
    failure = { error }
    stop()
    host.onFailure(error)
  }

  function stop(): void {
    stopped = true
    clearTimeout(wake)
    const left = waiters
    queue = []
    at = 0
    waiters = []
    // What was taken in and never decided on was not journaled: who waits for it must know.
    for (const { reject } of left) reject(failure === undefined ? host.closedError() : failure.error)
  }

  return {
    post,
    postDurably(events) {
      if (failure !== undefined) return Promise.reject(failure.error)
      if (stopped) return Promise.reject(host.closedError())
      const list = events.length > 0 ? events : [host.tick()]
      return new Promise((resolve, reject) => {
        for (const event of list) post(event)
        waiters.push({ mark: posted, resolve, reject })
      })
    },
    apply,
    tellSoon(notice) {
      untold.push(notice)
      schedule()
    },
    wakeAt(time) {
      clearTimeout(wake)
      if (time !== Number.POSITIVE_INFINITY) wake = setTimeout(() => post(host.tick()), clampDelay(time - now()))
    },
    fail,
    get waiting() {
      return queue.length - at
    },
    get settled() {
      return queue.length === 0 && applying === 0 && untold.length === 0
    },
    beginTelling() {
      telling = true
      schedule()
    },
    stop,
  }
}

/** Of `setTimeout`: a longer delay would be none. */
const longestDelay = 2 ** 31 - 1
const clampDelay = (delay: number): number => Math.min(Math.max(0, Math.ceil(delay)), longestDelay)
