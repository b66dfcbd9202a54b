/** Typed listeners that can't hurt whoever calls them. */
import { inspect } from 'node:util'
import { optionError } from '../options.js'

export type Listener<T> = (event: T) => void

export interface Emitter<M extends object> {
  on<K extends keyof M & string>(type: K, listener: Listener<M[K]>): void
  off<K extends keyof M & string>(type: K, listener: Listener<M[K]>): void
  once<K extends keyof M & string>(type: K, listener: Listener<M[K]>): void
  /** Calls the listeners, in order of their adding. Never throws. */
  emit<K extends keyof M & string>(type: K, event: M[K]): void
  /** Whether anyone listens. */
  has(type: keyof M & string): boolean
}

interface Registered {
  readonly listener: unknown
  readonly call: (event: unknown) => void
}

/**
 * Listening refuses an unknown name, and what is no function, with `ERR_SUSTEN_OPTION`.
 * @param names Those of the events.
 * @param onThrow Told what a listener threw, or what the promise that it returned was rejected with.
 */
export function createEmitter<M extends object>(
  names: readonly (keyof M & string)[],
  onThrow: (error: unknown, type: string) => void,
): Emitter<M> {
  const byType = new Map<string, readonly Registered[]>()

  function add(type: string, registered: Registered): void {
    byType.set(type, [...(byType.get(type) ?? []), registered])
  }

  function remove(type: string, isIt: (registered: Registered) => boolean): void {
    const list = byType.get(type) ?? []
    const index = list.findLastIndex(isIt)
    if (index >= 0) byType.set(type, list.toSpliced(index, 1))
  }

  /** A mistyped event would never be heard. */
  function check(type: string, listener: unknown): void {
    if (!names.some((name) => name === type)) {
      throw optionError(`there is no event ${inspect(type)}; known are ${names.join(', ')}`)
    }
    if (typeof listener !== 'function') {
      throw optionError(`a listener of '${type}' must be a function, not ${inspect(listener)}`)
    }
  }

  return {
    on(type, listener) {
      check(type, listener)
      add(type, { listener, call: (event) => callSafely(type, () => listener(event as M[typeof type])) })
    },
    off(type, listener) {
      check(type, listener)
      remove(type, (registered) => registered.listener === listener)
    },
    once(type, listener) {
      check(type, listener)
      const registered: Registered = {
        listener,
        call(event) {
          remove(type, (other) => other === registered)
          callSafely(type, () => listener(event as M[typeof type]))
        },
      }
      add(type, registered)
    },
    emit(type, event) {
      for (const { call } of byType.get(type) ?? []) call(event)
    },
    has: (type) => (byType.get(type)?.length ?? 0) > 0,
  }

  function callSafely(type: string, call: () => unknown): void {
    try {
      const answer = call()
      if (answer instanceof Promise) answer.catch((error: unknown) => onThrow(error, type))
    } catch (error) {
      onThrow(error, type)
    }
  }
}
