/** Typed listeners that can't hurt whoever calls them. */

/** A map from event names to what listeners are given. */
export type EventMap = Record<string, unknown>

export type Listener<T> = (event: T) => void

export interface Emitter<M extends EventMap> {
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

/** @param onThrow Told what a listener threw, or what the promise that it returned was rejected with. */
export function createEmitter<M extends EventMap>(onThrow: (error: unknown, type: string) => void): Emitter<M> {
  const byType = new Map<string, readonly Registered[]>()

  function add(type: string, registered: Registered): void {
    byType.set(type, [...(byType.get(type) ?? []), registered])
  }

  function remove(type: string, isIt: (registered: Registered) => boolean): void {
    const list = byType.get(type) ?? []
    const index = list.findLastIndex(isIt)
    if (index >= 0) byType.set(type, list.toSpliced(index, 1))
  }

  return {
    on(type, listener) {
      add(type, { listener, call: (event) => callSafely(type, () => listener(event as M[typeof type])) })
    },
    off(type, listener) {
      remove(type, (registered) => registered.listener === listener)
    },
    once(type, listener) {
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
