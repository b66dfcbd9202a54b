/** Operations as entries of the log: a type, the body's length, the body. */
import { Buffer } from 'node:buffer'
import type { ByteString } from '../bytes.js'
import type { JournalOp } from '../core/record.js'
import { SustenError } from '../errors.js'
import type { ByteWriter } from './byte-writer.js'
import type { Catalog } from './catalog.js'
import { ENTRY } from './format.js'
import { encodeRecord, type Numbers, tierList } from './record-format.js'

/**
 * Appends the entries of these operations, and where each begins to `starts`. A storage that has no number yet gets
 * one, by an entry before the first that uses it. Throws `ERR_SUSTEN_OPTION` for what can't be stored.
 */
export function encodeOps(out: ByteWriter, ops: readonly JournalOp[], catalog: Catalog, starts: number[]): void {
  const numbers = new StorageNumbers(out, catalog, starts)
  for (const op of ops) {
    if (op.type === 'put') {
      const { record } = op
      // Before the record's own entry.
      for (const { storage } of record.copies) numbers.storage(storage)
      if (record.tiers !== undefined) {
        for (const { tier, to } of record.tiers) {
          numbers.tier(tier)
          if (to !== undefined) numbers.storage(to)
        }
      }
      checkSeq(catalog, record.seq, record.path)
      const entry = begin(out, ENTRY.put, starts)
      encodeRecord(out, record, numbers)
      end(out, entry)
    } else if (op.type === 'forget') {
      checkSeq(catalog, op.record.seq, op.record.path)
      const entry = begin(out, ENTRY.forget, starts)
      out.varint(op.record.seq)
      end(out, entry)
    } else {
      const json = jsonOf(op.key, op.value)
      const entry = begin(out, ENTRY.set, starts)
      out.utf8(op.key)
      out.utf8(json)
      end(out, entry)
    }
  }
}

/** The numbers of storages, each of which is given one here at the latest. */
class StorageNumbers implements Numbers {
  readonly #out: ByteWriter
  readonly #catalog: Catalog
  readonly #starts: number[]
  /** Those that the catalog doesn't know yet. */
  readonly #added = new Map<string, number>()

  constructor(out: ByteWriter, catalog: Catalog, starts: number[]) {
    this.#out = out
    this.#catalog = catalog
    this.#starts = starts
  }

  storage(id: string): number {
    const { storages } = this.#catalog
    // A few at most.
    const known = storages.indexOf(id)
    if (known !== -1) return known
    let added = this.#added.get(id)
    if (added === undefined) {
      added = storages.length + this.#added.size
      this.#added.set(checkId(id), added)
      const entry = begin(this.#out, ENTRY.storage, this.#starts)
      this.#out.varint(added)
      this.#out.utf8(id)
      end(this.#out, entry)
    }
    return added
  }

  tier(id: string): number {
    const known = this.#catalog.tierNumbers.get(id)
    return known === undefined ? this.storage(tierList(id)) : known
  }
}

/** Says that segments before this one aren't needed any more. */
export function encodeTail(out: ByteWriter, segment: number, starts: number[]): void {
  const entry = begin(out, ENTRY.tail, starts)
  out.varint(segment)
  end(out, entry)
}

/** Where the entry's length is to be put. */
function begin(out: ByteWriter, type: number, starts: number[]): number {
  starts.push(out.at)
  out.u8(type)
  out.u32(0)
  return out.at - 4
}

function end(out: ByteWriter, length: number): void {
  out.u32At(length, out.at - length - 4)
}

/** A seq that belongs to another path would take its record away: a mistake of the caller, told before any effect. */
function checkSeq(catalog: Catalog, seq: number, path: ByteString): void {
  if (!catalog.isTaken(seq, path)) return
  const both = JSON.stringify([catalog.pathOf(seq), path])
  throw new SustenError(`seq ${seq} is given to two files: ${both}`, { code: 'ERR_SUSTEN_OPTION' })
}

function checkId(storage: string): string {
  if (Buffer.from(storage).toString() === storage) return storage
  throw new SustenError(`a storage's id isn't valid text: ${JSON.stringify(storage)}`, { code: 'ERR_SUSTEN_OPTION' })
}

/** Empty for `undefined`, which forgets the value. */
function jsonOf(key: string, value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch (cause) {
    const message = `the value of ${JSON.stringify(key)} can't be stored as JSON`
    throw new SustenError(message, { code: 'ERR_SUSTEN_OPTION', cause })
  }
}
