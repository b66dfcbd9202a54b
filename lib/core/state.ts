/** All that the core knows. It belongs to `decide`; others read it through `status.ts`. */
import type { ByteString } from '../bytes.js'
import type { StoredDirectories } from './clearing.js'
import type { Command, Notice } from './commands.js'
import type { CoreConfig, CoreStorage } from './config.js'
import type { Counters, StoredCounters } from './counters.js'
import { loadCounters, storeCounters, total } from './counters.js'
import type { TierPass, VolumeReading } from './events.js'
import type { Heap } from './heap.js'
import { createHeap } from './heap.js'
import type { Holdings } from './holdings.js'
import type { Messages } from './messages.js'

import type { Rate } from './rate.js'
import { createRate } from './rate.js'
import type { CopyRecord, Failure, FileRecord, Fingerprint, JournalOp } from './record.js'
import type { Shift } from './shifts.js'
import { createTiers, type Leaving, loadShifts, type StoredShift, type TierState } from './tier-state.js'

/** A file that is in memory because some storage waits for it or copies it. */
export interface Entry {
  /** As journaled, or about to be. */
  record: FileRecord
  /** By the storage's index. */
  readonly slots: (Slot | undefined)[]
  /** By the tier's index: releases that wait or are under way. */
  readonly leaving: (Leaving | undefined)[]
  /** How many slots and releases are in use. */
  used: number
  /** Where in what this `decide` brings up its record is stored, if it is. */
  put: number | undefined
  /** When this `decide` met it while going through a tier: in which way, and when it was last read. */
  pass: TierPass | undefined
  accessed: number | undefined
  /** Tiers of which a release was put off in this `decide`: not considered again in it. */
  putOff: Set<TierState> | undefined
  /** By the tier's index: how often in a row a release was found to be in a writer's way, or failed. */
  tries?: number[]
  /** How often, as long as it has been in memory, the copy was missing on which a release relied. */
  misses?: number
}

/** A pending copy that is in memory. */
export interface Slot {
  readonly entry: Entry
  phase: 'ready' | 'flying' | 'waiting'
  /** Lower goes first. */
  order: number
  /** When `waiting`: until when. */
  due: number
  /** Announced anew while in flight: copied again afterwards. */
  again: boolean
  /** The version that a look has found while in flight: copied again afterwards, if it is another one. */
  seen: Fingerprint | undefined
  /** What came of it when it was copied last and had to be copied again, untold so far. */
  earlier: Earlier | undefined
  /** How often it was found changing since it was last quiet. */
  changes: number
  /** The storage's {@link StorageState.epoch} when it was sent off. */
  epoch: number
  /** When it was sent off. */
  sent: number
  /** The record's cut when it was sent off. */
  cut: number
  /** The storage that it was read from when it was sent off; undefined: the source. */
  from: string | undefined
  /** The copy that is read there, as it was when this one was sent off. */
  served: CopyRecord | undefined
  /** Where it is read from was given back since it was sent off: it says nothing of what is there now. */
  bereft: boolean
  /** The storage's {@link StorageState.successes} when this copy last met an I/O error there. */
  blamed: number
}

/** The part of a copy's result that a later one of the same file must not hide. */
export interface Earlier {
  readonly outcome: 'created' | 'replaced' | 'versioned'
  readonly bytes: number
  readonly version: ByteString | undefined
}

/** A waiting slot's place in the queue. Stale once the slot waits no more, or until another time. */
export interface Due {
  readonly slot: Slot
  readonly due: number
}

export interface StorageState {
  readonly index: number
  readonly config: CoreStorage
  /** Of the file system that belongs to this storage; unknown until it was first read. */
  identity: string | undefined
  /** `unknown` until first read; `probing`: it failed, and a few copies try whether it works again. */
  mode: 'unknown' | 'up' | 'probing' | 'down'
  /** Why it is not `up`, the same in words, and since when. */
  failure: Failure | undefined
  failureText: string | undefined
  since: number
  /** The last reading found the right file system. */
  reachable: boolean
  /** Copies failed, so a good reading isn't enough: copies must succeed again. */
  suspect: boolean
  /** Another file system is welcome at the next reading. */
  accepting: boolean
  /** Failures of the whole storage in a row. */
  strikes: number
  /** Not tried again before. */
  retryAt: number
  /** Counts changes of mind about the storage: what was sent off before the last one says nothing new. */
  epoch: number
  successes: number
  paused: boolean
  volume: VolumeReading | undefined
  /** Pending copies in all, in memory or not. */
  pending: number
  /** Pending copies in memory. */
  resident: number
  flying: number
  waiting: number
  /** Where the next `load` begins: what is pending below it is in memory, or was changed when it was listed. */
  cursor: number
  /** A `load` is on its way. */
  loading: boolean
  /** Too many wait for a storage that they are to be read from. */
  blocked: boolean
  /** The last `load` found less than it should: what is missing isn't committed yet. */
  starved: boolean
  readonly ready: Heap<Slot>
  readonly due: Heap<Due>
  readonly files: Rate
  readonly bytes: Rate
}

