/** Exact figures per shift and storage. They are journaled with every change that moves them. */
import type { CopyRecord } from './record.js'

/** Files in each state and bytes copied, of one shift on one storage. Forgotten files stay counted as copied. */
export interface Counts {
  pending: number
  copied: number
  failed: number
  /** Bytes of all completed copies, repeated ones included. */
  bytes: number
}

/** By shift, then by storage id. */
export type Counters = Map<number, Map<string, Counts>>

export function countsOf(counters: Counters, shift: number, storage: string): Counts {
  let byStorage = counters.get(shift)
  if (byStorage === undefined) {
    byStorage = new Map()
    counters.set(shift, byStorage)
  }
  let counts = byStorage.get(storage)
  if (counts === undefined) {
    counts = { pending: 0, copied: 0, failed: 0, bytes: 0 }
    byStorage.set(storage, counts)
  }
  return counts
}

/** All shifts of a storage together. */
export function total(counters: Counters, storage: string): Counts {
  const sum: Counts = { pending: 0, copied: 0, failed: 0, bytes: 0 }
  for (const byStorage of counters.values()) {
    const counts = byStorage.get(storage)
    if (counts === undefined) continue
    sum.pending += counts.pending
    sum.copied += counts.copied
    sum.failed += counts.failed
    sum.bytes += counts.bytes
  }
  return sum
}

/** Adds a file's copies to the figures of a shift, or takes them away. */
export function recount(counters: Counters, copies: readonly CopyRecord[], shift: number, by: 1 | -1): void {
  for (const { storage, state } of copies) countsOf(counters, shift, storage)[state] += by
}

/** As {@link recount}, of copies that are done only. */
export function recountCopied(counters: Counters, copies: readonly CopyRecord[], shift: number, by: 1 | -1): void {
  for (const { storage, state } of copies) if (state === 'copied') countsOf(counters, shift, storage).copied += by
}

/** As the journal keeps them. */
export type StoredCounters = Record<string, Record<string, Counts>>

export function storeCounters(counters: Counters): StoredCounters {
  const stored: StoredCounters = {}
  for (const [shift, byStorage] of counters) {
    const entry: Record<string, Counts> = {}
    for (const [storage, counts] of byStorage) entry[storage] = { ...counts }
    stored[shift] = entry
  }
  return stored
}

export function loadCounters(stored: StoredCounters): Counters {
  const counters: Counters = new Map()
  for (const [shift, byStorage] of Object.entries(stored)) {
    counters.set(Number(shift), new Map(Object.entries(byStorage).map(([id, counts]) => [id, { ...counts }])))
  }
  return counters
}
