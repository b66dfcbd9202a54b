/** A FIFO at a path: made if it is missing, looked at before it is believed. */
import { type BigIntStats, chmodSync, chownSync, closeSync, constants, fstatSync, openSync } from 'node:fs'
import { type ByteString, bufferOfBytes } from '../../bytes.js'
import { fromSystem, fromThrown, pathError, type SustenError } from '../../errors.js'
import { native } from '../../native.js'

/** Who may write to a FIFO. */
export interface FifoAccess {
  /** Permission bits. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
}

/** A FIFO that is held by a descriptor: it stays itself, whatever becomes of its name. */
export interface Fifo {
  readonly dev: bigint
  readonly ino: bigint
  /** Whether it was made, or was there. */
  readonly isNew: boolean
  /** A descriptor for reading, non-blocking. */
  openReader(): number
  /** A descriptor for writing, non-blocking. There must be a reader. */
  openWriter(): number
  close(): void
}

/** Opens the file itself for nothing but to look at it: neither waits for a FIFO's other end nor wakes a device. */
const O_PATH = 0o10000000
/** How often the name may change under our hands before we give up. */
const tries = 8

/**
 * Makes or takes a FIFO and gives it the owner and mode that are asked for. Taken is what root, this user, or the owner
 * that is asked for has made; a link, another kind of file, or another's FIFO is left as it is, and refused.
 * @throws SustenError `EEXIST` (not a FIFO), `EPERM` (another's, or known by two names); else what the system says
 */
export function openFifo(path: ByteString, access: FifoAccess): Fifo {
  let isNew = false
  for (let attempt = 0; attempt < tries; attempt++) {
    const handle = lookUp(path)
    if (handle === undefined) isNew = make(path) || isNew
    else {
      const fifo = take(handle, path, access, isNew)
      if (fifo !== undefined) return fifo
    }
  }
  throw pathError('the pipe is made and removed again and again, by others', { code: 'ESTALE', syscall: 'open', path })
}

/**
 * Takes a FIFO that an earlier process had open, whatever has become of its name.
 * @param fd Taken over.
 * @returns undefined if it is none, or another's: closed then
 */
export function adoptFifo(fd: number, path: ByteString, access: FifoAccess): Fifo | undefined {
  try {
    const stats = fstatSync(fd, { bigint: true })
    if (stats.isFIFO() && isOurs(stats, access)) return fifoOf(fd, path, stats, false)
    closeSync(fd)
  } catch {
    // It isn't open: nothing was passed on.
  }
  return undefined
}

/** A descriptor of what has the name, without following links; undefined if nothing has it. */
function lookUp(path: ByteString): number | undefined {
  try {
    return openSync(bufferOfBytes(path), O_PATH | constants.O_NOFOLLOW)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw fromSystem(error, path)
  }
}

/** False if someone was quicker. Nobody else may use it before it has its owner and mode. */
function make(path: ByteString): boolean {
  try {
    native.makeFifo(path, 0o600)
    return true
  } catch (error) {
    const cause = fromThrown(error)
    if (cause.code === 'EEXIST') return false
    throw cause
  }
}

/** Undefined if it was removed meanwhile. */
function take(handle: number, path: ByteString, access: FifoAccess, isNew: boolean): Fifo | undefined {
  try {
    const stats = fstatSync(handle, { bigint: true })
    if (stats.nlink === 0n) {
      closeSync(handle)
      return undefined
    }
    check(stats, path, access)
    const file = `/proc/self/fd/${handle}`
    if (stats.uid !== BigInt(access.uid) || stats.gid !== BigInt(access.gid)) chownSync(file, access.uid, access.gid)
    if ((stats.mode & 0o7777n) !== BigInt(access.mode)) chmodSync(file, access.mode)
    return fifoOf(handle, path, stats, isNew)
  } catch (error) {
    closeSync(handle)
    throw fromSystem(error, path)
  }
}

function check(stats: BigIntStats, path: ByteString, access: FifoAccess): void {
  if (!stats.isFIFO()) {
    throw refused('EEXIST', `${kindOf(stats)} is where the pipe should be; move it away:`, path)
  }
  if (!isOurs(stats, access)) {
    throw refused('EPERM', `the pipe belongs to user ${stats.uid}; remove it, so that it is made anew:`, path)
  }
  // A second name may be anyone's trick to have another program's FIFO opened up.
  if (stats.nlink > 1n) throw refused('EPERM', 'the pipe has a second name; remove it, so that it is made anew:', path)
}

const isOurs = ({ uid }: BigIntStats, access: FifoAccess): boolean =>
  [0, process.geteuid?.(), access.uid].includes(Number(uid))

const refused = (code: string, why: string, path: ByteString): SustenError =>
  pathError(why, { code, syscall: 'open', path })

function kindOf(stats: BigIntStats): string {
  if (stats.isSymbolicLink()) return 'a symbolic link'
  if (stats.isDirectory()) return 'a directory'
  if (stats.isFile()) return 'a regular file'
  return stats.isSocket() ? 'a socket' : 'a device'
}

function fifoOf(handle: number, path: ByteString, { dev, ino }: BigIntStats, isNew: boolean): Fifo {
  const open = (flags: number): number => {
    try {
      return openSync(`/proc/self/fd/${handle}`, flags | constants.O_NONBLOCK)
    } catch (error) {
      throw fromSystem(error, path)
    }
  }
  return {
    dev,
    ino,
    isNew,
    openReader: () => open(constants.O_RDONLY),
    openWriter: () => open(constants.O_WRONLY),
    close: () => closeSync(handle),
  }
}
