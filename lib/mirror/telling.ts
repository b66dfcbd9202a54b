/** Tells listeners and iterations what happened, from when who opened it had time to listen. */
import type { Notice } from '../core/index.js'
import { createEmitter, createStreams, type Emitter, type Streams } from '../observe/index.js'
import { textOfThrown } from '../thrown.js'
import type { MirrorEvent, MirrorEvents } from './types.js'
import { copiedFile, failedFile, type Geography, messageView } from './views.js'

const eventNames = ['copied', 'failed', 'message', 'idle', 'error'] as const satisfies (keyof MirrorEvents)[]

export interface Telling {
  readonly emitter: Emitter<MirrorEvents>
  readonly streams: Streams<MirrorEvent>
  emit<K extends keyof MirrorEvents & string>(type: K, event: MirrorEvents[K] & MirrorEvent): void
  /** Tells what the core has to say. */
  tell(notice: Notice): void
  /** Tells what came up before anyone could listen, and from now on everything at once. */
  begin(): void
}

export function createTelling(where: Geography): Telling {
  const emitter = createEmitter<MirrorEvents>(eventNames, onListenerError)
  const streams = createStreams<MirrorEvent>()
  /** What came up before anyone could listen. */
  let held: (() => void)[] | undefined = []

  /** A listener's mistake is its own; it is told, and nothing stops. */
  function onListenerError(error: unknown, type: string): void {
    if (type !== 'error' && emitter.has('error')) emitter.emit('error', { type: 'error', error })
    else process.emitWarning(textOfThrown(error), { type: 'SustenListenerWarning' })
  }

  function emit<K extends keyof MirrorEvents & string>(type: K, event: MirrorEvents[K] & MirrorEvent): void {
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
    emit,
    tell(notice) {
      // Making an event costs more than finding out that nobody wants it.
      if (!emitter.has(notice.type) && !streams.open) return
      if (notice.type === 'copied') emit('copied', copiedFile(where, notice))
      else if (notice.type === 'failed') emit('failed', failedFile(where, notice))
      else emit('message', messageView(notice.message))
    },
    begin() {
      const waited = held ?? []
      held = undefined
      for (const tellNow of waited) tellNow()
    },
  }
}
