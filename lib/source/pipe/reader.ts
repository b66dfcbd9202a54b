/** Reads one FIFO, as fast as what it brings is taken, and takes nothing off it before that. */
import { closeSync } from 'node:fs'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { fromThrown } from '../../errors.js'
import { type NativePipeWatch, native } from '../../native.js'
import type { Fifo } from './fifo.js'
import { type Glance, openGlance } from './glance.js'
import { createLines, type Found, longest, newline } from './lines.js'

export interface FifoReader {
  readonly fifo: Fifo
  /** Resolves when it reads no more, after `close` or `retire`. Rejects with what `onFound` threw. */
  readonly ended: Promise<void>
  /** Reads on until the last writer has gone, then ends: for a FIFO that nobody finds any more. */
  retire(): void
  /**
   * Takes all that was written before, then ends. Who writes later is told so by the system; unless somebody else has
   * the FIFO open for reading: then it waits there, and so does a line that has begun.
   * @param isReleased Somebody else is about to close it: waited for, for a moment.
   */
  close(isReleased?: boolean): Promise<void>
}

/** What is at the head of the FIFO, in the buffer: bytes, and how many of them can be handed on. */
interface Head {
  readonly size: number
  readonly ripe: number
}

/** Bytes that are looked at together: about a millisecond's work, whatever they are. */
const most = 32 * 1024
/** How often, at the end, what was written meanwhile is read. One is enough for all that was written before. */
const rounds = 100
/** Milliseconds for somebody else's closing it, and between two looks whether it is done. */
const patience = 2000
const interval = 5

/**
 * Reads a FIFO from now on. Takes it over: it is closed at the end.
 * @param onFound Told what some bytes brought, if they brought anything. They are in the FIFO until it has resolved, and
 *   nothing more is read: the pipe fills, and writers wait.
 */
