/** CRC-32 (the one of zlib and Ethernet), for Node versions whose zlib doesn't offer it. */
import * as zlib from 'node:zlib'

/** @param value The checksum of what came before, to go on with. */
export type Crc32 = (bytes: Uint8Array, value?: number) => number

const builtIn: Crc32 | undefined = (zlib as { crc32?: Crc32 }).crc32

/** Node's own from 20.15 and 22.2 on, else {@link tableCrc32}. */
export const crc32: Crc32 = builtIn ?? ((bytes, value) => tableCrc32(bytes, value))

const POLYNOMIAL = 0xedb88320
let table: Uint32Array | undefined

/** Plain JavaScript, four bytes at a time. */
export function tableCrc32(bytes: Uint8Array, value = 0): number {
  table ??= makeTable()
  const t = table
  const at = (slice: number, byte: number): number => t[slice * 256 + byte] ?? 0
  let crc = ~value
  let i = 0
  for (; i + 4 <= bytes.length; i += 4) {
    crc ^= (bytes[i] ?? 0) | ((bytes[i + 1] ?? 0) << 8) | ((bytes[i + 2] ?? 0) << 16) | ((bytes[i + 3] ?? 0) << 24)
    crc = at(3, crc & 255) ^ at(2, (crc >>> 8) & 255) ^ at(1, (crc >>> 16) & 255) ^ at(0, crc >>> 24)
  }
  for (; i < bytes.length; i++) crc = (crc >>> 8) ^ at(0, (crc ^ (bytes[i] ?? 0)) & 255)
  return ~crc >>> 0
}

function makeTable(): Uint32Array {
  const made = new Uint32Array(4 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let slice = 0; slice < 4; slice++) {
      for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
      made[slice * 256 + byte] = crc
    }
  }
  return made
}
