/** Operations as entries of the log: a type, the body's length, the body. */
import { Buffer } from 'node:buffer'
import type { ByteString } from '../bytes.js'
import type { JournalOp } from '../core/record.js'
import { SustenError } from '../errors.js'
import type { ByteWriter } from './byte-writer.js'
import type { Catalog } from './catalog.js'
import { ENTRY } from './format.js'
import { encodeRecord, tierList } from './record-format.js'

/**
 * Appends the entries of these operations, and where each begins to `starts`. A storage that has no number yet gets
 * one, by an entry before the first that uses it. Throws `ERR_SUSTEN_OPTION` for what can't be stored.
 */
export function encodeOps(out: ByteWriter, ops: readonly JournalOp[], catalog: Catalog, starts: number[]): void {
  const numbers = new Map(catalog.storages.map((name, number) => [name, number]))
  const ofTiers = new Map<string, number>()
  let next = catalog.storages.length
  /** The number of a storage, which is given one here at the latest. */
  const number = (storage: string): number => {
    const known = numbers.get(storage)
    if (known !== undefined) return known
    const added = next
    next += 1
    numbers.set(checkId(storage), added)
    entry(out, ENTRY.storage, starts, () => {
      out.varint(added)
      out.utf8(storage)
    })
    return added
  }
  const numberOfTier = (tier: string): number => {
    let known = ofTiers.get(tier)
    if (known === undefined) {
      known = number(tierList(tier))
      ofTiers.set(tier, known)
    }
    return known
  }
  for (const op of ops) {
    if (op.type === 'put') {
      const { record } = op
      // Before the record's own entry.
      for (const { storage } of record.copies) number(storage)
      for (const { tier, to } of record.tiers ?? []) {
        numberOfTier(tier)
        if (to !== undefined) number(to)
      }
      checkSeq(catalog, record.seq, record.path)
      entry(out, ENTRY.put, starts, () => encodeRecord(out, record, { storage: number, tier: numberOfTier }))
    } else if (op.type === 'forget') {
      checkSeq(catalog, op.record.seq, op.record.path)
      entry(out, ENTRY.forget, starts, () => out.varint(op.record.seq))
    } else {
      const json = jsonOf(op.key, op.value)
      entry(out, ENTRY.set, starts, () => {
        out.utf8(op.key)
        out.utf8(json)
      })
    }
  }
}

/** Says that segments before this one aren't needed any more. */
export function encodeTail(out: ByteWriter, segment: number, starts: number[]): void {
  entry(out, ENTRY.tail, starts, () => out.varint(segment))
}

function entry(out: ByteWriter, type: number, starts: number[], body: () => void): void {
  starts.push(out.at)
  out.u8(type)
  const length = out.at
  out.u32(0)
  body()
  out.u32At(length, out.at - length - 4)
}

/** A seq that belongs to another path would take its record away: a mistake of the caller, told before any effect. */
function checkSeq(catalog: Catalog, seq: number, path: ByteString): void {
  const owner = catalog.pathOf(seq)
  if (owner === undefined || owner === path) return
  const both = JSON.stringify([owner, path])
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
