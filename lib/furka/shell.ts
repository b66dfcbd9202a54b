/**
 * The shell around the core: hands events in, a slice at a time, carries commands out, and tells what came of them once
 * it is durable. Everything that is decided is decided by the core.
 */
import type { Journal } from '../journal/index.js'
import { type Command, type CoreEvent, decide, type Notice, type Order, type State } from './core/index.js'
import { closedError } from './failures.js'

/** What the shell needs of its surroundings. */
export interface ShellHost {
  readonly state: State
  readonly journal: Journal
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Must not throw. */
  readonly carryOut: (order: Order) => void
  /** What a notice says is durable. */
  readonly tell: (notice: Notice) => void
  /** The journal failed: nothing goes on. */
  readonly onFailure: (error: unknown) => void
  /** Told whenever something came to its end, so that who waits can look. */
  readonly onProgress: () => void
}

export interface Shell {
  /** Takes an event in. */
  post(event: CoreEvent): void
  /** Takes events in; resolves when all that they, and those before them, led to is durable. */
  postDurably(events: readonly CoreEvent[]): Promise<void>
  /** Events that wait to be decided on. */
  readonly waiting: number
  /** Nothing is waiting to be decided, to become durable or to be told. */
  readonly settled: boolean
  /** Begins to tell, with what has come up before: who opened the Furka has had time to listen. */
  beginTelling(): void
  /** Carries nothing out any more. What is on its way to the journal still gets there. */
  stop(): void
}

interface Posted {
  readonly event: CoreEvent
  readonly done?: Settle | undefined
}

interface Settle {
  left: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Events of one call of the core, notices told in one go, and milliseconds of work before others are let run. */
const mostEvents = 32
const mostNotices = 32
const slice = 0.7

export function createShell({ state, journal, now, carryOut, tell, onFailure, onProgress }: ShellHost): Shell {
  let queue: Posted[] = []
  let at = 0
  let untold: Notice[] = []
  let told = 0
  let telling = false
  let scheduled = false
  let stopped = false
  let failure: { error: unknown } | undefined
  let wake: NodeJS.Timeout | undefined
  /** Resolves when all that was applied so far is durable. */
  let durable: Promise<void> = Promise.resolve()
  let applying = 0

  function push(posted: Posted): void {
    if (stopped) return
    queue.push(posted)
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
    else onProgress()
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
      for (const { done } of batch) done?.reject(error)
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

  function addUntold(notices: readonly Notice[]): void {
    for (const notice of notices) untold.push(notice)
    schedule()
  }

  function take(batch: readonly Posted[]): void {
    const commands = decide(
      state,
      batch.map(({ event }) => event),
    )
    for (const command of commands) obey(command)
    for (const { done } of batch) {
      if (done === undefined) continue
      done.left -= 1
      if (done.left === 0) durable.then(done.resolve, done.reject)
    }
  }

  function obey(command: Command): void {
    switch (command.type) {
      case 'journal':
        apply(command)
        break
      case 'tell':
        addUntold([command.notice])
        break
      case 'wake':
        clearTimeout(wake)
        if (command.at !== Number.POSITIVE_INFINITY) wake = setTimeout(tick, clampDelay(command.at - now()))
        break
      default:
        carryOut(command)
    }
  }

  function apply({ ops, notices }: Extract<Command, { type: 'journal' }>): void {
    applying += 1
    durable = journal.apply(ops).then(
      () => {
        applying -= 1
        addUntold(notices)
        push({ event: { type: 'journaled', at: now(), ops: ops.length } })
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
    onFailure(error)
  }

  function tick(): void {
    push({ event: { type: 'tick', at: now() } })
  }

  function stop(): void {
    stopped = true
    clearTimeout(wake)
    const left = queue.slice(at)
    queue = []
    at = 0
    // What was taken in and never decided on was not journaled: who waits for it must know.
    for (const { done } of left) done?.reject(failure?.error ?? closedError())
  }

  return {
    post(event) {
      push({ event })
    },
    postDurably(events) {
      if (failure !== undefined) return Promise.reject(failure.error)
      if (stopped) return Promise.reject(closedError())
      const list: readonly CoreEvent[] = events.length > 0 ? events : [{ type: 'tick', at: now() }]
      return new Promise((resolve, reject) => {
        const done = { left: list.length, resolve, reject }
        for (const event of list) push({ event, done })
      })
    },
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
