/** Opens a log file such that nobody can have root write elsewhere. */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { type ByteString, bufferOfBytes } from '../bytes.js'
import { fromSystem, pathError } from '../errors.js'
import { checkPlace } from '../place.js'

export interface LogFile {
  readonly handle: FileHandle
  /** Bytes. */
  readonly size: number
}

const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK

/**
 * Opens a log file for appending, made with mode 0640 if it is missing.
 * @throws SustenError `EPERM`: others could exchange it, or it is theirs; `EEXIST`: something else than a file is there;
 *   else what the system says
 */
export async function openLogFile(path: ByteString): Promise<LogFile> {
  checkPlace(path, 'the log file')
  let handle: FileHandle
  try {
    handle = await open(bufferOfBytes(path), flags, 0o640)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ELOOP') {
      throw refused('EEXIST', 'a symbolic link is where the log file should be; remove it:', path)
    }
    throw fromSystem(error, path)
  }
  try {
    const stats = await handle.stat()
    if (!stats.isFile()) throw refused('EEXIST', 'something else than a file is where the log file should be:', path)
    if (stats.uid !== 0 && stats.uid !== process.geteuid?.()) {
      throw refused('EPERM', `the log file belongs to user ${stats.uid}; remove it, so that it is made anew:`, path)
    }
    // A second name may be anyone's trick to have another file written to.
    if (stats.nlink > 1)
      throw refused('EPERM', 'the log file has a second name; remove it, so that it is made anew:', path)
    return { handle, size: stats.size }
  } catch (error) {
    await handle.close()
    throw error
  }
}

const refused = (code: string, why: string, path: ByteString): Error => pathError(why, { code, syscall: 'open', path })
