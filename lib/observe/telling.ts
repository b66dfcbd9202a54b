/** Tells listeners and iterations what happened, from when who opened something had time to listen. */
import { textOfThrown } from '../thrown.js'
import { createEmitter, type Emitter } from './emitter.js'
import { createStreams, type Streams } from './stream.js'

/** Events by name; each of them has its name as its `type`. */
type Named<M extends object> = M[keyof M]

export interface Telling<M extends object> {
  readonly emitter: Emitter<M>
  readonly streams: Streams<Named<M>>
  /** Whether anyone would hear it: making an event costs more than finding out that nobody wants it. */
  heard(type: keyof M & string): boolean
  emit<K extends keyof M & string>(type: K, event: M[K]): void
  /** Tells what came up before anyone could listen, and from now on everything at once. */
  begin(): void
}

/** @param names Those of the events; one is `error`, which has an `error`. */
export function createTelling<M extends { readonly error: { readonly type: 'error'; readonly error: unknown } }>(
  names: readonly (keyof M & string)[],
): Telling<M> {
  const emitter = createEmitter<M>(names, onListenerError)
  const streams = createStreams<Named<M>>()
  /** What came up before anyone could listen. */
  let held: (() => void)[] | undefined = []

  /** A listener's mistake is its own; it is told, and nothing stops. */
  function onListenerError(error: unknown, type: string): void {
    if (type !== 'error' && emitter.has('error')) emitter.emit('error', { type: 'error', error })
    else process.emitWarning(textOfThrown(error), { type: 'SustenListenerWarning' })
  }

  function emit<K extends keyof M & string>(type: K, event: M[K]): void {
    if (held !== undefined) {
      held.push(() => emit(type, event))
      return
    }
    emitter.emit(type, event)
    if (streams.open) streams.push(event)
  }

  return {
    emitter,
    streams,
    heard: (type) => emitter.has(type) || streams.open,
    emit,
    begin() {
      const waited = held ?? []
      held = undefined
      for (const tellNow of waited) tellNow()
    },
  }
}
