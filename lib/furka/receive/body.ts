/** A source's content, from its iteration to a file. */
import { Buffer } from 'node:buffer'
import type { FileHandle } from 'node:fs/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { SustenError } from '../../errors.js'
import type { FileBody } from '../../source/files.js'
import { within } from '../within.js'

/**
 * Marks what goes wrong with the file, in which no source has a part.
 * `cause`: what it was.
 */
export class WriteError extends Error {}

export interface BodyOptions {
  /** Bytes that it must have, if known. */
  readonly size: number | undefined
  /** Milliseconds for any {@link leastBytes} of it, or its end. */
  readonly stall: number
  /** Bytes that are left where it is written. */
  readonly room: () => Promise<number>
  readonly signal: AbortSignal
}

/** Bytes that must come in time: one now and then is no transfer. */
export const leastBytes = 1024

/** Bytes from one look at what is left to the next. */
const lookEach = 1024 * 1024

/**
 * Writes all of it.
 * @returns Bytes.
 * @throws What the source throws; SustenError `ERR_SUSTEN_SHORT`, `ERR_SUSTEN_CHANGED`: it has another size; `ETIMEDOUT`;
 *   {@link WriteError}
 */
export async function writeBody(file: FileHandle, { content }: FileBody, options: BodyOptions): Promise<number> {
  const { size, stall, room, signal } = options
  const parts = content[Symbol.asyncIterator]()
  let bytes = 0
  let looked = 0
  let ended = false
  /** Until when what is owed must be there, and how much of it is. */
  let due = performance.now() + stall
  let come = 0
  try {
    for (;;) {
      const timeout = Math.max(0, due - performance.now())
      const { done, value } = await within(parts.next(), { signal, timeout, what: 'content', late: () => slow(stall) })
      if (done) {
        ended = true
        break
      }
      if (!(value instanceof Uint8Array)) throw new TypeError('the content of a file must come as Uint8Arrays')
      bytes += value.length
      if (size !== undefined && bytes > size) throw wrongSize('ERR_SUSTEN_CHANGED', `more than ${size} bytes came`)
      come += value.length
      if (come < leastBytes && performance.now() > due) throw slow(stall)
      // Parts without an end that have no bytes must not keep others from running.
      if (value.length === 0) await turn()
      const began = performance.now()
      const isDue = bytes - looked >= lookEach
      if (isDue) looked = bytes
      await writePart(file, value, isDue ? { room, bytes } : undefined)
      // The time that it takes to write isn't the source's.
      due += performance.now() - began
      if (come < leastBytes) continue
      due = performance.now() + stall
      come = 0
    }
  } finally {
    if (!ended) endParts(parts)
  }
  if (size !== undefined && bytes < size) throw wrongSize('ERR_SUSTEN_SHORT', `${bytes} of ${size} bytes came`)
  return bytes
}

/** Not waited for: who doesn't give may not come back either. */
export function endParts(parts: AsyncIterator<unknown>): void {
  const end = async (): Promise<void> => {
    await parts.return?.()
  }
  end().catch(() => {})
}

const slow = (stall: number): SustenError => {
  const text = `ETIMEDOUT: less than ${leastBytes} bytes of content came within ${stall} ms`
  return new SustenError(text, { code: 'ETIMEDOUT', errno: -110, syscall: 'read' })
}

const wrongSize = (code: string, text: string): SustenError =>
  new SustenError(`${code}: ${text}`, { code, syscall: 'read' })

/** Where a content is up to, and what is left for it: both in bytes. */
interface Room {
  readonly room: BodyOptions['room']
  /** With the next part. */
  readonly bytes: number
}

/** @param look For it to be written only if there is room. */
async function writePart(file: FileHandle, part: Uint8Array, look: Room | undefined): Promise<void> {
  const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength)
  try {
    if (look !== undefined) await checkRoom(look, part.length)
    for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
  } catch (cause) {
    throw new WriteError('the content could not be written', { cause })
  }
}

/**
 * A content may have no end, and others write there too. It needs its size once more, to be copied to its name: so it ends
 * as soon as there is no room for that, and not with the last byte.
 */
async function checkRoom({ room, bytes }: Room, next: number): Promise<void> {
  if ((await room()) >= bytes + next) return
  const text = `ENOSPC: no room for ${bytes} bytes twice, which a content that comes this way needs`
  throw new SustenError(text, { code: 'ENOSPC', errno: -28, syscall: 'write' })
}
