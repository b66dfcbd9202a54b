/** What goes wrong between here and a server, as errors of this library. */
import { SustenError } from '../../errors.js'
import { textOfThrown } from '../../thrown.js'

/** Codes of the HTTP client, and what they are here. */
const codes: Readonly<Record<string, string>> = {
  UND_ERR_CONNECT_TIMEOUT: 'ETIMEDOUT',
  UND_ERR_HEADERS_TIMEOUT: 'ETIMEDOUT',
  UND_ERR_BODY_TIMEOUT: 'ETIMEDOUT',
  UND_ERR_SOCKET: 'ECONNRESET',
  UND_ERR_ABORTED: 'ABORT_ERR',
  UND_ERR_DESTROYED: 'ERR_SUSTEN_CLOSED',
  UND_ERR_CLOSED: 'ERR_SUSTEN_CLOSED',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'ERR_SUSTEN_SHORT',
}

/** No usable answer: the connection failed, or what came isn't HTTP. `what` names the request, as in `GET http://…`. */
export function connectionError(what: string, cause: unknown): SustenError {
  if (cause instanceof SustenError) return cause
  const isAborted = cause instanceof Error && cause.name === 'AbortError'
  const given = isAborted
    ? 'UND_ERR_ABORTED'
    : cause instanceof Error && 'code' in cause && typeof cause.code === 'string'
      ? cause.code
      : ''
  const isParser = given.startsWith('HPE_') || given.startsWith('UND_')
  const code = codes[given] ?? (isParser || given === '' ? 'ERR_SUSTEN_HTTP' : given)
  const errno = cause instanceof Error && 'errno' in cause && typeof cause.errno === 'number' ? cause.errno : 0
  return new SustenError(`${code}: ${textOfThrown(cause)}, ${what}`, { code, errno, syscall: 'http', cause })
}

/** It took too long. */
export function timeoutError(what: string, ms: number): SustenError {
  const text = `ETIMEDOUT: no whole answer within ${ms} ms, ${what}`
  return new SustenError(text, { code: 'ETIMEDOUT', errno: -110, syscall: 'http' })
}

/** A server's answer is an error, or isn't what its API says. */
export function answerError(what: string, why: string): SustenError {
  return new SustenError(`${what}: ${why}`, { code: 'ERR_SUSTEN_SERVER', syscall: 'http' })
}

/** The answer has an error's status. */
export const statusError = (what: string, status: number): SustenError =>
  answerError(what, `the server answered with status ${status}`)

/** The file isn't there. */
export function missingError(what: string): SustenError {
  return new SustenError(`ENOENT: the server doesn't have it, ${what}`, {
    code: 'ENOENT',
    errno: -2,
    syscall: 'http',
  })
}

/** Another version is there. */
export function changedError(what: string): SustenError {
  const text = `ERR_SUSTEN_CHANGED: another version than the one that was offered, ${what}`
  return new SustenError(text, { code: 'ERR_SUSTEN_CHANGED', syscall: 'http' })
}

/** The content ended before its end, or went on behind it. */
export function lengthError(what: string, bytes: number, size: number): SustenError {
  const text = `ERR_SUSTEN_SHORT: ${bytes} bytes came of a file of ${size}, ${what}`
  return new SustenError(text, { code: 'ERR_SUSTEN_SHORT', syscall: 'http' })
}

export function closedError(id: string): SustenError {
  return new SustenError(`The source '${id}' is closed; open another one`, { code: 'ERR_SUSTEN_CLOSED' })
}
