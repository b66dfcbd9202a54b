/** A lock file beside what it guards, so that one process at a time has it. */
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { type ByteString, bufferOfBytes, textOfBytes } from './bytes.js'
import { fromThrown, SustenError } from './errors.js'
import { native } from './native.js'

/**
 * Takes the lock file `<path>.lock`; the function gives it back. It ends with the process, too. The file stays: it says
 * nothing by being there.
 * @param path What is guarded.
 * @param what What messages call it, e.g. `the pipe`.
 * @throws SustenError `ERR_SUSTEN_LOCKED`, naming the process that has it; or why there can't be a lock file
 */
export function lockBeside(path: ByteString, what: string): () => void {
  return lockWith(`${path}.lock` as ByteString, path, what)
}

/** The same with a lock file of any name. */
export function lockWith(file: ByteString, path: ByteString, what: string): () => void {
  try {
    const lock = native.lockFile(file)
    return () => native.unlockFile(lock)
  } catch (error) {
    const cause = fromThrown(error)
    if (cause.code !== 'EWOULDBLOCK') throw cause
    throw new SustenError(`${what} '${textOfBytes(path)}' is in use: ${holderOf(file)} has it open`, {
      code: 'ERR_SUSTEN_LOCKED',
      path: textOfBytes(path),
      cause: error,
    })
  }
}

/** Who wrote its number into a lock file. Opened with care: it is the holder's, who may be anyone. */
function holderOf(file: ByteString): string {
  const text = Buffer.alloc(16)
  try {
    const fd = openSync(bufferOfBytes(file), constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW)
    try {
      readSync(fd, text)
    } finally {
      closeSync(fd)
    }
  } catch {
    // Who can't read it isn't told.
  }
  const holder = /^(\d{1,10})\n/.exec(text.toString('latin1'))?.[1]
  if (holder === undefined) return 'another process'
  return holder === String(process.pid) ? `process ${holder}, this one,` : `process ${holder}`
}
