/**
 * One storage's pending copies. A window of them is in memory, in order of announcement; the rest waits in the
 * journal and is loaded when the window runs low: from the cursor on, below which all is in memory.
 */
import { backoff } from './backoff.js'
import { hold, store } from './catalog.js'
import { type FileRecord, renumbered } from './record.js'
import type { Entry, Slot, State, StorageState } from './state.js'

/** Pending copies that only the journal knows. */
export const tail = (storage: StorageState): number => storage.pending - storage.resident

/** Takes a copy that has just become pending into the window, if nothing waits before it and there is room. */
function enqueue(state: State, storage: StorageState, entry: Entry): void {
  if (entry.slots[storage.index] !== undefined) return
  if (tail(storage) > 1 || storage.ready.size >= state.config.limits.window) return
  storage.cursor = Math.max(storage.cursor, entry.record.seq)
  admit(storage, entry)
}

/**
 * Takes loaded records into the window.
 * @param last The seq up to which the journal was listed.
 * @param short It had fewer than were asked for. What is still missing wasn't durable when it was listed, or changed
 *   its place since: looked for again from the start, once more is durable.
 */
export function load(
  state: State,
  storage: StorageState,
  records: readonly FileRecord[],
  last: number,
  short: boolean,
): void {
  for (const record of records) {
    if (state.forgotten.has(record.path)) continue
    const entry = state.files.get(record.path) ?? hold(state, record)
    if (entry.slots[storage.index] !== undefined) continue
    const copy = entry.record.copies.find((one) => one.storage === storage.config.id)
    if (copy?.state === 'pending') admit(storage, entry)
  }
  storage.loading = false
  storage.starved = short
  storage.cursor = short && tail(storage) > 0 ? 0 : Math.max(storage.cursor, last)
}

/** As {@link enqueue}, but not to be tried for so many milliseconds. Where too many wait already, it is at once. */
export function enqueueLater(state: State, storage: StorageState, entry: Entry, delay: number): void {
  const isFull = storage.waiting >= state.config.limits.waiting
  if (delay === 0 || isFull || tail(storage) > 1 || entry.slots[storage.index] !== undefined) {
    enqueue(state, storage, entry)
    return
  }
  storage.cursor = Math.max(storage.cursor, entry.record.seq)
  wait(state, storage, addSlot(storage, entry), delay)
}

function admit(storage: StorageState, entry: Entry): void {
  storage.ready.push(addSlot(storage, entry))
}

function addSlot(storage: StorageState, entry: Entry): Slot {
  const slot: Slot = {
    entry,
    phase: 'ready',
    order: entry.record.seq,
    due: 0,
    again: false,
    seen: undefined,
    earlier: undefined,
    changes: 0,
    epoch: 0,
    sent: 0,
    cut: entry.record.cut,
    from: undefined,
    served: undefined,
    bereft: false,
    blamed: -1,
  }
  entry.slots[storage.index] = slot
  entry.used += 1
  storage.resident += 1
  return slot
}

/** The next copy to send off, if there is one. */
export function take(storage: StorageState, now: number): Slot | undefined {
  const slot = storage.ready.pop()
  if (slot === undefined) return undefined
  slot.phase = 'flying'
  slot.again = false
  slot.seen = undefined
  slot.epoch = storage.epoch
  slot.sent = now
  slot.bereft = false
  slot.cut = slot.entry.record.cut
  storage.flying += 1
  return slot
}

/** The slot of a copy whose result came in; undefined if no copy of it is in flight. */
export function land(state: State, storage: StorageState, entry: Entry | undefined): Slot | undefined {
  const slot = entry?.slots[storage.index]
  if (entry === undefined || slot?.phase !== 'flying') return undefined
  storage.flying -= 1
  state.touched.add(entry)
  return slot
}

/** Lets a landed copy leave the queue: it is pending no more, or waits in the journal. */
export function release(storage: StorageState, slot: Slot): void {
  slot.entry.slots[storage.index] = undefined
  slot.entry.used -= 1
  storage.resident -= 1
}

/** Puts a landed copy back, to be sent off again. `last`: behind all that is pending now. */
export function putBack(state: State, storage: StorageState, slot: Slot, last: boolean): void {
  slot.phase = 'ready'
  if (last) slot.order = state.seq + 0.5
  storage.ready.push(slot)
}

/** Puts a landed copy aside for so many milliseconds; where too many wait already, to the end of the queue. */
export function putAside(state: State, storage: StorageState, slot: Slot, delay: number): void {
  if (storage.waiting >= state.config.limits.waiting) {
    release(storage, slot)
    const was = slot.entry.record
    state.seq += 1
    store(state, was, renumbered(was, state.seq, was.copies))
    return
  }
  wait(state, storage, slot, delay)
}

function wait(state: State, storage: StorageState, slot: Slot, delay: number): void {
  slot.phase = 'waiting'
  slot.due = state.now + delay
  storage.waiting += 1
  storage.due.push({ slot, due: slot.due })
}

/** Makes a waiting copy ready now. */
export function hasten(storage: StorageState, slot: Slot): void {
  if (slot.phase !== 'waiting') return
  storage.waiting -= 1
  slot.phase = 'ready'
  storage.ready.push(slot)
}

/** Makes ready what has waited long enough. */
export function promote(state: State, storage: StorageState): void {
  for (let next = storage.due.peek(); next !== undefined; next = storage.due.peek()) {
    const stale = next.slot.phase !== 'waiting' || next.slot.due !== next.due
    if (!stale && next.due > state.now) return
    storage.due.pop()
    if (!stale) hasten(storage, next.slot)
  }
}

/** When {@link promote} has something to do next. */
export function nextDue(storage: StorageState): number {
  return storage.due.peek()?.due ?? Number.POSITIVE_INFINITY
}

/** Milliseconds to wait for quiet after a file was found changing for the nth time. */
export function quietDelay(state: State, slot: Slot): number {
  return backoff(slot.changes, 200, Math.min(5000, state.config.retry.max), slot.entry.record.seq)
}
