import { type ByteString, bufferOfBytes, textOfBytes } from './bytes.js'
import type { CopyReport } from './copy-tree/types.js'
import { meaningOf } from './error-text.js'
import type { NativeError } from './native.js'

/** Shared, since most errors stand for themselves and there may be a million of them. */
const none: readonly SustenError[] = Object.freeze([])

/**
 * Codes that are the engine's own findings, not the system's:
 *
 * | code | meaning |
 * |---|---|
 * | `ERR_SUSTEN_CHANGED` | the source changed while it was copied (grew, shrank, was rewritten or replaced) |
 * | `ERR_SUSTEN_SHORT` | fewer bytes could be read or written than the file has |
 * | `ERR_SUSTEN_HTTP` | a server's answer breaks the rules of HTTP; `syscall` says which part of it |
 * | `ERR_SUSTEN_NOT_REGULAR` | the source is a directory, link, FIFO, socket or device where a file was expected |
 * | `ERR_SUSTEN_DIGEST` | the target read back is not what was written |
 * | `ERR_SUSTEN_NO_RELEASE` | nothing can be released safely here: the file system can't exchange names or tell writers, or a privilege is missing |
 * | `ERR_SUSTEN_STORAGE` | the storage is not the file system that it should be (unmounted, exchanged) |
 * | `ERR_SUSTEN_QUEUE_FULL` | the engine's queue is full |
 * | `ERR_SUSTEN_LOCKED` | another process, or this one, has the journal, the file pipe or the control socket open |
 * | `ERR_SUSTEN_JOURNAL` | the journal is damaged, or stopped by a mistake of its own |
 * | `ERR_SUSTEN_JOURNAL_VERSION` | the journal was written by an unknown version |
 * | `ERR_SUSTEN_SERVER` | a server answers with an error's status, or with what its API doesn't know; rsync fails |
 * | `ERR_SUSTEN_OPTION` | an option has a wrong name or value |
 * | `ERR_SUSTEN_CONFIG` | a configuration file is wrong; all that is wrong with it is in {@link SustenError.failures} |
 * | `ERR_SUSTEN_CLOSED` | the object is closed |
 * | `ERR_SUSTEN_FAILURES` | several files failed; see {@link SustenError.failures} |
 * | `ABORT_ERR` | cancelled by an `AbortSignal`, whose reason is the `cause`, or by closing; the `name` is `AbortError` |
 *
 * `copyTree` uses the `ERR_FS_CP_*` codes of Node's `fs.cp` where it refuses what `fs.cp` refuses.
 */
export class SustenError extends Error {
  /** `AbortError` with the code `ABORT_ERR`, as everywhere in Node; else `SustenError`. */
  override readonly name: 'SustenError' | 'AbortError'
  /** A system error's name (`ENOSPC`), or one of the codes above. Never parse {@link message}. */
  readonly code: string
  /** Negative errno as in Node's own errors, 0 if no system call failed. */
  readonly errno: number
  /** The system call or step that failed. */
  readonly syscall: string
  /**
   * The file at which it failed, as text: the source's, or the copy's where writing failed. Bytes that aren't UTF-8
   * become U+FFFD: use {@link pathBytes} then.
   */
  readonly path: string | undefined
  /** Where {@link path} was to be copied to, if it is a source. */
  readonly dest: string | undefined
  /** {@link path} as bytes, where it isn't valid UTF-8. */
  readonly pathBytes: Uint8Array | undefined
  /** {@link dest} as bytes, where it isn't valid UTF-8. */
  readonly destBytes: Uint8Array | undefined
  /** What failed one by one, where this error stands for several. */
  readonly failures: readonly SustenError[]
  /** What was done all the same, where this error ends a `copyTree`. */
  readonly report: CopyReport<string | Uint8Array> | undefined
  /** Where in the configuration file {@link path} it is, if it is at one place. */
  readonly position: FilePosition | undefined

