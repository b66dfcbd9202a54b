/** The records in memory, and every change to a record: journaled, and counted, in one place. */
import type { ByteString } from '../bytes.js'
import { recount, recountCopied } from './counters.js'
import { bucketOf, recountHoldings } from './holdings.js'
import { dismissLeaving, postpone } from './leaving.js'
import { type CopyRecord, type FileRecord, fileRecord, type JournalOp } from './record.js'
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
  const entry = hold(state, record)
  journal(state, entry, was)
  return entry
}

/** As {@link store}, of a file that is in memory. */
export function change(state: State, entry: Entry, record: FileRecord): void {
  const was = entry.record
  entry.record = record
  state.touched.add(entry)
  journal(state, entry, was)
}

function journal(state: State, entry: Entry, was: FileRecord | undefined): void {
  const { ops } = state.out
  const { record } = entry
  count(state, was, record)
  const earlier = entry.put === undefined ? undefined : ops[entry.put]
  if (entry.put !== undefined && earlier?.type === 'put') {
    // One of several changes at a time is what counts: all of them become durable together.
    ops[entry.put] = put(record, earlier.was)
  } else {
    entry.put = ops.length
    ops.push(put(record, was))
  }
  postpone(entry.leaving, state.issued + ops.length)
}

const put = (record: FileRecord, was: FileRecord | undefined): JournalOp =>
  was === undefined ? { type: 'put', record } : { type: 'put', record, was }

/** The entry of a record, made if it isn't in memory. It stays there while it has slots. */
export function hold(state: State, record: FileRecord): Entry {
  let entry = state.files.get(record.path)
  if (entry === undefined) {
    const slots = new Array(state.storages.length).fill(undefined)
    const leaving = new Array(state.tiers.length).fill(undefined)
    entry = { record, slots, leaving, used: 0, put: undefined, pass: undefined, accessed: undefined, putOff: undefined }
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
  const entry = state.files.get(record.path)
  pushForget(state, record, entry?.put)
  count(state, record, undefined)
  recountCopied(state.counters, record.copies, bucketOf(state.shifts, record.shift), 1)
  if (entry !== undefined) {
    for (const leaving of entry.leaving) if (leaving !== undefined) dismissLeaving(leaving)
    state.files.delete(record.path)
    state.touched.delete(entry)
  }
  state.forgotten.add(record.path)
}

/** What was to become of it in this `decide` needn't be journaled any more, as far as its copies are as they were. */
function pushForget(state: State, record: FileRecord, at: number | undefined): void {
  const { ops } = state.out
  const earlier = at === undefined ? undefined : ops[at]
  const isSame = earlier?.type === 'put' && earlier.was?.copies === record.copies && earlier.was.seq === record.seq
  if (at !== undefined && isSame && earlier.was !== undefined) ops[at] = { type: 'forget', record: earlier.was }
  else ops.push({ type: 'forget', record })
}

function count(state: State, was: FileRecord | undefined, is: FileRecord | undefined): void {
  state.out.changed = true
  // Most changes are of tiers only.
  const isSame = was !== undefined && is !== undefined && was.copies === is.copies && was.shift === is.shift
  if (was !== undefined) countIn(state, was, -1, isSame)
  if (is !== undefined) countIn(state, is, 1, isSame)
}

function countIn(state: State, record: FileRecord, by: 1 | -1, isSame: boolean): void {
  const shift = bucketOf(state.shifts, record.shift)
  if (!isSame) {
    recount(state.counters, record.copies, shift, by)
    for (const copy of record.copies) countPending(state, copy, by)
  }
  if (state.tiers.length === 0) return
  recountHoldings(state.holdings, record, shift, by, state.tiers)
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
    entry.put = undefined
    entry.pass = undefined
    entry.putOff = undefined
    if (entry.used === 0) state.files.delete(entry.record.path)
  }
  state.touched.clear()
  state.forgotten.clear()
}

/** A record with one of its copies exchanged. */
export function withCopy(record: FileRecord, copy: CopyRecord): FileRecord {
  const copies = record.copies.map((other) => (other.storage === copy.storage ? copy : other))
  return fileRecord(record, copies, record.tiers)
}

export function copyOn({ copies }: FileRecord, storage: string): CopyRecord | undefined {
  for (const copy of copies) if (copy.storage === storage) return copy
  return undefined
}
