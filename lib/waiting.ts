/** Those who wait until something is so. */
import { abortError } from './engine/index.js'

export interface Waiting {
  /** Looks whether those who wait have what they wait for. */
  look(): void
  /** Resolves when a condition holds; looked at whenever something has come to its end. */
  until(holds: () => boolean, signal?: AbortSignal): Promise<void>
}

/** @param failure What went wrong for good, if something did: then nobody waits any more. */
export function createWaiting(failure: () => { readonly error: unknown } | undefined): Waiting {
  const waiting = new Set<() => void>()
  return {
    look() {
      for (const check of waiting) check()
    },
    until: (holds, signal) =>
      new Promise((resolve, reject) => {
        const end = (act: () => void): void => {
          waiting.delete(check)
          signal?.removeEventListener('abort', check)
          act()
        }
        function check(): void {
          const failed = failure()
          if (signal?.aborted) end(() => reject(abortError(signal)))
          else if (failed !== undefined) end(() => reject(failed.error))
          else if (holds()) end(resolve)
        }
        waiting.add(check)
        signal?.addEventListener('abort', check)
        check()
      }),
  }
}
