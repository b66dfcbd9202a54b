/** What a file pipe can be told, and what it tells. */
import { inspect } from 'node:util'
import type { ByteString, PathInput } from '../../bytes.js'
import type { SustenError } from '../../errors.js'
import { checkFunction, checkInteger, checkNames, checkSignal, optionError } from '../../options.js'
import { absolutePath, bytesOfPath } from '../../paths.js'
import type { FifoAccess } from './fifo.js'
import type { BadLines } from './lines.js'

/** Options of {@link openPipe}. */
export interface PipeOptions {
  /** Where the pipe is. Default `/var/run/grimsel_dectris_files`. */
  readonly path?: PathInput
  /** Permission bits. The owner must be able to read and write. Default `0o660`: root and the group. */
  readonly mode?: number
  /** Default: the process's own user and group. */
  readonly owner?: { readonly uid?: number; readonly gid?: number }
  /**
   * Told the announced paths in their order, many at a time. Absolute, otherwise as they were written: see
   * `parseAnnounced`. Until it has resolved they are in the FIFO, and nothing more is read. What it throws ends the
   * pipe. Paths may come again that a process that was killed has been told of.
   */
  readonly onPaths: (paths: readonly ByteString[]) => Promise<void> | void
  /** Told of lines that can't be taken, once for each reason and up to 32 KiB of input. */
  readonly onBad?: (bad: BadLines) => void
  /** Told what becomes of the pipe. */
  readonly onMessage?: (message: PipeMessage) => void
  /** Holds the FIFO open beside this process. */
  readonly keeper?: FifoKeeper
  /** Closes the pipe when it aborts. */
  readonly signal?: AbortSignal
}

/**
 * Somebody who holds a FIFO open, such as a service manager: what is in it outlives the process, and its writers wait for
 * the next one.
 */
export interface FifoKeeper {
  /** What it was given by an earlier process, if it gave that back: taken over. */
  take(): number | undefined
  /** Holds this from now on, a reading end, in place of what it had: taken over. Nobody waits. */
  keep(fd: number): void
  /** Holds nothing from now on. Nobody waits. */
  release(): void
  /**
   * Asked when the pipe closes: whether there will be a next process, or it holds it as long as it takes. Then writers
   * wait. Else it is released, and they are told that nobody reads.
   */
  isNext(): boolean | Promise<boolean>
}

/**
 * What became of the pipe:
 * - `remade`: it was gone, and was made anew;
 * - `replaced`: another FIFO was put in its place, and is read now;
 * - `moved`: a regular file was in its place (`echo > pipe` makes one where there is no pipe), and was moved away, to
 *   `to`: it may hold announcements;
 * - `blocked`: something is in its place that can't be taken, see `error`; told once, tried again and again.
 *
 * The former pipe is read until its last writer has gone, in each case.
 */
export type PipeMessage =
  | { readonly type: 'remade' | 'replaced'; readonly path: string }
  | { readonly type: 'moved'; readonly path: string; readonly to: string }
  | { readonly type: 'blocked'; readonly path: string; readonly error: SustenError }

/** Options, checked and complete. */
export interface CheckedPipe {
  readonly path: ByteString
  readonly access: FifoAccess
  readonly onPaths: (paths: readonly ByteString[]) => Promise<void> | void
  readonly onBad: (bad: BadLines) => void
  readonly onMessage: (message: PipeMessage) => void
  readonly keeper: FifoKeeper | undefined
  readonly signal: AbortSignal | undefined
}

const names = ['path', 'mode', 'owner', 'onPaths', 'onBad', 'onMessage', 'keeper', 'signal']
const biggestId = 2 ** 32 - 2
const nothing = (): void => {}

/** @throws SustenError `ERR_SUSTEN_OPTION`; `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` for the path */
export function checkPipeOptions(options: PipeOptions): CheckedPipe {
  checkNames('openPipe', options, names)
  const {
    path = '/var/run/grimsel_dectris_files',
    mode = 0o660,
    owner = {},
    onPaths,
    onBad,
    onMessage,
    keeper,
    signal,
  } = options
  checkNames('openPipe: owner', owner, ['uid', 'gid'])
  checkInteger('mode', mode, 0, 0o777)
  if ((mode & 0o600) !== 0o600) {
    throw optionError(
      `option 'mode' must let the owner read and write (0o600), not ${inspect(`0o${mode.toString(8)}`)}`,
    )
  }
  const { uid = process.geteuid?.() ?? 0, gid = process.getegid?.() ?? 0 } = owner
  return {
    path: absolutePath(bytesOfPath(path)),
    access: {
      mode,
      uid: checkInteger('owner.uid', uid, 0, biggestId),
      gid: checkInteger('owner.gid', gid, 0, biggestId),
    },
    onPaths: checkFunction('onPaths', onPaths),
    onBad: onBad === undefined ? nothing : checkFunction('onBad', onBad),
    onMessage: onMessage === undefined ? nothing : checkFunction('onMessage', onMessage),
    keeper,
    signal: signal === undefined ? undefined : checkSignal('signal', signal),
  }
}
