/** The simulated beamline: places, a disk for the journal, a clock, users, and the process under test. */
import assert from 'node:assert/strict'
import type { CoreConfig } from '#lib/core/index.js'
import { createState, decide, defaultLimits, defaultRetry } from '#lib/core/index.js'
import { openJournal } from '#lib/journal/index.js'
import type { StoragePolicy } from '#lib/policy/index.js'
import { bytes, tinyLimits } from '../support/core-world.js'
import type { Random } from '../support/random.js'
import { type Book, createBook } from './book.js'
import { type SimDisk, simDisk } from './disk.js'
import { createPlace, type Place } from './places.js'
import { type PolicyName, policies } from './policies.js'
import type { Process } from './process.js'

/** What is drawn once for each history. */
export interface Setup {
  readonly policy: PolicyName
  /** `mirror`: no tiers; `pair`: the buffer and an internal storage; `chain`: an external one, too. */
  readonly shape: 'mirror' | 'pair' | 'chain'
  readonly createLinks: boolean
  readonly tierSources: boolean
  /** The buffer is lost with the power. */
  readonly isRam: boolean
  /** Copies have digests. */
  readonly verify: boolean
  /** Paths that users write to. */
  readonly paths: number
  /** Files of two directories go to one. */
  readonly cuts: boolean
  readonly tiny: boolean
  readonly segmentBytes: number
}

/** What is under test, and how its surroundings keep their promises. Planted bugs replace some of it. */
export interface Parts {
  readonly createState: typeof createState
  readonly decide: typeof decide
  readonly openJournal: typeof openJournal
  readonly policy: (policy: StoragePolicy) => StoragePolicy
  /** The disk as the journal sees it. */
  readonly disk: (files: SimDisk['files']) => SimDisk['files']
  /** A copy is durable before it is told. */
  readonly copySyncs: boolean
  /** A copy of a file that changed meanwhile is thrown away. */
  readonly copyCompares: boolean
  /** Nothing is copied to another file system than the one that was meant. */
  readonly copyIdentifies: boolean
  /** What is put away is compared before it is removed. */
  readonly releaseCompares: boolean
  /** What was put away when the process died gets its name again. */
  readonly restores: boolean
  /** Who announces is answered when all that it led to is durable. */
  readonly acknowledgesDurably: boolean
  /** What the journal knows of a path is asked when the core is called. */
  readonly asksJournal: boolean
}

export const soundParts: Parts = {
  createState,
  decide,
  openJournal,
  policy: (policy) => policy,
  disk: (files) => files,
  copySyncs: true,
  copyCompares: true,
  copyIdentifies: true,
  releaseCompares: true,
  restores: true,
  acknowledgesDurably: true,
  asksJournal: true,
}

/** A content that was announced, and said to be safe with us. */
export interface Owed {
  readonly content: number
  /** Storages on which it must be in the end. */
  readonly on: Set<string>
  readonly shift: number
  readonly name: string
}

export interface World {
  readonly setup: Setup
  readonly parts: Parts
  readonly config: CoreConfig
  /** Of the running step. */
  random: Random
  now: number
  readonly buffer: Place
  readonly storages: readonly Place[]
  readonly places: ReadonlyMap<string, Place>
  /** The buffer is mounted. */
  isSourceThere: boolean
  /** What was on it was lost with the power. */
  isBufferLost: boolean
  disk: SimDisk
  book: Book
  process: Process | undefined
  contents: number
  stamps: bigint
  inodes: bigint
  /** By content: the file that it was written to. Contents of one file are versions. */
  readonly lineage: Map<number, bigint>
  /** By path: counts what users did to it. */
  readonly touched: Map<string, number>
  /** By path: the bytes of it that aren't replicated. */
  readonly cuts: Map<string, number>
  readonly owed: Map<string, Owed>
  /** Copies that somebody took away: content and storage. */
  readonly spoiled: Set<string>
  /** Contents up to this one that the optional storage has are on a disk that is gone for good. */
  exchanged: number
  /** What has happened so far: a history in which nothing happens says little. */
  readonly seen: Set<string>
  readonly log: string[]
}

const tier = (id: string, next: string, createLinks: boolean) => ({
  id,
  next,
  mountPoint: bytes(`/${id}`),
  limit: 0.8,
  low: 0.5,
  createLinks,
})

export function createWorld(setup: Setup, parts: Parts, random: Random): World {
  const { shape, createLinks, tierSources } = setup
  const types = [
    ['disk', 'internal'],
    ...(shape === 'pair' ? [] : ([['gpfs', 'external']] as const)),
    ['usb', 'optional'],
  ] as const
  const config: CoreConfig = {
    source: bytes('/buffer'),
    storages: types.map(([id, type]) => ({ id, type, target: bytes(`/${id}`) })),
    policy: parts.policy(policies[shape === 'mirror' ? 'keepAll' : setup.policy]()),
    retry: { ...defaultRetry, attempts: 4 },
    limits: setup.tiny ? tinyLimits : defaultLimits,
    history: 3,
    tierSources,
    ...(shape === 'mirror' ? {} : { tiers: tiersOf(shape, createLinks) }),
  }
  const buffer = createPlace('buffer', { isRam: setup.isRam, grain: 1n, capacity: 60 })
  const storages = types.map(([id]) => {
    return createPlace(id, { isRam: false, grain: id === 'disk' ? 1n : 1000n, capacity: 10_000 })
  })
  return {
    setup,
    parts,
    config,
    random,
    now: 1_000_000,
    buffer,
    storages,
    places: new Map([buffer, ...storages].map((place) => [place.id, place])),
    isSourceThere: true,
    isBufferLost: false,
    disk: simDisk(),
    book: createBook(),
    process: undefined,
    contents: 0,
    stamps: 1_000_000_000n,
    inodes: 100n,
    lineage: new Map(),
    touched: new Map(),
    cuts: new Map(),
    owed: new Map(),
    spoiled: new Set(),
    exchanged: 0,
    seen: new Set(),
    log: [],
  }
}

function tiersOf(shape: 'pair' | 'chain', createLinks: boolean) {
  const first = tier('buffer', 'disk', createLinks)
  return shape === 'pair' ? [first] : [first, tier('disk', 'gpfs', createLinks)]
}

export function placeOf({ places }: World, id: string): Place {
  const place = places.get(id)
  assert(place)
  return place
}

/** A time that nothing else has. */
export function stamp(world: World): bigint {
  world.stamps += 1237n
  return world.stamps
}

export function nextInode(world: World): bigint {
  world.inodes += 1n
  return world.inodes
}

/** The name that a path has on a place. */
export const nameOn = (place: Place, path: string, cut: number): string =>
  place.id === 'buffer' ? path : path.slice(cut)

/** The process under test, which is running. */
export function running(world: World): Process {
  assert(world.process)
  return world.process
}

export function note(world: World, what: string): void {
  world.log.push(what)
}
