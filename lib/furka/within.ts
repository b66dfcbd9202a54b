/** Waiting for other people's code, which may never come back. */
import { abortError } from '../engine/index.js'
import { SustenError } from '../errors.js'

export interface Bounds {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds. Default: for ever. */
  readonly timeout?: number | undefined
  /** What is waited for, for the message. */
  readonly what: string
  /** What it rejects with when it isn't in time. Default: an `ETIMEDOUT` that says what didn't come. */
  readonly late?: (() => Error) | undefined
}

/** What a promise resolves to, if that is in time: rejects with `ETIMEDOUT` or `ABORT_ERR` else. */
export function within<T>(
  work: PromiseLike<T>,
  { signal, timeout, what, late = () => lateError(what, timeout) }: Bounds,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined
    const stop = (): void => end(() => reject(abortError(signal)))
    const end = (act: () => void): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
      act()
    }
    work.then(
      (value) => end(() => resolve(value)),
      (error: unknown) => end(() => reject(error)),
    )
    if (signal?.aborted) {
      stop()
      return
    }
    signal?.addEventListener('abort', stop, { once: true })
    if (timeout === undefined) return
    timer = setTimeout(() => end(() => reject(late())), timeout)
  })
}

const lateError = (what: string, timeout: number | undefined): SustenError =>
  new SustenError(`ETIMEDOUT: no ${what} came for ${timeout} ms`, { code: 'ETIMEDOUT', errno: -110, syscall: 'read' })
