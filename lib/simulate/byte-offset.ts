/**
 * The byte-offset compression of CBF (`x-CBF_BYTE_OFFSET`), as PILATUS detectors write it.
 *
 * Each pixel is stored as its difference from the one before (from 0 for the first), little-endian, in the fewest
 * bytes: one, or two after the escape byte 80, or four after a further 8000, or eight after a further 80000000 (hex).
 * The most negative number of each width is its escape and never a difference.
 * Source: CBFlib manual, section 3.3.3; the wider escapes are those of CBFlib's `cbf_byte_offset.c`.
 */
import { Buffer } from 'node:buffer'

/** Compresses 32-bit signed pixels. */
export function encodeByteOffset(pixels: Int32Array): Buffer {
  const bytes = Buffer.allocUnsafe(encodedSize(pixels))
  let at = 0
  let previous = 0
  for (const pixel of pixels) {
    const delta = pixel - previous
    previous = pixel
    if (delta >= -0x7f && delta <= 0x7f) {
      bytes[at++] = delta & 0xff
      continue
    }
    bytes[at++] = 0x80
    if (delta >= -0x7fff && delta <= 0x7fff) {
      at = bytes.writeInt16LE(delta, at)
      continue
    }
    at = bytes.writeInt16LE(-0x8000, at)
    if (delta >= -0x7fff_ffff && delta <= 0x7fff_ffff) {
      at = bytes.writeInt32LE(delta, at)
      continue
    }
    at = bytes.writeInt32LE(-0x8000_0000, at)
    at = bytes.writeBigInt64LE(BigInt(delta), at)
  }
  return bytes
}

/**
 * Restores `count` pixels.
 * @throws RangeError if the bytes end early, go on after the last pixel, or hold a value beyond 32 bits.
 */
export function decodeByteOffset(bytes: Buffer, count: number): Int32Array {
  const pixels = new Int32Array(count)
  let at = 0
  let value = 0
  for (let index = 0; index < count; index++) {
    let delta = bytes.readInt8(at++)
    if (delta === -0x80) {
      delta = bytes.readInt16LE(at)
      at += 2
      if (delta === -0x8000) {
        delta = bytes.readInt32LE(at)
        at += 4
        if (delta === -0x8000_0000) {
          delta = Number(bytes.readBigInt64LE(at))
          at += 8
        }
      }
    }
    value += delta
    if (value !== (value | 0)) throw new RangeError(`pixel ${index} is ${value}, beyond 32 bits`)
    pixels[index] = value
  }
  if (at !== bytes.length) throw new RangeError(`${bytes.length - at} bytes follow the last pixel`)
  return pixels
}

function encodedSize(pixels: Int32Array): number {
  let size = 0
  let previous = 0
  for (const pixel of pixels) {
    const delta = Math.abs(pixel - previous)
    previous = pixel
    size += delta <= 0x7f ? 1 : delta <= 0x7fff ? 3 : delta <= 0x7fff_ffff ? 7 : 15
  }
  return size
}
