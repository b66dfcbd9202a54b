/**
 * HalfSipHash-1-3 (Aumasson, Bernstein): a keyed hash, so that who chooses file names can't choose collisions. Linux
 * uses it for its own hash tables. Hashes are never stored: the key is made anew each time.
 */
import { randomBytes } from 'node:crypto'

/** 32-bit hash of a part of a buffer. */
export type KeyedHash = (bytes: Uint8Array, from: number, to: number) => number

/** @param key 8 bytes. Default: random ones. */
export function keyedHash(key: Uint8Array = randomBytes(8)): KeyedHash {
  const k0 = word(key, 0)
  const k1 = word(key, 4)
  return (bytes, from, to) => {
    let v0 = k0
    let v1 = k1
    let v2 = 0x6c796765 ^ k0
    let v3 = 0x74656462 ^ k1
    const words = (to - from) >>> 2
    // One round for each word, one for the last bytes and the length, three to finish.
    for (let i = 0; i < words + 4; i++) {
      let input = 0
      if (i < words) input = word(bytes, from + i * 4)
      else if (i === words) input = lastWord(bytes, from, to)
      else if (i === words + 1) v2 ^= 0xff
      v3 ^= input
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
      v0 ^= input
    }
    return (v1 ^ v3) >>> 0
  }
}

function word(bytes: Uint8Array, at: number): number {
  return (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)
}

function lastWord(bytes: Uint8Array, from: number, to: number): number {
  let last = (to - from) << 24
  for (let at = to - ((to - from) & 3), shift = 0; at < to; at++, shift += 8) last |= (bytes[at] ?? 0) << shift
  return last
}
