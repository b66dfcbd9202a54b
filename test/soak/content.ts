/** Contents that cost next to nothing: a header that a client can judge, words of their own, and noise. */
import { Buffer } from 'node:buffer'
import { randomFillSync } from 'node:crypto'
import type { Random } from '../support/random.js'

const KiB = 1024
const noise = randomFillSync(Buffer.alloc(1024 * KiB))

export type Form = 'h5' | 'cbf' | 'dat'

/**
 * @param words No two contents have the same.
 * @param size Bytes, at least 512.
 */
export function contentOf(form: Form, words: string, size: number, random: Random): Buffer {
  const content = Buffer.alloc(size)
  const from = random.below(noise.length - size)
  noise.copy(content, 0, from, from + size)
  const head = heads[form](size)
  head.copy(content)
  content.write(`${words}\n`, head.length, 'latin1')
  if (form === 'cbf') content.write(closing, size - closing.length, 'latin1')
  return content
}

/** 1 to 100 KiB, small ones more often. */
export const drawSize = (random: Random): number => Math.floor(KiB * 100 ** random.next()) + random.below(64)

const closing = '\r\n--CIF-BINARY-FORMAT-SECTION----\r\n;\r\n'

const heads: Record<Form, (size: number) => Buffer> = {
  /** A superblock, version 0, whose end of file is right. */
  h5(size) {
    const head = Buffer.alloc(96)
    head.write('\x89HDF\r\n\x1a\n', 'latin1')
    head[13] = 8
    head[14] = 8
    head.writeBigUInt64LE(BigInt(size), 40)
    return head
  },
  cbf(size) {
    const text = '###CBF: VERSION 1.5\r\n\r\ndata_soak\r\n\r\n--CIF-BINARY-FORMAT-SECTION--\r\n'
    const magic = '\r\n\r\n\x0c\x1a\x04\xd5'
    const field = 'X-Binary-Size: '
    const digits = 8
    const before = text.length + field.length + digits + magic.length
    const length = String(size - before - closing.length).padStart(digits, '0')
    return Buffer.from(`${text}${field}${length}${magic}`, 'latin1')
  },
  dat: () => Buffer.from('soak ', 'latin1'),
}
