/** Jobs on files: one that is larger than the addon's queue is handed over part by part. */
import type { NativeError, NativeEvent } from '../native.js'
import { abortError } from './abort.js'
import type { Jobs } from './jobs.js'

/** What comes of one file. */
interface Result {
  /** Into the files of the part that was submitted. */
  readonly index: number
  readonly error?: NativeError | undefined
}

export interface PartsOptions<R extends Result> {
  /** Of files. */
  readonly count: number
  readonly signal: AbortSignal | undefined
  /** Submits the files from `first` up to, without, `end`. */
  readonly submit: (first: number, end: number) => number
  /** The result that an event is, if it is one. Told of all events. */
  readonly resultOf: (event: NativeEvent) => R | undefined
  /** Told of each result, with its index into all files. */
  readonly onResult: ((result: R) => void) | undefined
}

/** Resolves to the results of all files, in their order. An abort rejects once nothing of the part runs any more. */
export async function inParts<R extends Result>(
  { jobs, queueLimit }: { readonly jobs: Jobs; readonly queueLimit: number },
  { count, signal, submit, resultOf, onResult }: PartsOptions<R>,
): Promise<R[]> {
  const results = new Array<R>(count)
  let cancelled = false
  // At least once, so that an empty job too is refused when the engine is closed.
  let first = 0
  do {
    const begin = first
    await jobs.run({
      submit: () => submit(begin, Math.min(count, begin + queueLimit)),
      signal,
      onEvent(event) {
        const one = resultOf(event)
        if (one === undefined) return
        const result = begin === 0 ? one : { ...one, index: begin + one.index }
        results[result.index] = result
        cancelled ||= one.error?.code === 'ABORT_ERR'
        onResult?.(result)
      },
    })
    if (cancelled) throw abortError(signal)
    first += queueLimit
  } while (first < count)
  return results
}
