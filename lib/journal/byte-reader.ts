/** Reads what {@link ByteWriter} wrote. Throws `RangeError` beyond the end. */
import type { Buffer } from 'node:buffer'
import { viewOf } from './byte-writer.js'

export class ByteReader {
  #bytes: Buffer
  #view: DataView
  at: number
  #end: number

  constructor(bytes: Buffer, at = 0, end: number = bytes.length) {
    this.#bytes = bytes
    this.#view = viewOf(bytes)
    this.at = at
    this.#end = end
  }

  /** Reads from elsewhere: saves making a reader per record. */
  reset(bytes: Buffer, at: number, end: number): void {
    if (bytes !== this.#bytes) this.#view = viewOf(bytes)
    this.#bytes = bytes
    this.at = at
    this.#end = end
  }

  /** Passes over so many bytes; their position. */
  skip(count: number): number {
    const at = this.at
    if (count > this.#end - at) throw new RangeError('read beyond the end of a journal entry')
    this.at = at + count
    return at
  }

  u8(): number {
    return this.#bytes[this.skip(1)] ?? 0
  }

  u32(): number {
    return this.#view.getUint32(this.skip(4), true)
  }

  f64(): number {
    return this.#view.getFloat64(this.skip(8), true)
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.skip(8), true)
  }

  i64(): bigint {
    return this.#view.getBigInt64(this.skip(8), true)
  }

  varint(): number {
    let byte = this.u8()
    if (byte < 128) return byte
    let value = byte & 127
    for (let scale = 128; byte > 127; scale *= 128) {
      if (scale > 2 ** 49) throw new RangeError('a number in a journal entry is too long')
      byte = this.u8()
      value += (byte & 127) * scale
    }
    return value
  }

  /** How many things come, of which each takes so many bytes at least. */
  count(bytes: number): number {
    const count = this.varint()
    if (count * bytes > this.#end - this.at)
      throw new RangeError('more things are announced than a journal entry holds')
    return count
  }

  latin1(): string {
    const length = this.varint()
    const at = this.skip(length)
    return this.#bytes.toString('latin1', at, at + length)
  }

  utf8(): string {
    const length = this.varint()
    const at = this.skip(length)
    return this.#bytes.toString('utf8', at, at + length)
  }

  hex(count: number): string {
    const at = this.skip(count)
    return this.#bytes.toString('hex', at, at + count)
  }
}
