/** The jobs of one engine: from native events to one promise per job. */
import { fromNative, fromThrown, SustenError } from '../errors.js'
import type { NativeDone, NativeEvent } from '../native.js'
import { abortError, createAbortListeners } from './abort.js'

/** An event that isn't a job's last. */
export type JobEvent = Exclude<NativeEvent, NativeDone>

/** What a job is, to the table of jobs. */
export interface JobPlan {
  /** Hands the job to the addon; returns its number. May throw `ERR_SUSTEN_QUEUE_FULL`: then it is tried again. */
  readonly submit: () => number
  /** Takes the job's events. What it throws cancels the job and becomes its rejection. */
  readonly onEvent?: ((event: JobEvent, job: RunningJob) => void) | undefined
  /** Cancels the job. */
  readonly signal?: AbortSignal | undefined
}

/** A job that the addon has. */
export interface RunningJob {
  readonly id: number
  /** Cancels it and makes this its rejection. The first failure counts. No event is delivered after it. */
  fail(error: unknown): void
  /** Whether its events still matter: not failed, not done. */
  readonly live: boolean
}

/** How the table reaches the addon. */
export interface JobsHost {
  cancel(id: number): void
  /** Told when the first job begins and when the last one ends. */
  busy(busy: boolean): void
}

/** The jobs of one engine. */
export interface Jobs {
  /** Runs a job to its end. Jobs begin in the order of the calls. */
  run(plan: JobPlan): Promise<NativeDone>
  /** Takes the addon's events. Never throws. */
  dispatch(events: readonly NativeEvent[]): void
  /** Refuses new jobs from now on, with `ERR_SUSTEN_CLOSED`. */
  refuse(): void
  /** Cancels all jobs, waiting and running. */
  cancelAll(): void
  /** Resolves as soon as there is no job. */
  idle(): Promise<void>
}

interface Entry extends RunningJob {
  live: boolean
  readonly plan: JobPlan
  failure: { readonly error: unknown } | undefined
  settle(done: NativeDone): void
}

interface Waiting {
  /** Hands the job over; false while the addon's queue is full. */
  begin(): boolean
  cancel(): void
}

/** A table of jobs. */
export function createJobs(host: JobsHost): Jobs {
  const running = new Map<number, Entry>()
  const waiting = new Set<Waiting>()
  const listeners = createAbortListeners()
  let idlers: (() => void)[] = []
  let refusing = false
  let busy = false

  function settleBusy(): void {
    const now = running.size + waiting.size > 0
    if (now !== busy) {
      busy = now
      host.busy(now)
    }
    if (now) return
    for (const resolve of idlers) resolve()
    idlers = []
  }

  /** Begins waiting jobs in their order, until the addon's queue is full. */
  function pump(): void {
    for (const next of waiting) {
      if (!next.begin()) return
      waiting.delete(next)
    }
  }

  function cancel(entry: Entry): void {
    if (running.get(entry.id) === entry) host.cancel(entry.id)
  }

  function run(plan: JobPlan): Promise<NativeDone> {
    const { signal } = plan
    if (refusing) return Promise.reject(closedError())
    if (signal?.aborted) return Promise.reject(abortError(signal))
    return new Promise<NativeDone>((resolve, reject) => {
      let unlisten = (): void => {}
      const refuse = (error: unknown): void => {
        unlisten()
        reject(error)
      }
      const turn: Waiting = {
        begin() {
          let id: number
          try {
            id = plan.submit()
          } catch (error) {
            if (isQueueFull(error) && running.size > 0) return false
            refuse(fromThrown(error))
            return true
          }
          const entry: Entry = {
            id,
            plan,
            live: true,
            failure: undefined,
            fail(error) {
              if (!entry.live) return
              entry.live = false
              entry.failure = { error }
              cancel(entry)
            },
            settle(done) {
              entry.live = false
              unlisten()
              if (entry.failure !== undefined) reject(entry.failure.error)
              else if (done.error === undefined) resolve(done)
              else reject(done.error.code === 'ABORT_ERR' ? abortError(signal) : fromNative(done.error))
            },
          }
          running.set(id, entry)
          unlisten()
          if (signal !== undefined) unlisten = listeners.listen(signal, () => cancel(entry))
          return true
        },
        cancel() {
          waiting.delete(turn)
          refuse(abortError(signal))
          settleBusy()
        },
      }
      if (signal !== undefined) unlisten = listeners.listen(signal, turn.cancel)
      waiting.add(turn)
      // Never ahead of another that waits already.
      if (waiting.size === 1) pump()
      settleBusy()
    })
  }

  function dispatch(events: readonly NativeEvent[]): void {
    for (const event of events) {
      const entry = running.get(event.job)
      if (entry === undefined) continue
      if (event.type === 'done') {
        running.delete(event.job)
        entry.settle(event)
      } else if (entry.live) {
        try {
          entry.plan.onEvent?.(event, entry)
        } catch (error) {
          entry.fail(error)
        }
      }
    }
    pump()
    settleBusy()
  }

  return {
    run,
    dispatch,
    refuse() {
      refusing = true
    },
    cancelAll() {
      for (const turn of [...waiting]) turn.cancel()
      for (const entry of running.values()) cancel(entry)
    },
    idle: () => (busy ? new Promise((resolve) => idlers.push(resolve)) : Promise.resolve()),
  }
}

function isQueueFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SUSTEN_QUEUE_FULL'
}

/** The error of a call on a closed engine. */
function closedError(): SustenError {
  return new SustenError('ERR_SUSTEN_CLOSED: the engine is closed', { code: 'ERR_SUSTEN_CLOSED' })
}
