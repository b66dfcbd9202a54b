/**
 * What the first bytes of a file say of its length. Pure.
 * Sources: HDF5 File Format Specification, version 3.0, II.A "Disk Format: Level 0A – Format Signature and Superblock";
 * imgCIF dictionary, `_array_data.data` (X-Binary-Size, X-Binary-Size-Padding, the four bytes before the binary data).
 */
import { Buffer } from 'node:buffer'
import type { Claim } from '../complete.js'

interface Format {
  readonly names: RegExp
  /** As many bytes are needed, or all that there are. */
  readonly bytes: number
  readonly claim: (start: Buffer, size: number) => Claim | undefined
}

const formats: readonly Format[] = [
  { names: /\.h(df)?5$/i, bytes: 64, claim: claimOfHdf5 },
  { names: /\.cbf$/i, bytes: 4096, claim: claimOfCbf },
]

/** How a file of this name can be asked; undefined: not. */
export const formatOf = (name: string): Format | undefined => formats.find(({ names }) => names.test(name))

const signature = Buffer.from('\x89HDF\r\n\x1a\n', 'latin1')

/** Where versions of the superblock have what counts: the sizes of addresses, the first address, the file's end. */
const places = [
  { addressSize: 13, base: 24, end: 40 },
  { addressSize: 13, base: 28, end: 44 },
  { addressSize: 9, base: 12, end: 28 },
  { addressSize: 9, base: 12, end: 28, flags: 11 },
] as const

const SUPERBLOCK = 52
const OPEN_FOR_WRITING = 1

/** @returns undefined: it says nothing that can be judged */
export function claimOfHdf5(start: Buffer, size: number): Claim | undefined {
  const first = start.subarray(0, signature.length)
  if (isBlank(first)) return 'part'
  if (!first.equals(signature.subarray(0, first.length))) return undefined
  if (start.length < SUPERBLOCK) return 'part'
  const place = places[start.readUInt8(signature.length)]
  if (place === undefined || start.readUInt8(place.addressSize) !== 8 || start.readBigUInt64LE(place.base) !== 0n) {
    return undefined
  }
  if ('flags' in place && (start.readUInt8(place.flags) & OPEN_FOR_WRITING) !== 0) return 'part'
  const end = start.readBigUInt64LE(place.end)
  if (end === BigInt(size)) return 'whole'
  return end > BigInt(size) ? 'part' : undefined
}

const binary = Buffer.from('\x0c\x1a\x04\xd5', 'latin1')
/** What follows the binary data at least. */
const closing = '--CIF-BINARY-FORMAT-SECTION----'

/** @returns undefined: its header is longer than what was read, or unusual */
export function claimOfCbf(start: Buffer, size: number): Claim | undefined {
  const at = start.indexOf(binary)
  if (at < 0) return isBlank(start) || (start.length === size && start.includes('CBF')) ? 'part' : undefined
  const header = start.toString('latin1', 0, at)
  const length = numberIn(header, /^X-Binary-Size:\s*(\d{1,15})\s*$/im)
  if (length === undefined) return undefined
  const padding = numberIn(header, /^X-Binary-Size-Padding:\s*(\d{1,15})\s*$/im) ?? 0
  const end = at + binary.length + length + padding
  if (size <= end) return 'part'
  return size >= end + closing.length ? 'whole' : undefined
}

const isBlank = (bytes: Buffer): boolean => bytes.every((byte) => byte === 0)

function numberIn(text: string, pattern: RegExp): number | undefined {
  const found = pattern.exec(text)?.[1]
  return found === undefined ? undefined : Number(found)
}
