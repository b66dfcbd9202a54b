/**
 * What the log says, for lookups: where the newest record of each path lies, which are pending or failed on which
 * storage, the values, the storages' numbers. Records stay bytes in the log's segments until someone asks for them.
 *
 * Applying new entries and replaying old ones is the same code, so both lead to the same state.
 */
import { Buffer } from 'node:buffer'
import type { ByteString } from '../bytes.js'
import type { FileRecord } from '../core/record.js'
import { ByteReader } from './byte-reader.js'
import { ENTRY, ENTRY_BYTES } from './format.js'
import type { ListedState } from './journal.js'
import { type KeyedHash, keyedHash } from './keyed-hash.js'
import { PathTable } from './path-table.js'
import { decodeRecord, listedState, type Names, tierOfList } from './record-format.js'
import type { Segment } from './segment.js'
import { SeqIndex } from './seq-index.js'

/** The list of seqs that are on no other list yet, since their announcement isn't durable. */
const FRESH = 0

interface Value {
  readonly json: string
  segment: number
  position: number
}

export class Catalog implements Names {
  readonly #isSalvage: boolean
  readonly segments = new Map<number, Segment>()
  /** Ids of the storages, by their numbers. */
  readonly storages: string[] = []
  /** Numbers of the lists of tiers' files, which are numbered as storages are. */
  readonly tierNumbers = new Map<string, number>()
  readonly #tiers: (string | undefined)[] = []
  /** First segment that is still needed, as the log itself says. */
  tail = 1
  /** Bytes of entries that still count. */
  live = 0
  readonly #seqs = new SeqIndex()
  readonly #paths = new PathTable()
  readonly #values = new Map<string, Value>()
  readonly #hash: KeyedHash = keyedHash()
  readonly #reader = new ByteReader(Buffer.alloc(0))
  /** For a second look while the first reader stands somewhere. */
  readonly #aside = new ByteReader(Buffer.alloc(0))
  /** By its number, whether a seq belongs on a list, while that is looked at. */
  readonly #belongs: boolean[] = []
  #sought = Buffer.alloc(4096)

  /** @param isSalvage Storages whose names are lost are called by their numbers (`#0`), which else is an error. */
  constructor(isSalvage = false) {
    this.#isSalvage = isSalvage
  }

  get records(): number {
    return this.#seqs.size
  }

  /** Carries out the entry at a position; where the next one begins. `fresh`: gets the seqs to {@link settle} later. */
  run(segment: Segment, position: number, fresh?: number[]): number {
    const reader = this.#reader
    reader.reset(segment.bytes, position, segment.used)
    const type = reader.u8()
    const length = reader.u32()
    const end = position + ENTRY_BYTES + length
    if (end > segment.used) throw new RangeError('an entry is longer than its frame')
    reader.reset(segment.bytes, position + ENTRY_BYTES, end)
    if (type === ENTRY.put) this.#put(segment, position, fresh)
    else if (type === ENTRY.forget) this.#forget(reader.varint())
    else if (type === ENTRY.set) this.#set(segment.number, position, reader.utf8(), reader.utf8())
    else if (type === ENTRY.storage) this.#name(reader.varint(), reader.utf8())
    else if (type === ENTRY.tail) this.tail = reader.varint()
    else throw new RangeError(`there is no entry of type ${type}`)
    return end
  }

