/** Calls through a daemon's control socket. */
import { once } from 'node:events'
import { checkInteger, checkNames, checkSignal } from '../options.js'
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
import { fromWire, isRecord, parseLine } from './messages.js'

/** Options of {@link callControl} and {@link watchControl}. */
export interface CallOptions {
  readonly signal?: AbortSignal
  /** Milliseconds: for a call, until the answer is whole; for a stream, until it has begun. Default 10 s. */
  readonly timeout?: number
  /** Users whose daemon may answer, besides root's and this process's own. */
  readonly trust?: readonly number[]
}

const names = ['signal', 'timeout', 'trust']
const id = 1

/**
 * Calls a method of a daemon. Who listens is asked of the kernel before anything is sent.
 * @returns what the method answered
 * @throws SustenError what the method threw; `ENOENT` or `ECONNREFUSED` if nobody listens, `EACCES` if this user may
 *   not call, `EPERM` if another user listens there, `ECONNRESET` if the daemon went away, `ETIMEDOUT`, `ABORT_ERR`,
 *   `EPROTO`, `ERR_SUSTEN_OPTION`
 */
export async function callControl(
  path: string,
  method: string,
  params?: unknown,
  options: CallOptions = {},
): Promise<unknown> {
  for await (const answer of converse('callControl', path, method, params, options)) {
    if (answer.type === 'result') return answer.value
    throw protocolError(path, `'${method}' answers many times: use watchControl`)
  }
  throw lost(path)
}

/**
 * Calls a method that answers many times; leaving the loop, or the signal, ends it. Answers that aren't taken hold up
 * the method. Throws as {@link callControl} does.
 */
export async function* watchControl(
  path: string,
  method: string,
  params?: unknown,
  options: CallOptions = {},
): AsyncGenerator<unknown, void, undefined> {
  for await (const answer of converse('watchControl', path, method, params, options)) {
    if (answer.type === 'result') return
    yield answer.value
  }
  throw lost(path)
}

interface Answer {
  readonly type: 'item' | 'result'
  readonly value: unknown
}

/** Everything that comes back for one request. Ends where the connection does. */
async function* converse(
  caller: 'callControl' | 'watchControl',
  path: string,
  method: string,
  params: unknown,
  options: CallOptions,
): AsyncGenerator<Answer, void, undefined> {
  checkNames(caller, options, names)
  const { signal, timeout = defaultTimeout, trust = [] } = options
  checkInteger('timeout', timeout, 1, 2 ** 31 - 1)
  if (signal !== undefined && checkSignal('signal', signal).aborted) throw aborted(signal)
  const request = requestOf(id, method, params)
  const socket = connectTo(path)
  let isLate = false
  const stop = (): void => {
    // With an error: it has to reach those who wait for the connection, too.
    socket.destroy(new Error('stopped'))
  }
  const timer = setTimeout(() => {
    isLate = true
    stop()
  }, timeout)
  signal?.addEventListener('abort', stop, { once: true })
  try {
    await once(socket, 'connect')
    checkServer(socket, path, trust)
    const lines = createLineReader(maxLine)
    let isGreeted = false
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      for (const text of lines.feed(chunk)) {
        const message = parseLine(text)
        if ('error' in message) throw fromWire(message['error'], method)
        if (isGreeted) {
          yield answerOf(message, path)
          continue
        }
        checkHello(message, path)
        isGreeted = true
        socket.write(request)
        if (caller === 'watchControl') clearTimeout(timer)
      }
    }
  } catch (error) {
    if (signal?.aborted) throw aborted(signal)
    if (isLate) throw failed('ETIMEDOUT', `no answer within ${timeout} ms from the control socket`, path)
    throw inWords(error, path)
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', stop)
    socket.destroy()
  }
}

function answerOf(message: Readonly<Record<string, unknown>>, path: string): Answer {
  const { method, params } = message
  if (message['id'] === id && 'result' in message) return { type: 'result', value: message['result'] }
  if (method === 'item' && isRecord(params) && params['id'] === id) return { type: 'item', value: params['value'] }
  throw protocolError(path, 'an answer was expected')
}
