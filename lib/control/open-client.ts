/** One connection to a daemon's control socket, for many calls. */
import { once } from 'node:events'
import { SustenError } from '../errors.js'
import { checkInteger, checkNames, checkSignal } from '../options.js'
import type { CallOptions } from './client.js'
import {
  aborted,
  checkHello,
  checkServer,
  connectTo,
  defaultTimeout,
  failed,
  inWords,
  lost,
  maxLine,
  protocolError,
  requestOf,
} from './connect.js'
import { createLineReader } from './line-reader.js'
import { fromWire, parseLine } from './messages.js'

/** An open connection to a daemon. */
export interface ControlClient extends AsyncDisposable {
  /** False once the connection is gone: every further call fails. A daemon closes it after 60 s without a call, too. */
  readonly isOpen: boolean
  /**
   * Calls a method that answers once. Calls may overlap; the daemon works on eight at a time. A call that is given up
   * by its signal or its time is done all the same, perhaps.
   * @param options `timeout`: milliseconds until the answer is whole, default 10 s
   * @throws SustenError what the method threw; `ECONNRESET` if the daemon went away: nobody knows then whether it was
   *   done; `ETIMEDOUT`, `ABORT_ERR`, `EPROTO`, `ERR_SUSTEN_OPTION`, `ERR_SUSTEN_CLOSED`
   */
  call(method: string, params?: unknown, options?: Omit<CallOptions, 'trust'>): Promise<unknown>
  /** Ends the connection; calls that wait for an answer fail with `ERR_SUSTEN_CLOSED`. */
  close(): Promise<void>
}

interface Waiting {
  readonly method: string
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/** In place of an id, what waits for the daemon's first line. */
const greeting = 0

/**
 * Connects to a daemon. Who listens is asked of the kernel before anything is sent. When the connection is lost it stays
 * so: who wants another one opens it.
 * @param options `signal` and `timeout` (default 10 s) are for the opening
 * @throws SustenError as `callControl`
 */
export async function openControlClient(path: string, options: CallOptions = {}): Promise<ControlClient> {
  checkNames('openControlClient', options, ['signal', 'timeout', 'trust'])
  const limits = { ...checkLimits(options), path }
  const { trust = [] } = options
  const lines = createLineReader(maxLine)
  const waiting = new Map<number, Waiting>()
  let last = greeting
  /** Why there is no connection any more. */
  let end: { readonly error: unknown } | undefined

  function expect(id: number, method: string): Promise<unknown> {
    return new Promise((resolve, reject) => waiting.set(id, { method, resolve, reject }))
  }

  function finish(error: unknown): void {
    if (end !== undefined) return
    end = { error }
    socket.destroy()
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }

  function onConnect(): void {
    try {
      checkServer(socket, path, trust)
      socket.on('data', onData)
    } catch (error) {
      finish(error)
    }
  }

  function onData(chunk: Buffer): void {
    try {
      for (const text of lines.feed(chunk)) take(parseLine(text))
    } catch (error) {
      finish(inWords(error, path))
    }
  }

  function take(message: Readonly<Record<string, unknown>>): void {
    const isGreeting = waiting.has(greeting)
    const id = isGreeting ? greeting : message['id']
    const waits = typeof id === 'number' ? waiting.get(id) : undefined
    if ('error' in message) {
      const error = fromWire(message['error'], waits?.method ?? 'connect')
      // Without an id the connection is meant.
      if (message['id'] === null) finish(error)
      else waits?.reject(error)
    } else if (isGreeting) {
      checkHello(message, path)
      waits?.resolve(undefined)
    } else if ('result' in message) {
      waits?.resolve(message['result'])
    } else {
      throw protocolError(path, 'an answer was expected; of a method that answers many times, use watchControl')
    }
    if (typeof id === 'number') waiting.delete(id)
  }

  const socket = connectTo(path)
  const greeted = expect(greeting, 'connect')
  socket.once('connect', onConnect)
  socket.once('error', (error) => finish(inWords(error, path)))
  socket.once('close', () => finish(lost(path)))
  try {
    await within(limits, greeted)
  } catch (error) {
    finish(error)
    throw error
  }

  async function close(): Promise<void> {
    finish(new SustenError('the connection to the daemon is closed', { code: 'ERR_SUSTEN_CLOSED', path }))
    if (!socket.closed) await once(socket, 'close')
  }

  return {
    get isOpen() {
      return end === undefined
    },
    async call(method, params, given = {}) {
      checkNames('call', given, ['signal', 'timeout'])
      const mine = { ...checkLimits(given), path }
      const id = last + 1
      const request = requestOf(id, method, params)
      if (end !== undefined) throw end.error
      last = id
      const answer = expect(id, method)
      socket.write(request)
      return within(mine, answer).finally(() => waiting.delete(id))
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

interface Limits {
  readonly signal: AbortSignal | undefined
  readonly timeout: number
}

function checkLimits({ signal, timeout = defaultTimeout }: CallOptions): Limits {
  checkInteger('timeout', timeout, 1, 2 ** 31 - 1)
  if (signal !== undefined && checkSignal('signal', signal).aborted) throw aborted(signal)
  return { signal, timeout }
}

/** What a promise resolves to, if that is in time. */
function within<T>({ signal, timeout, path }: Limits & { readonly path: string }, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal === undefined ? undefined : aborted(signal))
    const late = () => failed('ETIMEDOUT', `no answer within ${timeout} ms from the control socket`, path)
    const timer = setTimeout(() => reject(late()), timeout)
    signal?.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', stop)
    })
  })
}
