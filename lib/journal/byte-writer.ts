/** Appends numbers and strings to a buffer that grows. Little-endian; variable-length numbers are LEB128. */
import { Buffer } from 'node:buffer'

export class ByteWriter {
  bytes: Buffer
  at = 0
  #view: DataView

  /** @param capacity Bytes to begin with. */
  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacity)
    this.#view = viewOf(this.bytes)
  }

  /** Makes room for so many more bytes. */
  need(count: number): void {
    if (this.at + count <= this.bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.at + count))
    this.bytes.copy(grown, 0, 0, this.at)
    this.bytes = grown
    this.#view = viewOf(grown)
  }

  u8(value: number): void {
    this.need(1)
    this.bytes[this.at++] = value
  }

  u32(value: number): void {
    this.need(4)
    this.#view.setUint32(this.at, value, true)
    this.at += 4
  }

  /** Fills in what was reserved. */
  u32At(at: number, value: number): void {
    this.#view.setUint32(at, value, true)
  }

  f64(value: number): void {
    this.need(8)
    this.#view.setFloat64(this.at, value, true)
    this.at += 8
  }

  u64(value: bigint): void {
    this.need(8)
    this.#view.setBigUint64(this.at, value, true)
    this.at += 8
  }

  i64(value: bigint): void {
    this.need(8)
    this.#view.setBigInt64(this.at, value, true)
    this.at += 8
  }

  /** A whole number from 0 to 2^53-1, 1 to 8 bytes. */
  varint(value: number): void {
    this.need(8)
    let rest = value
    for (; rest > 0x7fffffff; rest = Math.floor(rest / 128)) this.bytes[this.at++] = (rest % 128) | 128
    for (; rest > 127; rest >>>= 7) this.bytes[this.at++] = (rest & 127) | 128
    this.bytes[this.at++] = rest
  }

  /** One byte a character, after its length. */
  latin1(text: string): void {
    this.varint(text.length)
    this.need(text.length)
    this.at += this.bytes.write(text, this.at, 'latin1')
  }

  utf8(text: string): void {
    const length = Buffer.byteLength(text, 'utf8')
    this.varint(length)
    this.need(length)
    this.at += this.bytes.write(text, this.at, 'utf8')
  }

  /** Hex digits as bytes, without a length. */
  hex(digits: string): void {
    this.need(digits.length / 2)
    this.at += this.bytes.write(digits, this.at, 'hex')
  }

  raw(source: Buffer, from: number, to: number): void {
    this.need(to - from)
    this.at += source.copy(this.bytes, this.at, from, to)
  }
}

/** Numbers of a buffer: V8 compiles these calls, not those of `Buffer`, to single instructions. */
export function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}
