/** What goes wrong between here and a server, as errors of this library. */
import { SustenError } from '../../errors.js'
import { textOfThrown } from '../../thrown.js'

/** No usable answer: the connection failed, or what came isn't HTTP. `what` names the request, as in `GET http://…`. */
export function connectionError(what: string, cause: unknown): SustenError {
  if (cause instanceof SustenError) return cause
  const isAborted = cause instanceof Error && cause.name === 'AbortError'
  const given = cause instanceof Error && 'code' in cause && typeof cause.code === 'string' ? cause.code : ''
  // HPE_…: the parser's.
  const code = isAborted ? 'ABORT_ERR' : given === '' || given.startsWith('HPE_') ? 'ERR_SUSTEN_HTTP' : given
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
