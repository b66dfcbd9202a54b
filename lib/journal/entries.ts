/** Operations as entries of the log: a type, the body's length, the body. */
import { Buffer } from 'node:buffer'
import type { ByteString } from '../bytes.js'
import type { JournalOp } from '../core/record.js'
import { SustenError } from '../errors.js'
import type { ByteWriter } from './byte-writer.js'
import type { Catalog } from './catalog.js'
import { ENTRY } from './format.js'
import { encodeRecord, namesOf } from './record-format.js'

/**
 * Appends the entries of these operations, and where each begins to `starts`. A storage that has no number yet gets
 * one, by an entry before the first that uses it. Throws `ERR_SUSTEN_OPTION` for what can't be stored.
 */
export function encodeOps(out: ByteWriter, ops: readonly JournalOp[], catalog: Catalog, starts: number[]): void {
  const added: string[] = []
  const numberOf = (storage: string): number => {
    const known = catalog.storages.indexOf(storage)
    return known === -1 ? catalog.storages.length + added.indexOf(storage) : known
  }
  for (const op of ops) {
    if (op.type === 'put') {
      for (const storage of namesOf(op.record)) {
        if (catalog.storages.includes(storage) || added.includes(storage)) continue
        added.push(checkId(storage))
        entry(out, ENTRY.storage, starts, () => {
          out.varint(numberOf(storage))
          out.utf8(storage)
        })
      }
      checkSeq(catalog, op.record.seq, op.record.path)
      entry(out, ENTRY.put, starts, () => encodeRecord(out, op.record, numberOf))
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