  /** Lists what has become durable, as it is now. */
  settle(fresh: readonly number[]): void {
    for (const seq of fresh) {
      const segment = this.segments.get(this.#seqs.segment(seq))
      if (segment === undefined || !this.#seqs.isMarked(FRESH, seq)) continue
      this.#seqs.unmark(FRESH, seq)
      this.#reader.reset(segment.bytes, this.#seqs.position(seq) + ENTRY_BYTES, segment.used)
      this.#reader.varint()
      this.#reader.skip(this.#reader.varint())
      this.#relist(seq)
    }
  }

  get(path: ByteString): FileRecord | undefined {
    const length = path.length
    if (length > this.#sought.length) this.#sought = Buffer.alloc(length * 2)
    const sought = this.#sought
    sought.write(path, 0, 'latin1')
    const seq = this.#find(sought, 0, length)
    const record = seq === -1 ? undefined : this.record(seq)
    return record?.path === path ? record : undefined
  }

  /** The path of a record; `undefined` if there is none of this seq. */
  pathOf(seq: number): ByteString | undefined {
    const segment = this.segments.get(this.#seqs.segment(seq))
    if (segment === undefined) return undefined
    this.#reader.reset(segment.bytes, this.#seqs.position(seq) + ENTRY_BYTES, segment.used)
    this.#reader.varint()
    return this.#reader.latin1() as ByteString
  }

  /** Whether a seq's record is of another path. */
  isTaken(seq: number, path: ByteString): boolean {
    const segment = this.segments.get(this.#seqs.segment(seq))
    if (segment === undefined) return false
    const { bytes } = segment
    const reader = this.#aside
    reader.reset(bytes, this.#seqs.position(seq) + ENTRY_BYTES, segment.used)
    reader.varint()
    const { length } = path
    if (reader.varint() !== length) return true
    const at = reader.at
    for (let i = length - 1; i >= 0; i--) if (bytes[at + i] !== path.charCodeAt(i)) return true
    return false
  }

  /** The record of a seq that is there. */
  record(seq: number): FileRecord {
    const segment = this.segments.get(this.#seqs.segment(seq))
    if (segment === undefined) throw new RangeError(`there is no record of seq ${seq}`)
    this.#reader.reset(segment.bytes, this.#seqs.position(seq) + ENTRY_BYTES, segment.used)
    return decodeRecord(this.#reader, this)
  }

  list(storage: string, state: ListedState, after: number, limit: number): FileRecord[] {
    const found: FileRecord[] = []
    const list = listOf(this.storages.indexOf(storage), state)
    for (let seq = this.#seqs.next(list, after); seq !== -1 && found.length < limit; ) {
      found.push(this.record(seq))
      seq = this.#seqs.next(list, seq)
    }
    return found
  }

  count(storage: string, state: ListedState): number {
    return this.#seqs.count(listOf(this.storages.indexOf(storage), state))
  }

  /** The first seq above `after`; -1 if there is none. */
  next(after: number): number {
    return this.#seqs.nextOfAll(after)
  }

  value(key: string): unknown {
    const value = this.#values.get(key)
    return value === undefined ? undefined : JSON.parse(value.json)
  }

  keys(): string[] {
    return [...this.#values.keys()]
  }

  /** Whether the log can't do without the entry at a position. */
  isLive(segment: Segment, position: number): boolean {
    const type = segment.bytes[position]
    const reader = this.#reader
    reader.reset(segment.bytes, position + ENTRY_BYTES, segment.used)
    if (type === ENTRY.put) return this.#isAt(reader.varint(), segment.number, position)
    if (type === ENTRY.storage) return true
    const value = type === ENTRY.set ? this.#values.get(reader.utf8()) : undefined
    return value !== undefined && value.segment === segment.number && value.position === position
  }

  /** A live entry has been copied to another place. */
  moved(to: Segment, position: number): void {
    const reader = this.#reader
    const type = to.bytes[position]
    reader.reset(to.bytes, position + ENTRY_BYTES, to.used)
    if (type === ENTRY.put) this.#seqs.place(reader.varint(), to.number, position)
    else if (type === ENTRY.set) this.#set(to.number, position, reader.utf8(), reader.utf8())
  }

  /** The reader stands at the beginning of the record. */
  #put(segment: Segment, position: number, fresh: number[] | undefined): void {
    const reader = this.#reader
    const seq = reader.varint()
    const length = reader.varint()
    const at = reader.skip(length)
    const isKnown = this.#isOf(seq, segment.bytes, at, length)
    if (isKnown) {
      this.live -= this.#lengthOf(seq)
    } else {
      const hash = this.#hash(segment.bytes, at, at + length)
      const known = this.#find(segment.bytes, at, length, hash)
      if (known !== -1) this.#drop(known, hash)
      this.#forget(seq)
      this.#paths.add(hash, seq)
    }
    this.#seqs.place(seq, segment.number, position)
    this.live += this.#lengthOf(seq)
    if (fresh !== undefined && !isKnown) {
      fresh.push(seq)
      this.#seqs.mark(FRESH, seq)
    }
    if (!this.#seqs.isMarked(FRESH, seq)) this.#relist(seq)
  }

  /** Takes a seq from the lists where it no longer belongs, puts it on the others. The reader stands at its states. */
  #relist(seq: number): void {
    const belongs = this.#belongs
    belongs.fill(false)
    for (let count = this.#reader.varint(); count > 0; count--) {
      const storage = this.#reader.varint()
      const state = listedState(this.#reader.u8())
      if (state === undefined) continue
      const list = listOf(storage, state)
      this.#seqs.mark(list, seq)
      belongs[list] = true
    }
    for (let list = FRESH + 1; list < this.#seqs.lists(seq); list++) {
      if (belongs[list] !== true) this.#seqs.unmark(list, seq)
    }
  }

  #forget(seq: number): void {
    const segment = this.segments.get(this.#seqs.segment(seq))
    if (segment === undefined) return
    const reader = this.#aside
    reader.reset(segment.bytes, this.#seqs.position(seq) + ENTRY_BYTES, segment.used)
    reader.varint()
    const length = reader.varint()
    const at = reader.skip(length)
    this.#drop(seq, this.#hash(segment.bytes, at, at + length))
  }

  #drop(seq: number, hash: number): void {
    this.live -= this.#lengthOf(seq)
    this.#paths.remove(hash, seq)
    this.#seqs.remove(seq)
  }

  #set(segment: number, position: number, key: string, json: string): void {
    const known = this.#values.get(key)
    if (known !== undefined) this.live -= this.#entryLength(known.segment, known.position)
    if (json === '') {
      this.#values.delete(key)
      return
    }
    this.#values.set(key, { json, segment, position })
    this.live += this.#entryLength(segment, position)
  }

  #name(number: number, id: string): void {
    this.storages[number] = id
    const tier = tierOfList(id)
    this.#tiers[number] = tier
    if (tier !== undefined) this.tierNumbers.set(tier, number)
  }

  /** The seq of a path that lies in a buffer; -1 if there is none. */
  #find(bytes: Buffer, at: number, length: number, hash = this.#hash(bytes, at, at + length)): number {
    return this.#paths.find(hash, (seq) => this.#isOf(seq, bytes, at, length))
  }

  /** Whether a seq's record is of the path that lies in a buffer. */
  #isOf(seq: number, bytes: Buffer, at: number, length: number): boolean {
    const segment = this.segments.get(this.#seqs.segment(seq))
    if (segment === undefined) return false
    const reader = this.#aside
    const own = segment.bytes
    reader.reset(own, this.#seqs.position(seq) + ENTRY_BYTES, segment.used)
    reader.varint()
    if (reader.varint() !== length) return false
    // Paths are short, and differ at their ends, if they do.
    const ahead = reader.at - at
    for (let i = at + length - 1; i >= at; i--) if (bytes[i] !== own[i + ahead]) return false
    return true
  }

  #isAt(seq: number, segment: number, position: number): boolean {
    return this.#seqs.segment(seq) === segment && this.#seqs.position(seq) === position
  }

  #lengthOf(seq: number): number {
    return this.#entryLength(this.#seqs.segment(seq), this.#seqs.position(seq))
  }

  #entryLength(segment: number, position: number): number {
    const body = this.segments.get(segment)?.bytes.readUInt32LE(position + 1)
    return body === undefined ? 0 : ENTRY_BYTES + body
  }

  storageOf(number: number): string {
    const id = this.storages[number] ?? (this.#isSalvage ? `#${number}` : undefined)
    if (id === undefined) throw new RangeError(`storage ${number} has no name`)
    return id
  }

  /** The tier whose files are listed by a number; undefined if it is a storage's. */
  tierOf(number: number): string | undefined {
    return this.#tiers[number]
  }
}

/** -1 for the storage -1. */
function listOf(storage: number, state: ListedState): number {
  return storage === -1 ? -1 : FRESH + 1 + storage * 2 + (state === 'failed' ? 1 : 0)
}
