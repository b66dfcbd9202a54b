/** A source's content, from its iteration to a file. */
import { Buffer } from 'node:buffer'
import type { FileHandle } from 'node:fs/promises'
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
  /** Milliseconds without any content. */
  readonly stall: number
  readonly signal: AbortSignal
}

/**
 * Writes all of it.
 * @returns Bytes.
 * @throws What the source throws; SustenError `ERR_SUSTEN_SHORT`, `ERR_SUSTEN_CHANGED`: it has another size; `ETIMEDOUT`;
 *   {@link WriteError}
 */
export async function writeBody(file: FileHandle, { content }: FileBody, options: BodyOptions): Promise<number> {
  const { size, stall, signal } = options
  const parts = content[Symbol.asyncIterator]()
  let bytes = 0
  let ended = false
  try {
    for (;;) {
      const { done, value } = await within(parts.next(), { signal, timeout: stall, what: 'content' })
      if (done) {
        ended = true
        break
      }
      if (!(value instanceof Uint8Array)) throw new TypeError('the content of a file must come as Uint8Arrays')
      bytes += value.length
      if (size !== undefined && bytes > size) throw wrongSize('ERR_SUSTEN_CHANGED', `more than ${size} bytes came`)
      await writeAll(file, value)
    }
  } finally {
    // Not waited for: who doesn't give may not come back either.
    if (!ended) void Promise.resolve(parts.return?.()).catch(() => {})
  }
  if (size !== undefined && bytes < size) throw wrongSize('ERR_SUSTEN_SHORT', `${bytes} of ${size} bytes came`)
  return bytes
}

const wrongSize = (code: string, text: string): SustenError =>
  new SustenError(`${code}: ${text}`, { code, syscall: 'read' })

async function writeAll(file: FileHandle, part: Uint8Array): Promise<void> {
  const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength)
  try {
    for (let at = 0; at < bytes.length; ) at += (await file.write(bytes, at)).bytesWritten
  } catch (cause) {
    throw new WriteError('the content could not be written', { cause })
  }
}
