/**
 * Virtual datasets, which h5wasm can read but not make. A dataset of the right shape and type is made by the library as
 * a placeholder, chunked and nearly empty; in the finished file its layout message is then replaced by one that leads
 * to a list of sources in a global heap at the file's end.
 * Source: HDF5 File Format Specification 3.0: II.A superblock version 0; III.E global heap; III.F global heap block for
 * virtual datasets; IV.A.2.i data layout message, version 3 (chunked) and version 4 (virtual); VIII.C hyperslab selection,
 * version 1.
 */
import { Buffer } from 'node:buffer'
import { lookup3 } from './lookup3.js'

/** Part of a virtual dataset: `count` entries of the first dimension, from `from` on. */
export interface VirtualSource {
  /** Name of the file, relative to the directory of the one that has the virtual dataset. */
  readonly file: string
  /** The dataset in it; it has `count` entries and otherwise the same shape. */
  readonly path: string
  readonly from: number
  readonly count: number
}

/** The chunks of a placeholder: no other dataset has such small ones. */
export const placeholderChunk = 1

const LAYOUT_VERSION_3 = 3
const LAYOUT_VERSION_4 = 4
const CHUNKED = 2
const VIRTUAL = 3
const SUPERBLOCK_END_OF_FILE = 40
const SMALLEST_HEAP = 4096
const HEAP_HEAD = 16
const OBJECT_HEAD = 16

/**
 * Turns the one placeholder of a file into a virtual dataset.
 * @param file A file with a superblock of version 0 and addresses of 8 bytes: `libver: 'earliest'`.
 * @param elementSize Bytes of an element.
 * @throws Error if the file isn't as it must be: a mistake of the program.
 */
export function makeVirtual(
  file: Uint8Array,
  shape: readonly number[],
  elementSize: number,
  sources: readonly VirtualSource[],
): Uint8Array {
  if (file[8] !== 0 || file[13] !== 8 || file[14] !== 8) throw new Error('HDF5: another superblock than version 0')
  const heapAt = Math.ceil(file.length / 8) * 8
  const heap = heapOf(blockOf(shape, sources))
  const made = Buffer.alloc(heapAt + heap.length)
  made.set(file)
  made.set(heap, heapAt)
  made.writeBigUInt64LE(BigInt(made.length), SUPERBLOCK_END_OF_FILE)
  const at = findPlaceholder(made.subarray(0, file.length), shape.length, elementSize)
  made.fill(0, at, at + placeholderSize(shape.length))
  made[at] = LAYOUT_VERSION_4
  made[at + 1] = VIRTUAL
  made.writeBigUInt64LE(BigInt(heapAt), at + 2)
  made.writeUInt32LE(1, at + 10) // the heap's first object
  return made
}

/** Version, class, dimensions and one, address, sizes. */
const placeholderSize = (rank: number): number => 11 + 4 * (rank + 1)

/** Where the layout message of the placeholder is. */
function findPlaceholder(file: Buffer, rank: number, elementSize: number): number {
  const head = Buffer.from([LAYOUT_VERSION_3, CHUNKED, rank + 1])
  const sizes = Buffer.alloc(4 * (rank + 1))
  for (let dimension = 0; dimension < rank; dimension++) sizes.writeUInt32LE(placeholderChunk, 4 * dimension)
  sizes.writeUInt32LE(elementSize, 4 * rank)
  const found: number[] = []
  for (let at = file.indexOf(head); at >= 0; at = file.indexOf(head, at + 1)) {
    if (file.subarray(at + 11, at + 11 + sizes.length).equals(sizes)) found.push(at)
  }
  const [at, another] = found
  if (at === undefined || another !== undefined) throw new Error(`HDF5: ${found.length} placeholders instead of one`)
  return at
}

/** A global heap with one object; what is left of it is free. */
function heapOf(block: Buffer): Buffer {
  const padded = Math.ceil(block.length / 8) * 8
  const heap = Buffer.alloc(Math.max(SMALLEST_HEAP, HEAP_HEAD + OBJECT_HEAD + padded + OBJECT_HEAD))
  heap.write('GCOL', 'latin1')
  heap[4] = 1
  heap.writeBigUInt64LE(BigInt(heap.length), 8)
  heap.writeUInt16LE(1, HEAP_HEAD) // its number
  heap.writeUInt16LE(1, HEAP_HEAD + 2) // references to it
  heap.writeBigUInt64LE(BigInt(block.length), HEAP_HEAD + 8)
  block.copy(heap, HEAP_HEAD + OBJECT_HEAD)
  const free = HEAP_HEAD + OBJECT_HEAD + padded
  heap.writeBigUInt64LE(BigInt(heap.length - free), free + 8)
  return heap
}

/** The list of sources, as a heap object. */
function blockOf(shape: readonly number[], sources: readonly VirtualSource[]): Buffer {
  const [, ...rest] = shape
  const head = Buffer.alloc(9)
  head.writeBigUInt64LE(BigInt(sources.length), 1)
  const parts = sources.flatMap(({ file, path, from, count }) => [
    Buffer.from(`${file}\0${path}\0`, 'utf8'),
    slab(0, count, rest),
    slab(from, count, rest),
  ])
  const block = Buffer.concat([head, ...parts])
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32LE(lookup3(block))
  return Buffer.concat([block, checksum])
}

/** A selection of one block: `count` entries of the first dimension, all of the others. */
function slab(from: number, count: number, rest: readonly number[]): Buffer {
  const HYPERSLAB = 2
  const VERSION = 1
  const starts = [from, ...rest.map(() => 0)]
  const ends = [from + count - 1, ...rest.map((size) => size - 1)]
  const rank = starts.length
  const words = [HYPERSLAB, VERSION, 0, 8 + 8 * rank, rank, 1, ...starts, ...ends]
  const bytes = Buffer.alloc(4 * words.length)
  for (const [index, word] of words.entries()) bytes.writeUInt32LE(word, 4 * index)
  return bytes
}
