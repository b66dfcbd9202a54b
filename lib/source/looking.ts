/**
 * A source that is looked at as a whole, again and again: its reading, its state, and when to look. What a look is, and
 * what it finds, is for the source to say.
 */
import { SustenError } from '../errors.js'
import { textOfThrown } from '../thrown.js'
import { afterRemoval, createEventQueue, type EventQueue, readOnce } from './event-queue.js'
import type { FileOffer, Removal, SeenFile, SourceEvent, SourceState } from './files.js'

export interface LookingOptions {
  readonly id: string
  /** One look; never two at once. Rejects if the source can't be used. */
  readonly look: (signal: AbortSignal) => Promise<void>
  /** Milliseconds from the end of one look to the next one. @param failures Looks in a row that failed. */
  readonly pause: (took: number, failures: number) => number
  /** What the state tells besides. */
  readonly details: () => Readonly<Record<string, string>>
  /** Files that were seen, and not offered as they are. */
  readonly unsettled: () => number
  /** The same, one by one. */
  readonly unsettledFiles: () => Iterable<SeenFile>
  /** The reader took something: there may be room for more. */
  readonly onTaken: () => void
  /** A reading begins: nothing is known. */
  readonly onStart: () => void
  /** A reading ended. */
  readonly onStop: () => void
  /** It doesn't answer any more; when it does again, files may be others. */
  readonly onLost: () => void
}

export interface Looking {
  /** See `FileSource.open`. */
  open(signal?: AbortSignal): AsyncIterable<SourceEvent>
  /** Resolves when a look that began after this call has succeeded. */
  look(): Promise<void>
  /** See `FileSource.unsettled`. */
  unsettled(): Iterable<SeenFile>
  tell(event: SourceEvent): void
  /** See {@link afterRemoval}. */
  afterRemoval(file: FileOffer, removal: Removal): Removal
  /** It is being read, and the reader keeps up. */
  readonly mayTell: boolean
  readonly reading: boolean
  /** Looks as soon as it can. */
  hurry(): void
  /** @throws SustenError `ERR_SUSTEN_CLOSED` */
  checkOpen(): void
  /** Ends the reading, and resolves when no look is under way. */
  close(): Promise<void>
}

/** Events that wait for the reader, beyond which no more files are offered. */
const MOST_WAITING = 1000
/** So many looks in a row that fail: the source is unavailable. */
const UNAVAILABLE = 2

export function createLooking(options: LookingOptions): Looking {
  const { id } = options
  let queue: EventQueue | undefined
  let stopping = new AbortController()
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> | undefined
  let waiting: { readonly resolve: () => void; readonly reject: (error: unknown) => void }[] = []
  let available = false
  let failures = 0
  let failure: SustenError | undefined
  let told = ''

  const closedError = (): SustenError =>
    new SustenError(`The source '${id}' is closed; open another one`, { code: 'ERR_SUSTEN_CLOSED' })

  function tellState(): void {
    const unsettled = available ? { unsettled: options.unsettled() } : {}
    const state: SourceState = { available, ...(failure && { failure }), ...unsettled, details: options.details() }
    const text = JSON.stringify([available, failure?.code, failure?.message, unsettled, state.details])
    if (text === told) return
    told = text
    queue?.push({ type: 'state', state })
  }

  function begin(): void {
    if (looking !== undefined || queue === undefined) return
    clearTimeout(timer)
    timer = undefined
    looking = once(queue).finally(() => {
      looking = undefined
      // Somebody waits, or another reading has begun meanwhile.
      if (waiting.length > 0 || timer === undefined) begin()
    })
  }

  async function once(mine: EventQueue): Promise<void> {
    const asking = waiting
    waiting = []
    const begun = performance.now()
    const isMine = (): boolean => queue === mine
    try {
      await options.look(stopping.signal)
      if (!isMine()) throw closedError()
      succeeded()
      for (const { resolve } of asking) resolve()
    } catch (error) {
      if (isMine()) failed(error)
      for (const { reject } of asking) reject(isMine() ? error : closedError())
    }
    if (!isMine()) return
    tellState()
    const took = performance.now() - begun
    timer = setTimeout(begin, options.pause(took, failures))
  }

  function succeeded(): void {
    failures = 0
    failure = undefined
    available = true
  }

  function failed(error: unknown): void {
    failures++
    if (failures < UNAVAILABLE) return
    if (available) options.onLost()
    available = false
    const code = 'ERR_SUSTEN_SERVER'
    failure = error instanceof SustenError ? error : new SustenError(textOfThrown(error), { code, cause: error })
  }

  function start(): EventQueue {
    const events = createEventQueue()
    queue = events
    stopping = new AbortController()
    available = false
    failures = 0
    failure = undefined
    told = ''
    options.onStart()
    tellState()
    begin()
    return events
  }

  function stop(): void {
    clearTimeout(timer)
    timer = undefined
    if (queue === undefined) return
    stopping.abort()
    queue.end()
    queue = undefined
    for (const { reject } of waiting.splice(0)) reject(closedError())
    options.onStop()
  }

  async function* read(signal: AbortSignal | undefined): AsyncGenerator<SourceEvent, void, undefined> {
    if (closed) throw closedError()
    yield* readOnce({ id, current: () => queue, start, stop, onTaken: options.onTaken }, signal)
  }

  return {
    open: (signal) => read(signal),
    look() {
      if (queue === undefined) return Promise.reject(closedError())
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject })
        begin()
      })
    },
    *unsettled() {
      yield* options.unsettledFiles()
      yield* queue?.unread() ?? []
    },
    tell: (event) => queue?.push(event),
    afterRemoval: (file, removal) => afterRemoval(queue, file, removal),
    get mayTell() {
      return queue !== undefined && queue.waiting < MOST_WAITING
    },
    get reading() {
      return queue !== undefined
    },
    hurry: begin,
    checkOpen() {
      if (closed) throw closedError()
    },
    async close() {
      closed = true
      stop()
      await looking
    },
  }
}
