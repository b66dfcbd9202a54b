/** Abort signals: one listener per signal, however many jobs listen to it. */
import { SustenError } from '../errors.js'

/** Calls what was registered when its signal aborts. */
export interface AbortListeners {
  /** Registers; the returned function takes it back. The signal must not be aborted yet. */
  listen(signal: AbortSignal, onAbort: () => void): () => void
}

/** A set of listeners. It holds a signal only while something listens to it. */
export function createAbortListeners(): AbortListeners {
  const bySignal = new Map<AbortSignal, { callbacks: Set<() => void>; listener: () => void }>()
  return {
    listen(signal, onAbort) {
      let entry = bySignal.get(signal)
      if (entry === undefined) {
        const callbacks = new Set<() => void>()
        const listener = (): void => {
          for (const callback of [...callbacks]) callback()
        }
        entry = { callbacks, listener }
        bySignal.set(signal, entry)
        signal.addEventListener('abort', listener)
      }
      const { callbacks, listener } = entry
      callbacks.add(onAbort)
      return () => {
        callbacks.delete(onAbort)
        if (callbacks.size > 0 || bySignal.get(signal)?.callbacks !== callbacks) return
        bySignal.delete(signal)
        signal.removeEventListener('abort', listener)
      }
    },
  }
}

/** The error of something that was cancelled. `cause` is the signal's reason, where a signal did it. */
export function abortError(signal: AbortSignal | undefined): SustenError {
  if (signal?.aborted) {
    return new SustenError('ABORT_ERR: cancelled by the signal', { code: 'ABORT_ERR', cause: signal.reason })
  }
  return new SustenError('ABORT_ERR: cancelled, since the engine was closed', { code: 'ABORT_ERR' })
}
