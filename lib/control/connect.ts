/** What all clients of a control socket have in common: how a daemon is found and known, and what goes wrong with it. */
import { Buffer } from 'node:buffer'
import { connect, type Socket } from 'node:net'
import { bytesOfText } from '../bytes.js'
import { fromSystem, pathError, SustenError } from '../errors.js'
import { optionError } from '../options.js'
import { isRecord, requestLine, version } from './messages.js'
import { isTrusted, peerOf } from './peer.js'
import { longestPath } from './place.js'

/** Bytes of an answer. */
export const maxLine = 64 * 1024 * 1024

/** Milliseconds for an answer. */
export const defaultTimeout = 10_000

/** The line of a request. @throws SustenError `ERR_SUSTEN_OPTION`: the parameters aren't JSON */
export function requestOf(id: number, method: string, params: unknown): string {
  if (typeof method !== 'string') throw optionError('a method has a name')
  try {
    return requestLine(id, method, params)
  } catch (cause) {
    throw optionError(`the parameters of '${method}' must be JSON: ${cause instanceof Error ? cause.message : cause}`)
  }
}

export function connectTo(path: string): Socket {
  const bytes = Buffer.byteLength(path)
  if (bytes > longestPath) {
    throw failed('ENAMETOOLONG', `a socket's path has at most ${longestPath} bytes, not ${bytes}:`, path)
  }
  // Those who wait are told by their own listeners; nobody may be waiting.
  return connect({ path }).on('error', () => {})
}

export function checkServer(socket: Socket, path: string, trust: readonly number[]): void {
  const server = peerOf(socket)
  if (isTrusted(server) || trust.includes(server.uid)) return
  const who = `user ${server.uid}, who isn't trusted, listens`
  throw failed('EPERM', `${who}; if that is the daemon's user, run this as that user. At the control socket`, path)
}

export function checkHello(message: Readonly<Record<string, unknown>>, path: string): void {
  const { method, params } = message
  const hello = method === 'hello' && isRecord(params) ? params : {}
  if (hello['protocol'] !== 'susten-control') throw protocolError(path, 'this is another protocol')
  if (hello['version'] !== version) {
    throw protocolError(path, `it speaks version ${String(hello['version'])}, not ${version}; restart the daemon`)
  }
}

export const failed = (code: string, why: string, path: string, syscall = 'connect', errno = 0): SustenError =>
  pathError(why, { code, syscall, errno, path: bytesOfText(path) })

export const protocolError = (path: string, why: string): SustenError =>
  failed('EPROTO', `${why}, at the control socket`, path, 'read')

export const lost = (path: string): SustenError =>
  failed('ECONNRESET', 'the daemon went away before it had answered, at the control socket', path, 'read')

export const aborted = (signal: AbortSignal): SustenError =>
  new SustenError('ABORT_ERR: cancelled by the signal', { code: 'ABORT_ERR', cause: signal.reason })

/** System errors of a connection, as what they mean here. */
export function inWords(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || error instanceof SustenError) return error
  const { code, errno = 0 } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ECONNREFUSED') {
    return failed(code, `${code}: nobody listens, is the daemon running? At the control socket`, path, 'connect', errno)
  }
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'ERR_STREAM_PREMATURE_CLOSE') return lost(path)
  return fromSystem(error, bytesOfText(path))
}
