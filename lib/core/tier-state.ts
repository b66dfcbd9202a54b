/** What the core knows of tiers, and what the journal keeps of shifts. */
import type { ByteString } from '../bytes.js'
import type { CoreConfig, CoreTier } from './config.js'
import type { Counters, Counts } from './counters.js'
import type { TierPass, VolumeReading } from './events.js'
import { createHeap, type Heap } from './heap.js'
import { earlier, type Holding, type Holdings } from './holdings.js'
import { createRate, type Rate } from './rate.js'
import type { Shift } from './shifts.js'
import type { Entry, State, StorageState } from './state.js'
import { createPass, type Pass } from './tier-passes.js'

/** A file that a tier is to give back. */
export interface Leaving {
  readonly entry: Entry
  readonly tier: TierState
  phase: 'candidate' | 'ready' | 'flying' | 'waiting'
  by: 'link' | 'delete' | 'clear'
  /** Where it is served from afterwards. */
  to: string
  /** Lower goes first. */
  order: number
  /** It was said to be held until it was chosen, and no release of it has been carried out since. */
  wasHeld: boolean
  /** So many journal operations must be durable before. */
  mark: number
  /** Bytes that it is expected to free. */
  readonly bytes: number
  /** When `waiting`: until when. */
  due: number
}

/** How often in a row a storage failed to serve a tier's files, until when it isn't asked to, and whether it is so far. */
export interface Unfit {
  readonly strikes: number
  readonly until: number
  isOut: boolean
}

/** A tier that gives space back. */
export interface TierState {
  readonly index: number
  readonly config: CoreTier
  /** The storage that it is, if it isn't the buffer. */
  readonly storage: StorageState | undefined
  /** Storages further down, next first. */
  readonly below: readonly StorageState[]
  readonly passes: Readonly<Record<TierPass, Pass>>
  readonly ready: Heap<Leaving>
  readonly due: Heap<{ readonly leaving: Leaving; readonly due: number }>
  /** Releases in memory, and those of them that are under way or wait for another try. */
  resident: number
  flying: number
  waiting: number
  /** Some that should wait didn't fit: looked for again. */
  dropped: boolean
  /** When files that are read by a copy, and could be read elsewhere, are released nonetheless. */
  impatient: number
  /** Failures of the whole tier in a row; nothing is tried before `retryAt`. */
  strikes: number
  retryAt: number
  /** Storages that failed to serve its files. */
  readonly unfit: Map<string, Unfit>
  volume: VolumeReading | undefined
  /** When it was read last, and bytes a second that came in between the last two readings. */
  read: number
  growth: number
  /** Space is being made: since when, if it is. */
  releasing: number | undefined
  /** Told, and not over: full up to the limit, full, likely to overflow. */
  limited: boolean
  overflowed: boolean
  alarmed: boolean
  /** Bytes that releases in memory will free, and those freed since the volume was read; files likewise. */
  freeing: number
  freed: number
  freedFiles: number
  /** Candidates of a policy with an order of its own, while the tier is gone through. */
  selection: Leaving[]
  /** There were more of them than are kept. */
  selectedFew: boolean
  readonly inflow: Rate
  readonly outflow: Rate
  /** The fastest outflow seen lately, bytes a second; 0: unknown. */
  speed: number
}

/** A shift with its figures. */
export interface StoredShift {
  readonly number: number
  /** Its number is -1 for the one that stands for all that aren't remembered any more. */
  readonly shift: Shift
  readonly counters: Readonly<Record<string, Counts>>
  readonly holdings: Readonly<Record<string, Holding>>
}

export function createTiers(config: CoreConfig, now: number, storages: readonly StorageState[]): TierState[] {
  const tiers = config.tiers ?? []
  return tiers.map((tier, index) => createTier(tier, index, now, storages, below(tiers.slice(index), storages)))
}

const below = (tiers: readonly CoreTier[], storages: readonly StorageState[]): StorageState[] =>
  tiers.flatMap(({ next }) => storages.filter(({ config }) => config.id === next))

function createTier(
  config: CoreTier,
  index: number,
  now: number,
  storages: readonly StorageState[],
  further: readonly StorageState[],
): TierState {
  return {
    index,
    config,
    storage: storages.find((storage) => storage.config.id === config.id),
    below: further,
    // Whatever was to be done when the last process ended is found by going through everything once.
    passes: { all: createPass('all', true), full: createPass('full', false), links: createPass('links', true) },
    ready: createHeap((leaving) => leaving.order),
    due: createHeap(({ due }) => due),
    resident: 0,
    flying: 0,
    waiting: 0,
    dropped: false,
    impatient: Number.POSITIVE_INFINITY,
    strikes: 0,
    retryAt: 0,
    unfit: new Map(),
    volume: undefined,
    read: now,
    growth: 0,
    releasing: undefined,
    limited: false,
    overflowed: false,
    alarmed: false,
    freeing: 0,
    freed: 0,
    freedFiles: 0,
    selection: [],
    selectedFew: false,
    inflow: createRate(now),
    outflow: createRate(now),
    speed: 0,
  }
}

/** Where a tier is mounted, for messages; until it was read, the directory itself. */
export function mountPointOf(state: State, { config, storage, volume }: TierState): ByteString {
  return config.mountPoint ?? volume?.mountPoint ?? storage?.config.target ?? state.config.source
}

/** The shifts that the journal knows, and their figures, which are added to `counters`. The first one begins now. */
export function loadShifts(
  config: CoreConfig,
  now: number,
  running: number,
  stored: readonly StoredShift[],
  counters: Counters,
): { shifts: Shift[]; earlier: Shift | undefined; holdings: Holdings } {
  const holdings: Holdings = new Map()
  const shifts: Shift[] = []
  let before: Shift | undefined
  if (config.tiers === undefined || config.tiers.length === 0) return { shifts, earlier: before, holdings }
  for (const { number, shift, counters: counts, holdings: held } of stored) {
    counters.set(number, mapOf(counts))
    holdings.set(number, mapOf(held))
    if (number === earlier) before = { ...shift }
    else shifts.push({ ...shift })
  }
  shifts.sort((a, b) => a.number - b.number)
  if (shifts.length === 0) shifts.push({ number: running, uid: 0, gid: 0, started: now, clears: [], clearing: [] })
  return { shifts, earlier: before, holdings }
}

const mapOf = <F extends object>(figures: Readonly<Record<string, F>>): Map<string, F> =>
  new Map(Object.entries(figures).map(([id, figure]) => [id, { ...figure }]))

/** A shift as the journal keeps it; undefined: it isn't remembered any more. */
export function storeShift(state: State, number: number): StoredShift | undefined {
  const shift = number === earlier ? state.earlier : state.shifts.find((one) => one.number === number)
  if (shift === undefined) return undefined
  return {
    number,
    shift: { ...shift },
    counters: recordOf(state.counters.get(number)),
    holdings: recordOf<Holding>(state.holdings.get(number)),
  }
}

function recordOf<F extends object>(figures: ReadonlyMap<string, F> | undefined): Record<string, F> {
  const stored: Record<string, F> = {}
  for (const [id, figure] of figures ?? []) stored[id] = { ...figure }
  return stored
}
