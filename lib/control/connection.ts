/** One caller's connection: requests in, answers out. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { SustenError } from '../errors.js'
import { createLineReader } from './line-reader.js'
import { errorLine, helloLine, itemLine, parseLine, parseRequest, type Request, resultLine } from './messages.js'
import type { CallContext, Method } from './methods.js'
import type { Peer } from './peer.js'

export interface ConnectionOptions {
  readonly caller: Peer
  readonly methods: ReadonlyMap<string, Method>
  /** Bytes of a request. */
  readonly maxLine: number
}

export interface Connection {
  /** Takes no more requests, ends streams, answers what was asked, and closes. */
  finish(): void
  /** Closes now; what is being done is told that nobody waits for it. */
  destroy(): void
}

/** Requests of one connection that are worked on at a time; others wait, and then the caller does. */
const most = 8
/** Milliseconds after which a caller is dropped that neither asks nor takes its answers. */
const patience = 60_000

interface Running {
  readonly isStream: boolean
  readonly abort: AbortController
}

/** Serves a connection from now on. It was paused, and its caller is known and allowed. */
export function serveConnection(socket: Socket, options: ConnectionOptions): Connection {
  const { caller, methods, maxLine } = options
  const lines = createLineReader(maxLine)
  const waiting: string[] = []
  const running = new Set<Running>()
  /** Aborts when nothing can be written any more. */
  const gone = new AbortController()
  /** The caller asks no more. */
  let hasEnded = false
  /** Nothing more is begun. */
  let isFinishing = false

  function onData(chunk: Buffer): void {
    if (isFinishing) return
    try {
      waiting.push(...lines.feed(chunk))
    } catch (error) {
      giveUp(error)
    }
    next()
  }

  /** What can't be understood ends the conversation: where the next request begins is anyone's guess. */
  function giveUp(error: unknown): void {
    void send(errorLine(null, 'parse', error))
    finish()
  }

  /** Begins what may begin. A few requests each turn of the event loop, however many come at once. */
  function next(): void {
    while (running.size < most) {
      const text = waiting.shift()
      if (text === undefined) break
      begin(text)
    }
    if (waiting.length > 0) socket.pause()
    else socket.resume()
    const isDone = (hasEnded || isFinishing) && running.size === 0 && waiting.length === 0
    if (isDone) socket.end(() => socket.destroy())
  }

  function begin(text: string): void {
    let request: Request
    try {
      request = parseRequest(parseLine(text))
    } catch (error) {
      giveUp(error)
      return
    }
    const method = methods.get(request.method)
    const mine: Running = { isStream: method !== undefined && 'stream' in method, abort: new AbortController() }
    if (mine.isStream && hasEnded) mine.abort.abort()
    running.add(mine)
    void answer(request, method, mine.abort.signal).then(() => {
      running.delete(mine)
      setImmediate(next)
    })
  }

  /** Never rejects. */
  async function answer(request: Request, method: Method | undefined, signal: AbortSignal): Promise<void> {
    const { id, params } = request
    if (method === undefined) {
      const known = [...methods.keys()].join(', ')
      const why = `there is no method '${request.method.slice(0, 64)}'; known are ${known}`
      return send(errorLine(id, 'method', new SustenError(why, { code: 'ERR_SUSTEN_OPTION' })))
    }
    const context: CallContext = { caller, signal }
    try {
      if ('call' in method) return await send(resultLine(id, await method.call(params, context)))
      await stream(id, method.stream(params, context), signal)
      await send(resultLine(id, null))
    } catch (error) {
      await send(errorLine(id, 'failed', error))
    }
  }

  async function stream(id: Request['id'], values: AsyncIterable<unknown>, signal: AbortSignal): Promise<void> {
    const iterator = values[Symbol.asyncIterator]()
    try {
      for (;;) {
        const step = await unlessAborted(iterator.next(), signal)
        if (step === undefined || step.done) return
        await send(itemLine(id, step.value))
      }
    } finally {
      // Not waited for: an iteration that doesn't listen to its signal may take for ever.
      Promise.resolve(iterator.return?.()).catch(() => {})
    }
  }

  /** Resolves when it is the caller's, or the caller has gone. */
  async function send(text: string): Promise<void> {
    if (!socket.writable || socket.write(text)) return
    await once(socket, 'drain', { signal: gone.signal }).catch(() => {})
  }

  function endStreams(): void {
    for (const { isStream, abort } of running) if (isStream) abort.abort()
  }

  function finish(): void {
    isFinishing = true
    waiting.length = 0
    endStreams()
    next()
  }

  /** Nobody is there any more. */
  function leave(): void {
    isFinishing = true
    waiting.length = 0
    gone.abort()
    for (const { abort } of running) abort.abort()
  }

  function destroy(): void {
    socket.destroy()
    leave()
  }

  socket.setMaxListeners(4 * most) // each answer that waits has some
  socket.on('data', onData)
  // Who has ended its side may still wait for answers. It might as well have gone, though: streams would never know.
  socket.once('end', () => {
    hasEnded = true
    endStreams()
    next()
  })
  socket.once('close', leave)
  socket.setTimeout(patience, () => {
    if (running.size === 0 || socket.writableLength > 0) socket.destroy()
  })
  void send(helloLine())
  socket.resume()
  return { finish, destroy }
}

/** Undefined as soon as the signal aborts. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const leave = (): void => resolve(undefined)
    if (signal.aborted) leave()
    signal.addEventListener('abort', leave, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}
