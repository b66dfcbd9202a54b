/** The records in memory, and every change to a record: journaled, and counted, in one place. */
import type { ByteString } from '../bytes.js'
import { recount } from './counters.js'
import { bucketOf, recountHoldings } from './holdings.js'
import { dismissLeaving, postpone } from './leaving.js'
import type { CopyRecord, FileRecord } from './record.js'
import type { Entry, State } from './state.js'

/** What is known of a path: memory first, then what the event brought from the journal. */
export function recordOf(state: State, path: ByteString, fromJournal: FileRecord | undefined): FileRecord | undefined {
  const entry = state.files.get(path)
  if (entry !== undefined) return entry.record
  return state.forgotten.has(path) ? undefined : fromJournal
}

/**
 * Stores a new version of a record: in memory until this `decide` ends, and as a journal operation.
 * @returns its entry
 */
export function store(state: State, was: FileRecord | undefined, record: FileRecord): Entry {
  state.out.ops.push(was === undefined ? { type: 'put', record } : { type: 'put', record, was })
  count(state, was, record)
  const entry = hold(state, record)
  postpone(entry.leaving, state.issued + state.out.ops.length)
  return entry
}

/** The entry of a record, made if it isn't in memory. It stays there while it has slots. */
export function hold(state: State, record: FileRecord): Entry {
  let entry = state.files.get(record.path)
  if (entry === undefined) {
    const slots = new Array(state.storages.length).fill(undefined)
    entry = { record, slots, leaving: new Array(state.tiers.length).fill(undefined), used: 0 }
    state.files.set(record.path, entry)
  } else {
    entry.record = record
  }
  state.touched.add(entry)
  return entry
}

/**
 * Drops a record from the journal. Copies that are done stay counted.
 * A file in memory is waited for and can't be forgotten: callers check that nothing is pending.
 */
export function forget(state: State, record: FileRecord): void {
  state.out.ops.push({ type: 'forget', record })
  const copied = record.copies.filter((copy) => copy.state === 'copied')
  count(state, record, undefined)
  recount(state.counters, { ...record, copies: copied }, bucketOf(state.shifts, record.shift), 1)
  const entry = state.files.get(record.path)
  if (entry !== undefined) {
    for (const leaving of entry.leaving) if (leaving !== undefined) dismissLeaving(leaving)
    state.files.delete(record.path)
    state.touched.delete(entry)
  }
  state.forgotten.add(record.path)
}

function count(state: State, was: FileRecord | undefined, is: FileRecord | undefined): void {
  if (was !== undefined) countIn(state, was, -1)
  if (is !== undefined) countIn(state, is, 1)
  state.out.changed = true
  if (was !== undefined) for (const copy of was.copies) countPending(state, copy, -1)
  if (is !== undefined) for (const copy of is.copies) countPending(state, copy, 1)
}

function countIn(state: State, record: FileRecord, by: 1 | -1): void {
  const shift = bucketOf(state.shifts, record.shift)
  recount(state.counters, record, shift, by)
  if (state.tiers.length === 0) return
  const next = (id: string) => state.tiers.find(({ config }) => config.id === id)?.config.next
  recountHoldings(state.holdings, record, shift, by, next)
  state.out.shifts.add(shift)
}

function countPending(state: State, copy: CopyRecord, by: number): void {
  if (copy.state !== 'pending') return
  const storage = state.byId.get(copy.storage)
  if (storage !== undefined) storage.pending += by
}

/** Lets go of what nobody waits for any more. */
export function evict(state: State): void {
  for (const entry of state.touched) {
    entry.pass = undefined
    entry.putOff = undefined
    if (entry.used === 0) state.files.delete(entry.record.path)
  }
  state.touched.clear()
  state.forgotten.clear()
}

/** A record with one of its copies exchanged. */
export function withCopy(record: FileRecord, copy: CopyRecord): FileRecord {
  return { ...record, copies: record.copies.map((other) => (other.storage === copy.storage ? copy : other)) }
}

export function copyOn(record: FileRecord, storage: string): CopyRecord | undefined {
  return record.copies.find((copy) => copy.storage === storage)
}
