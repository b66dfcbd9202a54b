/** How a journal's files look, byte by byte. docs/JOURNAL.md describes the same in words: keep them together. */
import { Buffer } from 'node:buffer'
import { crc32 } from './crc32.js'

/** Raised with every change that older versions can't read. */
export const FORMAT_VERSION = 3
const MAGIC = Buffer.from('SUSTENJL', 'latin1')

/** Bytes before the first frame of a segment. */
export const HEADER_BYTES = 64
/** Bytes before a frame's payload. */
export const FRAME_BYTES = 20
/** Bytes before an entry's body: its type and the body's length. */
export const ENTRY_BYTES = 5
/** Longest payload of a frame. */
export const LONGEST_FRAME = 2 ** 30

const FRAME_MARK = 0x4d52464a // 'JFRM'

/** Types of entries. */
export const ENTRY = { put: 1, forget: 2, set: 3, storage: 4, tail: 5 } as const

/** File name of a segment. */
export const segmentName = (number: number): string => `${String(number).padStart(10, '0')}.journal`

/** The number of the segment that a file name stands for. */
export function segmentNumber(name: string): number | undefined {
  const match = /^(\d{10})\.journal$/.exec(name)
  return match === null ? undefined : Number(match[1])
}

/** What a segment's file is called until it is complete. */
export const unfinishedName = (name: string): string => `${name}.new`

export const isSegmentFile = (name: string): boolean => segmentNumber(name) !== undefined

export const isUnfinished = (name: string): boolean => /^\d{10}\.journal\.new$/.test(name)

/** What is said at the beginning of each segment. */
export interface SegmentHeader {
  readonly version: number
  readonly number: number
  /** The journal's id, 16 hex digits. */
  readonly id: string
}

export function encodeHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES)
  MAGIC.copy(bytes, 0)
  bytes.writeUInt32LE(header.version, 8)
  bytes.writeUInt32LE(HEADER_BYTES, 12)
  bytes.writeUIntLE(header.number, 16, 6)
  bytes.write(header.id, 24, 'hex')
  bytes.writeUInt32LE(crc32(bytes.subarray(0, HEADER_BYTES - 4)), HEADER_BYTES - 4)
  return bytes
}

/** `undefined` if it isn't one. The checksum is judged only for the known version: others may have another layout. */
export function decodeHeader(bytes: Buffer): SegmentHeader | undefined {
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, 8).equals(MAGIC)) return undefined
  const version = bytes.readUInt32LE(8)
  const sum = bytes.readUInt32LE(HEADER_BYTES - 4)
  if (version === FORMAT_VERSION && sum !== crc32(bytes.subarray(0, HEADER_BYTES - 4))) return undefined
  return { version, number: bytes.readUIntLE(16, 6), id: bytes.toString('hex', 24, 32) }
}

/** Writes the header of the frame that lies between two positions and is complete but for it. */
export function sealFrame(bytes: Buffer, start: number, end: number, commit: number): void {
  bytes.writeUInt32LE(FRAME_MARK, start)
  bytes.writeUInt32LE(end - start - FRAME_BYTES, start + 8)
  bytes.writeUInt32LE(commit % 2 ** 32, start + 12)
  bytes.writeUInt32LE(Math.floor(commit / 2 ** 32), start + 16)
  bytes.writeUInt32LE(crc32(bytes.subarray(start + 8, end)), start + 4)
}

/** A frame as it lies in a segment. */
export interface Frame {
  /** Where its first entry begins. */
  readonly first: number
  readonly end: number
  /** Number of its commit: each frame's is one higher than that of the frame before. */
  readonly commit: number
}

/** The frame at a position of a segment of which `end` bytes are there; `undefined` if there is none that is whole. */
export function readFrame(bytes: Buffer, start: number, end: number): Frame | undefined {
  const first = start + FRAME_BYTES
  if (first > end || bytes.readUInt32LE(start) !== FRAME_MARK) return undefined
  const length = bytes.readUInt32LE(start + 8)
  if (length > end - first) return undefined
  if (crc32(bytes.subarray(start + 8, first + length)) !== bytes.readUInt32LE(start + 4)) return undefined
  return { first, end: first + length, commit: commitOf(bytes, start) }
}

const commitOf = (bytes: Buffer, start: number): number =>
  bytes.readUInt32LE(start + 12) + bytes.readUInt32LE(start + 16) * 2 ** 32

/**
 * Where a whole frame of a later commit than `commit` (0: unknown) lies behind `from`; -1 if nowhere. File names are
 * chosen by users and may hold the mark, so the cheap test on the commit's number comes before the checksum.
 */
export function findLaterFrame(bytes: Buffer, from: number, commit: number): number {
  const mark = Buffer.alloc(4)
  mark.writeUInt32LE(FRAME_MARK)
  const most = commit === 0 ? Number.POSITIVE_INFINITY : 2 ** 32
  for (let at = bytes.indexOf(mark, from); at !== -1; at = bytes.indexOf(mark, at + 1)) {
    if (at + FRAME_BYTES > bytes.length) return -1
    const ahead = commitOf(bytes, at) - commit
    if (ahead > 0 && ahead < most && readFrame(bytes, at, bytes.length) !== undefined) return at
  }
  return -1
}