  constructor(message: string, details: SustenErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = details.code === 'ABORT_ERR' ? 'AbortError' : 'SustenError'
    this.code = details.code
    this.errno = details.errno ?? 0
    this.syscall = details.syscall ?? ''
    this.path = details.path
    this.dest = details.dest
    this.pathBytes = details.pathBytes
    this.destBytes = details.destBytes
    this.failures = details.failures ?? none
    this.report = details.report
    this.position = details.position
  }
}

/** The parts of a {@link SustenError}. */
export interface SustenErrorDetails {
  readonly code: string
  readonly errno?: number | undefined
  readonly syscall?: string | undefined
  readonly path?: string | undefined
  readonly dest?: string | undefined
  readonly pathBytes?: Uint8Array | undefined
  readonly destBytes?: Uint8Array | undefined
  readonly failures?: readonly SustenError[] | undefined
  readonly report?: CopyReport<string | Uint8Array> | undefined
  readonly position?: FilePosition | undefined
  readonly cause?: unknown
}

/** A place in a text file. Both count from 1, the column in UTF-16 units. */
export interface FilePosition {
  readonly line: number
  /** Given for JSON only. */
  readonly column?: number | undefined
}

/** Makes the public error from what the addon reports. */
export function fromNative(error: NativeError): SustenError {
  return pathError(`${inWords(error.code, -error.errno)}, ${error.syscall}`, { ...error, errno: -error.errno })
}

/** Makes the public error from what a function of the addon threw: a system error, a finding, or a wrong value. */
export function fromThrown(error: unknown): SustenError {
  const { code, errno = 0, syscall = '', path, message } = error as NodeJS.ErrnoException
  if (code === undefined) return new SustenError(message, { code: 'ERR_SUSTEN_OPTION', cause: error })
  const what = `${inWords(code, -errno)}, ${syscall}`
  const details = { code, errno: -errno || 0, syscall, cause: error }
  return path ? pathError(what, { ...details, path: path as ByteString }) : new SustenError(what, details)
}

/**
 * Makes the public error from one that `node:fs` threw. What isn't a system error is returned as it is.
 * @param path The file concerned, as bytes: Node's own errors have it as text.
 */
export function fromSystem(error: unknown, path: ByteString, dest?: ByteString): unknown {
  if (!(error instanceof Error) || error instanceof SustenError) return error
  const { code, errno, syscall } = error as NodeJS.ErrnoException
  if (code === undefined || errno === undefined) return error
  return pathError(`${inWords(code, errno)}, ${syscall ?? ''}`, { code, errno, syscall, path, dest, cause: error })
}

/** The same error with a message that says more. */
export function withMessage(error: SustenError, message: string): SustenError {
  const { code, errno, syscall, path, dest, pathBytes, destBytes, failures, report } = error
  const details = { code, errno, syscall, path, dest, pathBytes, destBytes, failures, report }
  return new SustenError(message, { ...details, cause: error })
}

function inWords(code: string, errno: number): string {
  const meaning = meaningOf(code, errno)
  return meaning === '' ? code : `${code}: ${meaning}`
}

/**
 * An error about a file: the message names it, and its bytes are kept where they aren't UTF-8.
 * @param what What failed, without the paths, which are appended: `'src' -> 'dest'`.
 */
export function pathError(
  what: string,
  details: Omit<SustenErrorDetails, 'path' | 'dest' | 'pathBytes' | 'destBytes'> & {
    path: ByteString
    dest?: ByteString | undefined
  },
): SustenError {
  const path = textOfBytes(details.path)
  const dest = details.dest ? textOfBytes(details.dest) : undefined
  return new SustenError(`${what} '${path}'${dest === undefined ? '' : ` -> '${dest}'`}`, {
    ...details,
    errno: details.errno || 0, // never -0
    path,
    dest,
    pathBytes: bytesUnlessText(details.path, path),
    destBytes: bytesUnlessText(details.dest, dest),
  })
}

/** The bytes of a path that its text doesn't tell. */
function bytesUnlessText(bytes: ByteString | undefined, text: string | undefined): Uint8Array | undefined {
  return bytes !== undefined && text?.includes('\ufffd') ? bufferOfBytes(bytes) : undefined
}
