/** Calls to a daemon, and what it means if there is none. */
import { type CallOptions, callControl, watchControl } from '../../control/index.js'
import { SustenError } from '../../errors.js'
import { CommandError } from '../command.js'
import { exitCodeOf, exitCodes } from './exit-codes.js'

export interface DaemonClient {
  /** @throws CommandError 7: it doesn't run; 4: this user may not ask; 1: what the daemon answered */
  ask(socket: string, method: string, params?: unknown, options?: CallOptions): Promise<unknown>
  /** The same for a method that answers many times. */
  follow(socket: string, method: string, params?: unknown): AsyncGenerator<unknown>
}

/** @param program The daemon's name. */
export function daemonClient(program: string): DaemonClient {
  return {
    async ask(socket, method, params, options) {
      try {
        return await callControl(socket, method, params, options)
      } catch (error) {
        throw inWords(program, error)
      }
    },
    async *follow(socket, method, params) {
      try {
        yield* watchControl(socket, method, params)
      } catch (error) {
        throw inWords(program, error)
      }
    },
  }
}

/** Nobody listens at the socket. */
export const isAbsent = (error: unknown): boolean =>
  error instanceof SustenError &&
  (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') &&
  error.syscall === 'connect'

/** An error of a call, with the exit code that it ends a command with. */
export function inWords(program: string, error: unknown): unknown {
  if (isAbsent(error)) {
    const { notRunning: exitCode } = exitCodes
    return new CommandError(`it isn't running: start it with '${program} start'`, { exitCode, cause: error })
  }
  const exitCode = exitCodeOf(error)
  return error instanceof SustenError && exitCode !== 1
    ? new CommandError(error.message, { exitCode, cause: error })
    : error
}
