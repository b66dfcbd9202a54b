/** How commands end: exit codes of init scripts, as the Linux Standard Base has them, and what is said. */
import { SustenError } from '../../errors.js'

/** Of all commands but `status`. 0: done, 1: failed, 2: wrong use. */
export const exitCodes = { failed: 1, noPrivilege: 4, notInstalled: 5, notConfigured: 6, notRunning: 7 } as const

/** Of `status`. */
export const statusCodes = { running: 0, deadWithPidFile: 1, notRunning: 3, unknown: 4 } as const

/** What a failure to start, or to do what was asked, ends with. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof SustenError)) return 1
  if (error.code === 'ERR_SUSTEN_CONFIG') return exitCodes.notConfigured
  return error.code === 'EACCES' || error.code === 'EPERM' ? exitCodes.noPrivilege : 1
}

/** What is wrong, a line for each thing. */
export const linesOf = ({ failures, message }: SustenError): readonly string[] =>
  failures.length > 0 ? failures.map((one) => one.message) : [message]
