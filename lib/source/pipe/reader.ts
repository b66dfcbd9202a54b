/** Reads one FIFO, as fast as what it brings is taken. */
import { closeSync, readSync } from 'node:fs'
import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net'
import { native } from '../../native.js'
import type { Fifo } from './fifo.js'
import { createLines, type Found } from './lines.js'

export interface FifoReader {
  readonly fifo: Fifo
  /** Resolves when it reads no more, after `close` or `retire`. Rejects with what `onFound` threw. */
  readonly ended: Promise<void>
  /** Reads on until the last writer has gone, then ends: for a FIFO that nobody finds any more. */
  retire(): void
  /** Takes all that was written before, then ends. Who writes later is told so by the system. */
  close(): Promise<void>
}

/** Bytes that are read at once: about a millisecond's work, whatever they are. */
const most = 32 * 1024
/** How often, at the end, what was written meanwhile is read. One is enough for all that was written before. */
const rounds = 100

/**
 * Reads a FIFO from now on. Takes it over: it is closed at the end.
 * @param onFound Told what some bytes brought, if they brought anything. Nothing more is read until it has resolved: the
 *   pipe fills, and writers wait.
 */
export function readFifo(fifo: Fifo, onFound: (found: Found) => Promise<void>): FifoReader {
  const buffer = Buffer.allocUnsafeSlow(most)
  const lines = createLines()
  const { promise: ended, resolve, reject } = deferred()
  /** Until it is `over`, the FIFO is open for reading. */
  let mode: 'reading' | 'retired' | 'closing' | 'over' = 'reading'
  /** Our own end for writing: while it is open, the last writer's going is no end of file. */
  let keeper: number | undefined
  let socket: Socket | undefined
  /** Resolves when what was read has been taken. */
  let taken: Promise<void> = Promise.resolve()

  function listen(): void {
    // A stream on a FIFO waits in the event loop's epoll, not in a thread.
    const options: SocketConstructorOpts & { onread: OnReadOpts } = {
      fd: fifo.openReader(),
      readable: true,
      writable: false,
      onread: { buffer, callback: onRead },
    }
    socket = new Socket(options)
    socket.once('end', onAllGone)
    socket.once('error', fail)
    keep()
  }

  /**
   * While a line is unfinished we must hear of its last writer's going: what comes then is no part of it. Else nobody
   * wants to know.
   */
  function keep(): void {
    if (mode === 'reading' && !lines.isUnfinished) keeper ??= fifo.openWriter()
    else letGo()
  }

  function letGo(): void {
    if (keeper !== undefined) closeSync(keeper)
    keeper = undefined
  }

  function onRead(length: number): boolean {
    lines.feed(buffer.subarray(0, length))
    attempt(() => {
      keep()
      handOn()
    })
    return false // not another byte before `resume`
  }

  /** The last writer has gone: in the middle of a line, or from a FIFO that is out of use. */
  function onAllGone(): void {
    if (mode === 'reading') {
      lines.giveUp()
      attempt(() => {
        const before = socket
        listen() // first: the FIFO must not be without a reader for a moment
        before?.destroy()
        handOn()
      })
    } else if (mode === 'retired') finish()
  }

  /** For what the event loop calls: nobody else would catch it. */
  function attempt(work: () => void): void {
    try {
      work()
    } catch (error) {
      fail(error)
    }
  }

  /** Hands over what was found, and reads on then. */
  function handOn(): void {
    socket?.pause()
    taken = hand().then(() => {
      if (mode === 'reading' || mode === 'retired') socket?.resume()
    })
    taken.catch(fail)
  }

  async function hand(): Promise<void> {
    const found = lines.take()
    if (found.paths.length > 0 || found.bad.length > 0) await onFound(found)
  }

  function finish(): void {
    if (mode === 'closing' || mode === 'over') return
    mode = 'closing'
    attempt(() => {
      keeper ??= fifo.openWriter()
      socket?.destroy()
    })
    taken.then(drain).then(() => {
      release()
      resolve()
    }, fail)
  }

  /**
   * Takes what the pipe holds. It has no reader now, so nobody can write, and what is counted is all there is. To read
   * it there must be a reader for a moment, in which somebody may write: so it is counted again.
   */
  async function drain(): Promise<void> {
    for (let round = 0; round < rounds && keeper !== undefined; round++) {
      const left = native.unreadBytes(keeper)
      if (left === 0) break
      lines.feed(readNow(left))
      await hand()
    }
    lines.giveUp()
    await hand()
  }

  function readNow(size: number): Uint8Array {
    const bytes = Buffer.allocUnsafe(size)
    const fd = fifo.openReader()
    try {
      return bytes.subarray(0, readSync(fd, bytes))
    } finally {
      closeSync(fd)
    }
  }

  function fail(error: unknown): void {
    release()
    reject(error)
  }

  function release(): void {
    if (mode === 'over') return
    mode = 'over'
    socket?.destroy()
    letGo()
    fifo.close()
  }

  try {
    listen()
    socket?.resume()
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
    },
    close() {
      finish()
      return ended
    },
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
