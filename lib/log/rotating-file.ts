/** A log file that is written behind everyone's back: whoever logs never waits, and never fails. */
import { writeSync } from 'node:fs'
import type { ByteString } from '../bytes.js'
import { type LogFile, openLogFile } from './open-file.js'
import { rotate } from './rotate.js'

export interface RotatingFileOptions {
  readonly path: ByteString
  /** Bytes; a line that would make the file longer begins a new one. */
  readonly maxSize: number
  /** Older files that are kept. */
  readonly maxNumber: number
  /** What is written in the place of lines that were too many for a disk that is full or slow. */
  readonly lostLine: (count: number) => string
}

export interface RotatingFile {
  /** Lines that were left out so far. */
  readonly lost: number
  /** Takes one or several whole lines. */
  write(lines: string): void
  /** Opens the file by its name again: somebody moved it away. */
  reopen(): void
  /** Writes what is left at once, before the process ends. Never throws. */
  lastWords(): void
  /** Resolves when all is written, or that has failed, and the file is closed. */
  close(): Promise<void>
}

/** Characters that wait for a slow disk: more are left out. */
const mostWaiting = 4 * 1024 * 1024
/** Bytes of a write. */
const mostAtOnce = 256 * 1024
/** Milliseconds until what failed is tried again. */
const pause = 1000

/** @throws SustenError why there can't be a log file */
export async function openRotatingFile(options: RotatingFileOptions): Promise<RotatingFile> {
  const { path, maxSize, maxNumber, lostLine } = options
  let file: LogFile | undefined = await openLogFile(path)
  let size = file.size
  let waiting: string[] = []
  let length = 0
  let lost = 0
  /** Of them, those that no line tells of yet. */
  let untold = 0
  /** What is being written, and what of it isn't yet. */
  let chunk: Buffer | undefined
  let rest: Buffer | undefined
  let wantsReopen = false
  let isClosing = false
  let isClosed = false
  /** Ends a pause. */
  let wake = (): void => {}
  let work: Promise<void> | undefined

  function write(lines: string): void {
    if (isClosed) return
    if (length + lines.length > mostWaiting) {
      lost += 1
      untold += 1
      return
    }
    waiting.push(lines)
    length += lines.length
    work ??= run()
  }

  async function run(): Promise<void> {
    // What is logged in one turn of the event loop is written at once.
    await new Promise((resolve) => setImmediate(resolve))
    while (wantsReopen || rest !== undefined || waiting.length > 0 || untold > 0) {
      try {
        await step()
      } catch {
        if (isClosing) break
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, pause)
          timer.unref()
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      }
    }
    work = undefined
  }

  async function step(): Promise<void> {
    if (wantsReopen || file === undefined) {
      await file?.handle.close().catch(() => {})
      file = undefined
      file = await openLogFile(path)
      size = file.size
      rest = chunk
      wantsReopen = false
    }
    if (rest === undefined) {
      chunk = next()
      rest = chunk
      if (size > 0 && size + rest.length > maxSize) await begin()
    }
    while (rest.length > 0) {
      const { bytesWritten } = await file.handle.write(rest)
      size += bytesWritten
      rest = rest.subarray(bytesWritten)
    }
    chunk = undefined
    rest = undefined
  }

  /** Another file. One that can't be moved away is written on: a log that is too long is better than none. */
  async function begin(): Promise<void> {
    size = 0
    try {
      await rotate(path, maxNumber)
      const fresh = await openLogFile(path)
      await file?.handle.close().catch(() => {})
      file = fresh
      size = fresh.size
    } catch {
      // Tried again when as much has been written once more.
    }
  }

  /** As many lines as go into one write and into the file; at least one. */
  function next(): Buffer {
    if (untold > 0) {
      waiting.unshift(lostLine(untold))
      length += waiting[0]?.length ?? 0
      untold = 0
    }
    let count = 0
    let bytes = 0
    for (const lines of waiting) {
      const more = Buffer.byteLength(lines)
      if (count > 0 && (bytes + more > mostAtOnce || size + bytes + more > maxSize)) break
      bytes += more
      count += 1
    }
    const text = waiting.slice(0, count).join('')
    waiting = waiting.slice(count)
    length -= text.length
    return Buffer.from(text)
  }

  function reopen(): void {
    wantsReopen = true
    wake()
    work ??= run()
  }

  function lastWords(): void {
    try {
      if (file === undefined) return
      const fd = file.handle.fd
      const text = Buffer.from(waiting.join(''))
      waiting = []
      length = 0
      for (let at = 0; at < text.length; ) at += writeSync(fd, text, at)
    } catch {
      // Nobody is left who could be told.
    }
  }

  async function close(): Promise<void> {
    isClosing = true
    wake()
    await work
    isClosed = true
    await file?.handle.close().catch(() => {})
    file = undefined
  }

  return {
    get lost() {
      return lost
    },
    write,
    reopen,
    lastWords,
    close,
  }
}
