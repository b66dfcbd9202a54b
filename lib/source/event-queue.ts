/** Events on their way to the one who reads a source. */
import { SustenError } from '../errors.js'
import type { FileOffer, Removal, SourceEvent, SourceState } from './files.js'

export interface EventQueue {
  /** A state takes the place of one that nobody has read. */
  push(event: SourceEvent): void
  /** An offer of it that nobody has read is no more. */
  drop(file: FileOffer): void
  /** Events that wait to be read. */
  readonly waiting: number
  /** Files whose offers wait to be read. */
  unread(): readonly FileOffer[]
  /** The reading ends, at once. */
  end(): void
  /** @param onTaken Called when an event was taken. */
  read(onTaken: () => void): AsyncGenerator<SourceEvent, void, undefined>
}

export function createEventQueue(): EventQueue {
  let events: SourceEvent[] = []
  let next = 0
  let state: SourceState | undefined
  let ended = false
  let wake = (): void => {}

  function take(): SourceEvent | undefined {
    if (state !== undefined) {
      const event = { type: 'state', state } as const
      state = undefined
      return event
    }
    const event = events[next]
    if (event === undefined) return undefined
    next++
    if (next === events.length || next === 1024) {
      events = events.slice(next)
      next = 0
    }
    return event
  }

  return {
    get waiting() {
      return events.length - next
    },
    unread: () => events.slice(next).flatMap((event) => (event.type === 'file' ? [event.file] : [])),
    push(event) {
      if (ended) return
      if (event.type === 'state') state = event.state
      else events.push(event)
      wake()
    },
    drop({ name, version }) {
      const isIt = (event: SourceEvent): boolean =>
        event.type === 'file' && event.file.name === name && event.file.version === version
      if (next === events.length) return
      events = events.slice(next).filter((event) => !isIt(event))
      next = 0
    },
    end() {
      ended = true
      wake()
    },
    async *read(onTaken) {
      while (!ended) {
        const event = take()
        if (event !== undefined) {
          onTaken()
          yield event
          continue
        }
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
  }
}

/** An offer that was read behind the removal would be one of another file, which nobody could find. */
export function afterRemoval(queue: EventQueue | undefined, file: FileOffer, removal: Removal): Removal {
  if (removal.outcome === 'removed' || removal.outcome === 'gone') queue?.drop(file)
  return removal
}

/** A source that is read by one at a time. */
export interface Readable {
  readonly id: string
  /** The reading under way, if there is one. */
  readonly current: () => EventQueue | undefined
  readonly start: () => EventQueue
  readonly stop: () => void
  /** Called when an event was taken. */
  readonly onTaken: () => void
}

/**
 * Reads a source until its signal aborts, its reader leaves, or it is stopped.
 * @throws SustenError `ERR_INVALID_STATE`: it is being read already
 */
export async function* readOnce(
  { id, current, start, stop, onTaken }: Readable,
  signal: AbortSignal | undefined,
): AsyncGenerator<SourceEvent, void, undefined> {
  if (current() !== undefined) {
    const text = `The source '${id}' is being read already; end that first, or open another source`
    throw new SustenError(text, { code: 'ERR_INVALID_STATE' })
  }
  if (signal?.aborted) return
  const events = start()
  const end = (): void => {
    if (current() === events) stop()
  }
  signal?.addEventListener('abort', end, { once: true })
  try {
    yield* events.read(onTaken)
  } finally {
    signal?.removeEventListener('abort', end)
    end()
  }
}
