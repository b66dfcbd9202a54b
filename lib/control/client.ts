/** Calls through a daemon's control socket. */
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { bytesOfText } from '../bytes.js'
import { fromSystem, pathError, SustenError } from '../errors.js'
import { checkInteger, checkNames, checkSignal, optionError } from '../options.js'
import { createLineReader } from './line-reader.js'
import { fromWire, isRecord, parseLine, requestLine, version } from './messages.js'
import { isTrusted, peerOf } from './peer.js'
import { longestPath } from './place.js'

/** Options of {@link callControl} and {@link watchControl}. */
export interface CallOptions {
  readonly signal?: AbortSignal
  /** Milliseconds: for a call, until the answer is whole; for a stream, until it has begun. Default 10 s. */
  readonly timeout?: number
  /** Users whose daemon may answer, besides root's and this process's own. */
  readonly trust?: readonly number[]
}

const names = ['signal', 'timeout', 'trust']
/** Bytes of an answer. */
const maxLine = 64 * 1024 * 1024
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
  const { signal, timeout = 10_000, trust = [] } = options
  checkInteger('timeout', timeout, 1, 2 ** 31 - 1)
  if (signal !== undefined && checkSignal('signal', signal).aborted) throw aborted(signal)
  const request = requestOf(method, params)
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

function requestOf(method: string, params: unknown): string {
  if (typeof method !== 'string') throw optionError('a method has a name')
  try {
    return requestLine(id, method, params)
  } catch (cause) {
    throw optionError(`the parameters of '${method}' must be JSON: ${cause instanceof Error ? cause.message : cause}`)
  }
}

function connectTo(path: string): Socket {
  const bytes = Buffer.byteLength(path)
  if (bytes > longestPath) {
    throw failed('ENAMETOOLONG', `a socket's path has at most ${longestPath} bytes, not ${bytes}:`, path)
  }
  // Those who wait are told by their own listeners; nobody may be waiting.
  return connect({ path }).on('error', () => {})
}

function checkServer(socket: Socket, path: string, trust: readonly number[]): void {
  const server = peerOf(socket)
  if (isTrusted(server) || trust.includes(server.uid)) return
  throw failed('EPERM', `user ${server.uid}, who isn't trusted, listens at the control socket`, path)
}

function checkHello(message: Readonly<Record<string, unknown>>, path: string): void {
  const { method, params } = message
  const hello = method === 'hello' && isRecord(params) ? params : {}
  if (hello['protocol'] !== 'susten-control') throw protocolError(path, 'this is another protocol')
  if (hello['version'] !== version) {
    throw protocolError(path, `it speaks version ${String(hello['version'])}, not ${version}; restart the daemon`)
  }
}

function answerOf(message: Readonly<Record<string, unknown>>, path: string): Answer {
  const { method, params } = message
  if (message['id'] === id && 'result' in message) return { type: 'result', value: message['result'] }
  if (method === 'item' && isRecord(params) && params['id'] === id) return { type: 'item', value: params['value'] }
  throw protocolError(path, 'an answer was expected')
}

const failed = (code: string, why: string, path: string, syscall = 'connect', errno = 0): SustenError =>
  pathError(why, { code, syscall, errno, path: bytesOfText(path) })

const protocolError = (path: string, why: string): SustenError =>
  failed('EPROTO', `${why}, at the control socket`, path, 'read')

const lost = (path: string): SustenError =>
  failed('ECONNRESET', 'the daemon went away before it had answered, at the control socket', path, 'read')

const aborted = (signal: AbortSignal): SustenError =>
  new SustenError('ABORT_ERR: cancelled by the signal', { code: 'ABORT_ERR', cause: signal.reason })

/** System errors of a connection, as what they mean here. */
function inWords(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error instanceof SustenError) return error
  const { code, errno = 0 } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return failed(code, `${code}: nobody listens, is the daemon running? At the control socket`, path, 'connect', errno)
  }
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE') return lost(path)
  return fromSystem(error, bytesOfText(path))
}
