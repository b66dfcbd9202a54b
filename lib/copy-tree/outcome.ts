/** What a call gathers while it runs, and how it ends: a report, or one error that holds it. */
import { fromNative, SustenError } from '../errors.js'
import type { NativeError } from '../native.js'
import type { CopyReport } from './types.js'

/**
 * A failure for the list of failures. Its stack would only show how the engine reports; without one, a million
 * failures take a tenth of the memory.
 */
export function listedFailure(error: NativeError): SustenError {
  const limit = Error.stackTraceLimit
  Error.stackTraceLimit = 0
  try {
    return fromNative(error)
  } finally {
    Error.stackTraceLimit = limit
  }
}

/** The report, or the error that stands for its failures. */
export function settle<P extends string | Uint8Array>(report: CopyReport<P>, throwing: boolean): CopyReport<P> {
  const [first] = report.failures
  if (first === undefined || !throwing) return report
  throw failuresError(report, first)
}

/**
 * One error for all failures. Where they all have one code it is this error's too, so that a caller needn't know
 * whether one file failed or, since several were under way, two.
 */
function failuresError(report: CopyReport<string | Uint8Array>, first: SustenError): SustenError {
  const { failures } = report
  const shared = { failures, report, cause: first }
  if (!failures.every(({ code }) => code === first.code)) {
    const message = `ERR_SUSTEN_FAILURES: ${failures.length} failures, the first: ${first.message}`
    return new SustenError(message, { ...shared, code: 'ERR_SUSTEN_FAILURES' })
  }
  const more = failures.length === 1 ? '' : ` (and ${failures.length - 1} more)`
  const { code, errno, syscall, path, dest, pathBytes, destBytes } = first
  return new SustenError(first.message + more, { ...shared, code, errno, syscall, path, dest, pathBytes, destBytes })
}
