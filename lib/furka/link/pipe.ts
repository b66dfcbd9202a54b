/**
 * A Grimsel by its file pipe: a path a line. Nothing comes back; who has it open to read has what was written. Nothing
 * is ever waited for on the event loop.
 */
import { Buffer } from 'node:buffer'
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ByteString, bufferOfBytes } from '../../bytes.js'
import { SustenError } from '../../errors.js'
import { closedError } from '../failures.js'
import type { Link, RefusedPath } from './link.js'

/** PIPE_BUF of Linux: what is written in one go, and not torn by others' lines. */
const mostBytes = 4096
/** Milliseconds between two attempts at a full pipe, and until its reader counts as stuck. */
const pause = 5
const patience = 10_000

const { O_WRONLY, O_NONBLOCK, O_NOFOLLOW } = constants

export function linkToPipe(path: string): Link {
  const closing = new AbortController()
  const { signal } = closing
  let fd: number | undefined

  function open(): number {
    if (fd !== undefined) return fd
    const opened = inWords(() => openSync(path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW))
    if (!fstatSync(opened).isFIFO()) {
      closeSync(opened)
      throw failed('EINVAL', `what is at ${path} isn't a pipe`)
    }
    fd = opened
    return opened
  }

  function close(): void {
    if (fd !== undefined) closeSync(fd)
    fd = undefined
  }

  /** All of it, or nothing. */
  async function write(lines: Buffer): Promise<void> {
    const end = performance.now() + patience
    for (;;) {
      if (signal.aborted) throw closedError()
      if (tryToWrite(lines)) return
      if (performance.now() >= end)
        throw failed('ETIMEDOUT', `nothing was read from the pipe ${path} for ${patience} ms`)
      await sleep(pause, undefined, { signal }).catch(() => {})
    }
  }

  /** False while the pipe is full. */
  function tryToWrite(lines: Buffer): boolean {
    const to = open()
    try {
      writeSync(to, lines)
      return true
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return false
      close()
      throw inWords(() => {
        throw error
      })
    }
  }

  /** System errors as what they mean here. */
  function inWords<T>(act: () => T): T {
    try {
      return act()
    } catch (error) {
      const { code = 'EUNKNOWN', errno = 0, syscall } = error as NodeJS.ErrnoException
      const isUnread = code === 'ENXIO' || code === 'EPIPE'
      const why = isUnread ? 'nobody reads it, is Grimsel running?' : 'it can’t be written to'
      throw new SustenError(`${code}: the pipe ${path}: ${why}`, { code, errno, syscall, path, cause: error })
    }
  }

  const failed = (code: string, why: string): SustenError => new SustenError(why, { code, syscall: 'write', path })

  return {
    by: 'pipe',
    path,
    async announce(paths) {
      const refused: RefusedPath[] = []
      let lines: Buffer[] = []
      let bytes = 0
      const flush = async (): Promise<void> => {
        if (lines.length > 0) await write(Buffer.concat(lines))
        lines = []
        bytes = 0
      }
      for (const [index, path] of paths.entries()) {
        const error = refusalOf(path)
        if (error !== undefined) {
          refused.push({ index, error })
          continue
        }
        const line = bufferOfBytes(`${path}\n` as ByteString)
        if (bytes + line.length > mostBytes) await flush()
        lines.push(line)
        bytes += line.length
      }
      await flush()
      return refused
    },
    // A pipe has no word for it.
    changeUser: async () => {},
    async close() {
      closing.abort()
      close()
    },
  }
}

/** Why a path can't be a line. */
function refusalOf(path: ByteString): SustenError | undefined {
  if (path.includes('\n')) {
    return new SustenError('a name with a line feed can’t go through the pipe; use the control socket', {
      code: 'EINVAL',
      syscall: 'write',
    })
  }
  if (path.length < mostBytes) return undefined
  return new SustenError('the path is too long for the pipe', { code: 'ENAMETOOLONG', syscall: 'write' })
}