export function readFifo(fifo: Fifo, onFound: (found: Found) => Promise<void>): FifoReader {
  const buffer = Buffer.allocUnsafeSlow(most)
  const lines = createLines()
  const glance = glanceFor(fifo)
  const { promise: ended, resolve, reject } = deferred()
  /** Until it is `closing`, the FIFO is open for reading. */
  let mode: 'reading' | 'retired' | 'closing' | 'over' = 'reading'
  let reader: number | undefined
  let watch: NativePipeWatch | undefined
  /** Our own end for writing: while it is open, no writer's going is the last one's. */
  let keeper: number | undefined
  /** Resolves when what is at hand has been taken. */
  let work: Promise<void> = Promise.resolve()
  let isAtWork = false
  /** Something came while it was at work. */
  let isAgain = false

  const isOpen = (): boolean => mode === 'reading' || mode === 'retired'

  function listen(): void {
    reader = fifo.openReader()
    keeper = fifo.openWriter()
    watch = watched(reader, wake) // tells of lines of an earlier time, too
  }

  function wake(): void {
    if (!isOpen()) return
    isAgain = true
    if (isAtWork) return
    isAtWork = true
    work = readOn()
    work.catch(fail)
  }

  async function readOn(): Promise<void> {
    while (isAgain && isOpen()) {
      isAgain = false
      if (await step()) isAgain = true
      if (isAgain) await turn() // others wait for the event loop, too
    }
    isAtWork = false
  }

  /** @returns whether there may be more */
  async function step(): Promise<boolean> {
    const wasAbandoned = isAbandoned() // before what they left is looked at
    const { size, ripe } = withReader(look)
    if (ripe > 0) return take(ripe)
    const isUnfinished = size > 0 || lines.isUnfinished
    if (wasAbandoned && isAbandoned()) {
      // Nobody is left who could finish it, and what comes is no part of it.
      if (isUnfinished) return take(size, true)
      if (mode === 'retired') finish()
    }
    keep(isUnfinished)
    return false
  }

  const isAbandoned = (): boolean => withReader((fd) => native.pipeState(fd).isAbandoned)

  /** Lines are ripe when they have ended. */
  function look(fd: number): Head {
    const unread = native.unreadBytes(fd) // before: what comes meanwhile is told of anew
    const size = glance.at(fd, buffer)
    const ripe = buffer.subarray(0, size).lastIndexOf(newline) + 1
    if (ripe > 0) return { size, ripe }
    // Whose end can't come, or can't be seen, while it is in the FIFO: no path, or one that a pipe full of tiny parts
    // holds.
    const mustGo = lines.isUnfinished || size > longest || size < Math.min(unread, most) || (size > 0 && isFull())
    return { size, ripe: mustGo ? size : 0 }
  }

  function isFull(): boolean {
    if (keeper !== undefined) return native.pipeState(keeper).isFull
    const fd = fifo.openWriter()
    try {
      return native.pipeState(fd).isFull
    } finally {
      closeSync(fd)
    }
  }

  /**
   * Hands over what was looked at, and takes it off the FIFO then.
   * @param isLast A line that has begun won't be ended.
   */
  async function take(size: number, isLast = false): Promise<true> {
    lines.feed(buffer.subarray(0, size))
    if (isLast) lines.giveUp()
    await hand()
    if (mode !== 'over') withReader((fd) => glance.drop(fd, size))
    return true
  }

  async function hand(): Promise<void> {
    const found = lines.take()
    if (found.paths.length > 0 || found.bad.length > 0) await onFound(found)
  }

  /** While it is closing there is no reader but for such a moment. */
  function withReader<T>(use: (fd: number) => T): T {
    if (reader !== undefined) return use(reader)
    const fd = fifo.openReader()
    try {
      return use(fd)
    } finally {
      closeSync(fd)
    }
  }

  /**
   * While a line is unfinished we must hear of its last writer's going: what comes then is no part of it. Else nobody
   * wants to know.
   */
  function keep(isUnfinished: boolean): void {
    if (mode === 'reading' && !isUnfinished) keeper ??= fifo.openWriter()
    else if (isOpen()) letGo()
  }

  function letGo(): void {
    if (keeper !== undefined) closeSync(keeper)
    keeper = undefined
  }

  function unlisten(): void {
    if (watch !== undefined) native.unwatchPipe(watch)
    watch = undefined
    if (reader !== undefined) closeSync(reader)
    reader = undefined
  }

  function finish(isReleased = false): void {
    if (!isOpen()) return
    mode = 'closing'
    try {
      keeper ??= fifo.openWriter() // first: what it holds would go with its last descriptor
      unlisten()
    } catch (error) {
      fail(error)
    }
    const before = isReleased ? work.then(silence) : work
    before.then(drain).then(() => {
      release()
      resolve()
    }, fail)
  }

  /** Resolves when nobody has it open for reading. */
  async function silence(): Promise<void> {
    const end = performance.now() + patience
    while (keeper !== undefined && !native.pipeState(keeper).isUnheard && performance.now() < end) await sleep(interval)
  }

  /**
   * Takes what the pipe holds. It has no reader now, so nobody can write, and what is counted is all there is. To look at
   * it there must be a reader for a moment, in which somebody may write: so it is counted again. Where somebody else
   * reads it, it is done once it was seen empty, or with nothing but the beginning of a line.
   */
  async function drain(): Promise<void> {
    for (let round = 0; round < rounds && keeper !== undefined; round++) {
      if (native.unreadBytes(keeper) === 0) break
      const { size, ripe } = withReader(look)
      if (ripe > 0) await take(ripe)
      else if (native.pipeState(keeper).isUnheard) await take(size, true)
      else break
    }
    lines.giveUp()
    await hand()
  }

  function fail(error: unknown): void {
    release()
    reject(error)
  }

  function release(): void {
    if (mode === 'over') return
    mode = 'over'
    unlisten()
    letGo()
    glance.close()
    fifo.close()
  }

  try {
    listen()
  } catch (error) {
    release()
    throw error
  }
  return {
    fifo,
    ended,
    retire() {
      if (mode !== 'reading') return
      mode = 'retired'
      letGo()
      wake()
    },
    close(isReleased) {
      finish(isReleased)
      return ended
    },
  }
}

function watched(fd: number, onChange: () => void): NativePipeWatch {
  try {
    return native.watchPipe(fd, onChange)
  } catch (error) {
    throw fromThrown(error)
  }
}

/** Whatever was opened for the reader goes with it. */
function glanceFor(fifo: Fifo): Glance {
  try {
    return openGlance()
  } catch (error) {
    fifo.close()
    throw error
  }
}

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: unknown) => void } {
  let resolve = (): void => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<void>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
