/** Whether others could exchange what is made in a directory. */
import { statSync } from 'node:fs'
import { posix } from 'node:path'
import { type ByteString, bufferOfBytes } from './bytes.js'
import { fromSystem, pathError } from './errors.js'

/**
 * Refuses a place where another user than root and this process's could remove or replace what is made there: a
 * directory that isn't theirs, or that everybody may write to (unless it is sticky, as `/tmp`). Its group is trusted.
 * @param path What is to be made; the directory is looked at.
 * @param what What messages call it, e.g. `the pipe`.
 * @throws SustenError `EPERM` where it isn't safe; else what `stat` says
 */
export function checkPlace(path: ByteString, what: string): void {
  const directory = posix.dirname(path) as ByteString
  const { uid, mode } = look(directory)
  if (uid !== 0 && uid !== process.geteuid?.()) {
    throw unsafe(directory, `${what} must not be in a directory of user ${uid}'s, who could exchange it:`)
  }
  if ((mode & 0o002) !== 0 && (mode & 0o1000) === 0) {
    throw unsafe(directory, `${what} must not be in a directory that everybody may write to (chmod o-w):`)
  }
}

function look(directory: ByteString): { readonly uid: number; readonly mode: number } {
  try {
    return statSync(bufferOfBytes(directory))
  } catch (error) {
    throw fromSystem(error, directory)
  }
}

const unsafe = (directory: ByteString, why: string): Error =>
  pathError(why, { code: 'EPERM', syscall: 'stat', path: directory })
