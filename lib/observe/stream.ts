/** Events as async iterations, each with a bounded buffer of its own. */

/** Stands where a slow reader missed something. */
export interface Lost {
  readonly type: 'lost'
  /** Events that aren't in the iteration. */
  readonly count: number
}

export interface Streams<T> {
  /** Hands an event to every open iteration. */
  push(event: T): void
  /** Ends every iteration, after what is in its buffer. */
  end(): void
  /** Whether any iteration is open. */
  readonly open: boolean
  /** @param limit Events that wait for a slow reader; beyond, they are lost, and that is told in their place. */
  iterate(limit: number, signal: AbortSignal | undefined): AsyncGenerator<T | Lost, void, undefined>
}

interface Reader<T> {
  readonly buffer: (T | Lost)[]
  readonly limit: number
  lost: number
  ended: boolean
  wake: () => void
}

export function createStreams<T>(): Streams<T> {
  const readers = new Set<Reader<T>>()
  let ended = false

  /** Registers at once, so that nothing is missed between the call and the first `next`. */
  function iterate(limit: number, signal: AbortSignal | undefined): AsyncGenerator<T | Lost, void, undefined> {
    const reader: Reader<T> = { buffer: [], limit, lost: 0, ended, wake: () => {} }
    readers.add(reader)
    const stop = (): void => {
      reader.ended = true
      reader.wake()
    }
    if (signal?.aborted) stop()
    signal?.addEventListener('abort', stop, { once: true })
    const leave = (): void => {
      readers.delete(reader)
      signal?.removeEventListener('abort', stop)
    }
    const events = read(reader, leave)
    // A generator that was never begun doesn't run its `finally`.
    const close = events.return.bind(events)
    events.return = (value) => {
      leave()
      stop()
      return close(value)
    }
    return events
  }

  return {
    get open() {
      return readers.size > 0
    },
    push(event) {
      for (const reader of readers) put(reader, event)
    },
    end() {
      ended = true
      for (const reader of readers) {
        reader.ended = true
        reader.wake()
      }
    },
    iterate,
  }
}

function put<T>(reader: Reader<T>, event: T): void {
  if (reader.ended) return
  if (reader.buffer.length >= reader.limit) {
    reader.lost += 1
    return
  }
  if (reader.lost > 0) reader.buffer.push({ type: 'lost', count: reader.lost })
  reader.lost = 0
  reader.buffer.push(event)
  reader.wake()
}

async function* read<T>(reader: Reader<T>, leave: () => void): AsyncGenerator<T | Lost, void, undefined> {
  try {
    for (;;) {
      // Taken as a whole: shifting one by one from a long array is slow.
      const batch = reader.buffer.splice(0)
      if (batch.length > 0) yield* batch
      else if (reader.lost > 0) {
        const count = reader.lost
        reader.lost = 0
        yield { type: 'lost', count }
      } else if (reader.ended) return
      else {
        await new Promise<void>((resolve) => {
          reader.wake = resolve
        })
      }
    }
  } finally {
    leave()
  }
}