export interface State {
  readonly config: CoreConfig
  now: number
  /** The last seq given. */
  seq: number
  shift: number
  readonly storages: readonly StorageState[]
  readonly byId: ReadonlyMap<string, StorageState>
  /** What is in memory, by path. */
  readonly files: Map<ByteString, Entry>
  /** Entries that this `decide` touched: those without a slot leave memory at its end. */
  readonly touched: Set<Entry>
  /** Paths that this `decide` forgot: what events bring from the journal of them is outdated. */
  readonly forgotten: Set<ByteString>
  readonly counters: Counters
  readonly tiers: readonly TierState[]
  /** Oldest first; the last one is the running one. Empty where there are no tiers. */
  readonly shifts: Shift[]
  /** Stands for all that aren't remembered any more, if there are any. */
  earlier: Shift | undefined
  readonly holdings: Holdings
  /** Directories in which the running shift announced files, see clearing.ts. */
  readonly directories: Set<ByteString>
  /** Of all of them. */
  directoryCharacters: number
  /** Those of ended shifts whose files haven't left all tiers. */
  readonly endedDirectories: Map<number, readonly ByteString[]>
  readonly announced: Rate
  readonly messages: Messages
  sourceAvailable: boolean
  paused: boolean
  /** Journal operations that aren't durable yet. */
  unjournaled: number
  /** Journal operations ever brought up, and those of them that are durable. */
  issued: number
  durable: number
  /** When the last `wake` command asks to be called, Infinity if never. */
  wake: number
  /** What this `decide` has brought up so far. */
  out: Out
}

/** What one `decide` brings up. */
export interface Out {
  readonly ops: JournalOp[]
  readonly notices: Notice[]
  readonly commands: Command[]
  /** Values that must be stored. */
  changed: boolean
  identities: boolean
  directories: boolean
  readonly shifts: Set<number>
}

export const createOut = (): Out => ({
  ops: [],
  notices: [],
  commands: [],
  changed: false,
  identities: false,
  directories: false,
  shifts: new Set(),
})

/** Key of the journal value that holds {@link StoredCore}. */
export const coreKey = 'core'
/** Key of the journal value that holds each storage's identity by its id. */
export const identitiesKey = 'identities'

/** Key of the journal value that holds {@link StoredDirectories}. */
export const directoriesKey = 'directories'
/** What keys of journal values that hold a {@link StoredShift} begin with. */
export const shiftKeys = 'shift/'

/** What the journal keeps of the core besides the records. */
export interface StoredCore {
  readonly seq: number
  readonly shift: number
  readonly counters: StoredCounters
}

/** What a new core takes over from the journal. */
export interface Stored {
  readonly core?: StoredCore | undefined
  readonly identities?: Readonly<Record<string, string>> | undefined
  /** All values whose keys begin with {@link shiftKeys}, in any order. */
  readonly shifts?: readonly StoredShift[] | undefined
  readonly directories?: StoredDirectories | undefined
  /** How many records are pending, by storage id, as the journal counts them: what it lists is the truth. */
  readonly pending?: Readonly<Record<string, number>> | undefined
}

/** @param now Milliseconds since the epoch. */
export function createState(config: CoreConfig, now: number, stored: Stored = {}): State {
  const counters: Counters = stored.core === undefined ? new Map() : loadCounters(stored.core.counters)
  const shift = stored.core?.shift ?? 0
  const { shifts, earlier, holdings } = loadShifts(config, now, shift, stored.shifts ?? [], counters)
  const storages = config.storages.map((storage, index) =>
    createStorage(
      storage,
      index,
      now,
      stored.pending?.[storage.id] ?? total(counters, storage.id).pending,
      stored.identities?.[storage.id],
    ),
  )
  return {
    config,
    now,
    seq: stored.core?.seq ?? 0,
    shift,
    storages,
    byId: new Map(storages.map((storage) => [storage.config.id, storage])),
    files: new Map(),
    touched: new Set(),
    forgotten: new Set(),
    counters,
    tiers: createTiers(config, now, storages),
    shifts,
    earlier,
    holdings,
    directories: new Set(stored.directories?.running),
    directoryCharacters: (stored.directories?.running ?? []).reduce((sum, { length }) => sum + length, 0),
    endedDirectories: new Map(stored.directories?.ended),
    announced: createRate(now),
    messages: new Map(),
    sourceAvailable: true,
    paused: false,
    unjournaled: 0,
    issued: 0,
    durable: 0,
    wake: Number.POSITIVE_INFINITY,
    out: createOut(),
  }
}

function createStorage(
  config: CoreStorage,
  index: number,
  now: number,
  pending: number,
  identity: string | undefined,
): StorageState {
  return {
    index,
    config,
    identity,
    mode: 'unknown',
    failure: undefined,
    failureText: undefined,
    since: now,
    reachable: false,
    suspect: false,
    accepting: false,
    strikes: 0,
    retryAt: 0,
    epoch: 0,
    successes: 0,
    paused: false,
    volume: undefined,
    pending,
    resident: 0,
    flying: 0,
    waiting: 0,
    cursor: 0,
    loading: false,
    blocked: false,
    starved: false,
    ready: createHeap((slot) => slot.order),
    due: createHeap((due) => due.due),
    files: createRate(now),
    bytes: createRate(now),
  }
}

/** What the journal must keep for the next start. */
export function storeCore(state: State): StoredCore {
  // With shifts, each has a value of its own.
  const counters = state.shifts.length > 0 ? {} : storeCounters(state.counters)
  return { seq: state.seq, shift: state.shift, counters }
}

export function storeIdentities(state: State): Record<string, string> {
  const identities: Record<string, string> = {}
  for (const { config, identity } of state.storages) if (identity !== undefined) identities[config.id] = identity
  return identities
}
