/** The file pipe: paths that anyone who may writes to a FIFO, one a line. */
import type { BigIntStats } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { type ByteString, bufferOfBytes, textOfBytes } from '../../bytes.js'
import { SustenError } from '../../errors.js'
import { lockBeside } from '../../file-lock.js'
import { checkPlace } from '../../place.js'
import { adoptFifo, type Fifo, openFifo } from './fifo.js'
import type { BadReason, Found } from './lines.js'
import { moveAside } from './move-aside.js'
import { checkPipeOptions, type PipeOptions } from './options.js'
import { type FifoReader, readFifo } from './reader.js'

/** An open file pipe. */
export interface FilePipe extends AsyncDisposable {
  readonly path: string
  /** Lines since it was opened. */
  readonly counters: PipeCounters
  /** Resolves when it is closed. Rejects with what `onPaths` or another callback threw: it is closed then, too. */
  readonly closed: Promise<void>
  /**
   * Hands over all that was written before, then closes. The FIFO stays: who opens it for writing waits until it is
   * read again. Where somebody else has it open for reading, what comes later stays in it. The same as {@link closed}.
   */
  close(): Promise<void>
}

export interface PipeCounters {
  /** Handed to `onPaths`. */
  readonly paths: number
  readonly bad: Readonly<Record<BadReason, number>>
}

/** Milliseconds between two looks whether the pipe is still where it should be. */
const interval = 500

/**
 * Makes the FIFO if it is missing, and reads paths from it: any number of writers, one path a line, as bytes. Several
 * may be open in a process, one for each path.
 * @throws SustenError `EEXIST` or `EPERM` where something else, or another's, is in its place, or the directory isn't
 *   safe; `ERR_SUSTEN_LOCKED` if another process reads it; `ABORT_ERR`; `ERR_SUSTEN_OPTION`; or what the system says
 */
export async function openPipe(options: PipeOptions): Promise<FilePipe> {
  const { path, access, onPaths, onBad, onMessage, keeper, signal } = checkPipeOptions(options)
  const shown = textOfBytes(path)
  if (signal?.aborted) {
    throw new SustenError('ABORT_ERR: cancelled by the signal', { code: 'ABORT_ERR', cause: signal.reason })
  }
  checkPlace(path, 'the pipe')
  const unlock = lockBeside(path, 'the pipe')
  const counters = { paths: 0, bad: { relative: 0, 'too-long': 0, nul: 0, unfinished: 0 } }
  /** The one that has the name, and those that have lost it and still have writers. */
  const readers = new Set<FifoReader>()
  let current: FifoReader | undefined
  /** Of an earlier process. */
  let kept: Fifo | undefined
  let timer: NodeJS.Timeout | undefined
  /** What is in the pipe's place, as it was told. */
  let blockedBy = ''
  let failure: { readonly error: unknown } | undefined
  let closing: Promise<void> | undefined
  let settle: (ending: Promise<void>) => void = () => {}
  const closed = new Promise<void>((resolve) => {
    settle = resolve
  })
  closed.catch(() => {}) // Nobody has to look.

  async function onFound({ paths, bad }: Found): Promise<void> {
    for (const lines of bad) {
      counters.bad[lines.reason] += lines.count
      onBad(lines)
    }
    if (paths.length === 0) return
    await onPaths(paths)
    counters.paths += paths.length
  }

  function start(): void {
    const reader = read(openFifo(path, access))
    current = reader
    if (keeper === undefined) return
    if (kept === undefined || !isSame(kept, reader.fifo)) keeper.keep(reader.fifo.openReader())
    const former = kept
    kept = undefined
    if (former === undefined) return
    // It lost its name while nobody ran: there may be lines in it.
    if (!isSame(former, reader.fifo)) read(former).retire()
    else former.close()
  }

  function read(fifo: Fifo): FifoReader {
    const reader = readFifo(fifo, onFound)
    readers.add(reader)
    reader.ended.then(
      () => readers.delete(reader),
      (error: unknown) => {
        readers.delete(reader)
        fail(error)
      },
    )
    return reader
  }

  /** Looks whether the name still leads to what is read. */
  async function look(): Promise<void> {
    const stats = await whatIs(path)
    if (closing !== undefined || stats === 'unknown') return
    if (stats !== undefined && current !== undefined && isSame(stats, current.fifo)) return
    current?.retire()
    current = undefined
    try {
      const to = stats === undefined ? undefined : moveAside(path, stats)
      if (to !== undefined) onMessage({ type: 'moved', path: shown, to: textOfBytes(to) })
      start()
    } catch (error) {
      if (!(error instanceof SustenError)) throw error
      if (blockedBy !== error.message) onMessage({ type: 'blocked', path: shown, error })
      blockedBy = error.message
      return
    }
    blockedBy = ''
    onMessage({ type: isNew(current) ? 'remade' : 'replaced', path: shown })
  }

  function schedule(): void {
    if (closing === undefined) timer = setTimeout(() => void look().then(schedule, fail), interval)
  }

  function fail(error: unknown): void {
    failure ??= { error }
    void close()
  }

  function close(): Promise<void> {
    closing ??= end()
    return closed
  }

  async function end(): Promise<void> {
    clearTimeout(timer)
    signal?.removeEventListener('abort', close)
    const isReleased = await letKeeperGo()
    await Promise.allSettled([...readers].map((reader) => reader.close(isReleased)))
    unlock()
    settle(failure === undefined ? Promise.resolve() : Promise.reject(failure.error))
  }

  /** @returns whether the keeper holds the FIFO no more */
  async function letKeeperGo(): Promise<boolean> {
    // What couldn't be taken stays where it is.
    if (keeper === undefined || failure !== undefined) return false
    try {
      if (await keeper.isNext()) return false
      keeper.release()
      return true
    } catch (error) {
      failure ??= { error }
      return false
    }
  }

  try {
    const fd = keeper?.take()
    if (fd !== undefined) kept = adoptFifo(fd, path, access)
    start()
  } catch (error) {
    kept?.close()
    // Reading may have begun: nobody else may read before that has ended.
    failure = { error }
    await close().catch(() => {})
    throw error
  }
  signal?.addEventListener('abort', close, { once: true })
  schedule()
  return {
    path: shown,
    get counters() {
      return { paths: counters.paths, bad: { ...counters.bad } }
    },
    closed,
    close,
    [Symbol.asyncDispose]: close,
  }
}

interface Identity {
  readonly dev: bigint
  readonly ino: bigint
}

const isSame = (one: Identity, other: Identity): boolean => one.dev === other.dev && one.ino === other.ino

/** Undefined: nothing; `unknown`: it can't be looked at just now. */
async function whatIs(path: ByteString): Promise<BigIntStats | 'unknown' | undefined> {
  try {
    return await lstat(bufferOfBytes(path), { bigint: true })
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? undefined : 'unknown'
  }
}

/** Behind a call, so that its value isn't taken for what it was before `start`. */
const isNew = (reader: FifoReader | undefined): boolean => reader?.fifo.isNew ?? false
