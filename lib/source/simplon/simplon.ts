/** The files of a SIMPLON file writer (EIGER, EIGER2, PILATUS4), as they become whole. */
import type { SustenError } from '../../errors.js'
import { afterRemoval, createEventQueue, type EventQueue, readOnce } from '../event-queue.js'
import type { FileOffer, FileSource, SourceEvent, SourceState } from '../files.js'
import { pause } from '../pace.js'
import { createCatalog } from './catalog.js'
import { openClient } from './client.js'
import { closedError, connectionError } from './failures.js'
import { checkSimplon, type SimplonOptions } from './options.js'
import { contentHeaders, readFile } from './read.js'
import { createServer, type ServerStatus } from './server.js'
import { busyOf, sameState, stateOf } from './status.js'
import { targetOf } from './target.js'

/** Events that wait for the reader, beyond which no more files are looked at. */
const MOST_WAITING = 1000
/** So many lists in a row that fail: the server is unavailable. */
const UNAVAILABLE = 2

/**
 * A detector server as a source of files. Nothing is asked of it before it is opened. It is never told to do anything but
 * to delete single files.
 * @throws SustenError `ERR_SUSTEN_OPTION`
 */
export function openSimplon(options: SimplonOptions): FileSource {
  const checked = checkSimplon(options)
  const { id, origin, url, poll } = checked
  const client = openClient(checked)
  const server = createServer(client, origin, checked.apiVersion, checked.maxFiles)

  let queue: EventQueue | undefined
  let closed: Promise<void> | undefined
  let listTimer: NodeJS.Timeout | undefined
  let statusTimer: NodeJS.Timeout | undefined
  /** Tells one reading from the next, whose requests may still be under way. */
  let reading = 0
  let listing = false
  let waiting: { readonly resolve: () => void; readonly reject: (error: SustenError) => void }[] = []

  let available = false
  let failures = 0
  /** The server may have been another one since the last list. */
  let doubt = false
  let failure: SustenError | undefined
  let status: ServerStatus | undefined
  let told: SourceState | undefined
  let listed = 0
  let beyond = 0
  let strange = 0
  let lastNew = Number.NEGATIVE_INFINITY
  let lastBusy = Number.NEGATIVE_INFINITY

  const catalog = createCatalog({
    server,
    patience: checked.patience,
    longest: poll.longest,
    looks: checked.connections,
    mostFiles: checked.maxFiles,
    tell: (event) => queue?.push(event),
    mayLook: () => available && queue !== undefined && queue.waiting < MOST_WAITING,
    isBusy: () => status !== undefined && busyOf(status) === true,
  })

  function tellState(): void {
    const { version } = server
    const { unsettled } = catalog
    const state = stateOf({ available, failure, version, status, listed, beyond, unsettled, strange })
    if (told !== undefined && sameState(told, state)) return
    told = state
    queue?.push({ type: 'state', state })
  }

  /** One list. Never two at once. */
  async function list(): Promise<void> {
    clearTimeout(listTimer)
    if (listing || queue === undefined) return
    listing = true
    const mine = reading
    const asking = waiting
    waiting = []
    const begun = performance.now()
    try {
      const { names, strange: odd } = await server.list()
      if (mine !== reading) return
      strange = odd
      cameBack()
      const { added, count, waiting: left } = await catalog.listed(names)
      if (mine !== reading) return
      listed = count
      beyond = left
      if (added > 0) lastNew = performance.now()
      for (const { resolve } of asking.splice(0)) resolve()
    } catch (error) {
      if (mine === reading) failed(connectionError(`list of ${origin}`, error))
      for (const { reject } of asking.splice(0)) reject(connectionError(`list of ${origin}`, error))
    } finally {
      listing = false
      for (const { reject } of asking) reject(closedError(id))
      if (queue !== undefined) {
        tellState()
        listTimer = setTimeout(() => void list(), mine === reading && waiting.length === 0 ? wait(begun) : 0)
      }
    }
  }

  function wait(begun: number): number {
    const now = performance.now()
    const busy = status && busyOf(status)
    const sinceBusy = busy === undefined ? undefined : busy ? 0 : now - lastBusy
    return pause(poll, { sinceNew: now - lastNew, sinceBusy, took: now - begun, failures })
  }

  function cameBack(): void {
    const again = doubt
    failures = 0
    doubt = false
    failure = undefined
    available = true
    if (again) catalog.recheck()
  }

  function failed(error: SustenError): void {
    failures++
    // A connection that ended may have ended with the server. An answer that is wrong came from the same one.
    doubt ||= error.code !== 'ERR_SUSTEN_SERVER' || failures >= UNAVAILABLE
    if (failures < UNAVAILABLE) return
    available = false
    failure = error
    status = undefined
    server.forget()
  }

  /** Detector, file writer, memory. What goes wrong here, lists tell. */
  async function ask(): Promise<void> {
    const mine = reading
    if (available) {
      const read = await server.status().catch(() => undefined)
      if (mine !== reading) return
      if (available) status = read
      if (status && busyOf(status) === true) {
        const wasIdle = performance.now() - lastBusy > poll.status
        lastBusy = performance.now()
        // Files are to be expected: don't wait for as long as before.
        if (wasIdle) void list()
      }
      tellState()
    }
    if (mine !== reading || queue === undefined) return
    const isBusy = status !== undefined && busyOf(status) === true
    statusTimer = setTimeout(() => void ask(), available ? (isBusy ? poll.status / 4 : poll.status) : poll.arriving)
  }

  function stop(): void {
    reading++
    clearTimeout(listTimer)
    clearTimeout(statusTimer)
    queue?.end()
    queue = undefined
    catalog.clear()
    for (const { reject } of waiting.splice(0)) reject(closedError(id))
  }

  function start(): EventQueue {
    const events = createEventQueue()
    queue = events
    available = false
    doubt = false
    failures = 0
    failure = undefined
    status = undefined
    told = undefined
    listed = 0
    beyond = 0
    strange = 0
    server.forget()
    // Removals may have looked at files before.
    catalog.clear()
    tellState()
    void list()
    void ask()
    return events
  }

  async function* read(signal: AbortSignal | undefined): AsyncGenerator<SourceEvent, void, undefined> {
    if (closed !== undefined) throw closedError(id)
    yield* readOnce({ id, current: () => queue, start, stop, onTaken: catalog.wake }, signal)
  }

  function close(): Promise<void> {
    closed ??= (async () => {
      stop()
      await client.close()
    })()
    return closed
  }

  return {
    id,
    open: (signal) => read(signal),
    locate(file: FileOffer) {
      if (url.protocol !== 'http:') return undefined
      const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
      const port = url.port === '' ? 80 : Number(url.port)
      return { type: 'http', host, port, target: targetOf(file.name), headers: Object.entries(contentHeaders) }
    },
    async read(file, signal) {
      if (closed !== undefined) throw closedError(id)
      return readFile(client, origin, file, signal)
    },
    async remove(file) {
      if (closed !== undefined) throw closedError(id)
      return afterRemoval(queue, file, await catalog.remove(file))
    },
    look() {
      if (queue === undefined) return Promise.reject(closedError(id))
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject })
        void list()
      })
    },
    *unsettled() {
      yield* catalog.unsettledFiles()
      yield* queue?.unread() ?? []
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
