/**
 * A model world with tiers around the real core: a buffer and storages whose files are there, linked or gone, user
 * changes, fill states, releases with every outcome, crashes. Everything hangs on one seed.
 */
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import type { ByteString } from '#lib/bytes.js'
import {
  type Command,
  type CoreConfig,
  type CoreEvent,
  coreKey,
  createState,
  decide,
  defaultRetry,
  directoriesKey,
  type FileRecord,
  type Notice,
  type ReleaseOrder,
  type State,
  type Stored,
  type StoredShift,
  shiftKeys,
} from '#lib/core/index.js'
import type { StoragePolicy } from '#lib/policy/index.js'
import { bytes, fingerprintOf, ModelJournal, tinyLimits } from './core-world.js'
import type { Random } from './random.js'

type Of<T extends Command['type']> = Extract<Command, { type: T }>
/** A file, by its version, or a link to where its copy lies. */
type Thing = { readonly version: number } | { readonly link: string }

interface CopyFlight {
  readonly storage: string
  readonly path: ByteString
  readonly from: string | undefined
  readonly version: number | undefined
  result?: CoreEvent | undefined
}

interface ReleaseFlight {
  readonly command: Of<'release'>
  readonly order: ReleaseOrder
  result?: CoreEvent | undefined
}

export interface TierWorldOptions {
  readonly random: Random
  readonly policy: StoragePolicy
  readonly external: boolean
  readonly createLinks: boolean
  readonly tierSources: boolean
}

const buffer = 'buffer'

export class TierWorld {
  now = 1_000_000
  state: State
  readonly journal = new ModelJournal()
  readonly places = new Map<string, Map<ByteString, Thing>>()
  /** Storages that can't be reached, and releases that don't succeed. */
  readonly out = new Set<string>()
  troubled = false
  copies: CopyFlight[] = []
  releases: ReleaseFlight[] = []
  loads: (Of<'load'> | Of<'loadTier'>)[] = []
  wake = Number.POSITIVE_INFINITY
  readonly told: Notice[] = []
  /** Announced and acknowledged: the version that must not get lost. */
  readonly promised = new Map<ByteString, number>()
  private promises: { path: ByteString; version: number | undefined; shift: number; after: number }[] = []
  /** What became of releases. */
  readonly outcomes = new Set<string>()
  /** In which shift files were announced last. */
  readonly current = new Map<ByteString, number>()
  private applied = 0
  private durable = 0
  private versions = 0
  readonly config: CoreConfig
  readonly ids: readonly string[]
  private readonly random: Random

  constructor({ random, policy, external, createLinks, tierSources }: TierWorldOptions) {
    this.random = random
    this.ids = external ? ['disk', 'gpfs', 'usb'] : ['disk', 'usb']
    for (const id of [buffer, ...this.ids]) this.places.set(id, new Map())
    const tier = (id: string, next: string) => ({
      id,
      next,
      mountPoint: bytes(`/${id}`),
      limit: 0.8,
      low: 0.5,
      createLinks,
    })
    this.config = {
      source: bytes('/buffer'),
      storages: [
        { id: 'disk', type: 'internal', target: bytes('/disk') },
        ...(external ? [{ id: 'gpfs', type: 'external', target: bytes('/gpfs') } as const] : []),
        { id: 'usb', type: 'optional', target: bytes('/usb') },
      ],
      policy,
      retry: { ...defaultRetry, attempts: 4 },
      limits: tinyLimits,
      tiers: external ? [tier(buffer, 'disk'), tier('disk', 'gpfs')] : [tier(buffer, 'disk')],
      tierSources,
      history: 3,
    }
    this.state = this.open()
  }

  private open(): State {
    const { values } = this.journal
    const keys = [...values.keys()].filter((key) => key.startsWith(shiftKeys))
    const stored: Stored = {
      core: values.get(coreKey) as Stored['core'],
      directories: values.get(directoriesKey) as Stored['directories'],
      shifts: keys.map((key) => values.get(key) as StoredShift),
    }
    return createState(this.config, this.now, stored)
  }

  place(id: string): Map<ByteString, Thing> {
    const place = this.places.get(id)
    assert(place)
    return place
  }

  /** The process dies; what was under way may have happened or not. */
  crash(): void {
    for (const flight of this.copies) if (flight.result === undefined && this.random.chance(0.5)) this.endCopy(flight)
    for (const flight of this.releases) if (flight.result === undefined && this.random.chance(0.5)) this.end(flight)
    this.copies = []
    this.releases = []
    this.loads = []
    this.journal.crash()
    this.promises = []
    this.applied = 0
    this.durable = 0
    this.wake = Number.POSITIVE_INFINITY
    this.state = this.open()
    this.readVolumes()
  }

  feed(...events: CoreEvent[]): void {
    for (const command of decide(this.state, events)) this.execute(command)
    this.check()
  }

  private execute(command: Command): void {
    if (command.type === 'journal') {
      this.journal.apply(command.ops, command.notices)
      this.applied += 1
    } else if (command.type === 'copy') {
      for (const { path, from } of command.files) {
        const thing = this.place(from ?? buffer).get(path)
        const version = thing !== undefined && 'version' in thing ? thing.version : undefined
        this.copies.push({ storage: command.storage, path, from, version })
      }
    } else if (command.type === 'release') {
      this.checkDirectories(command)
      this.checkServed(command)
      for (const order of command.files) this.releases.push({ command, order })
    } else if (command.type === 'load' || command.type === 'loadTier') {
      this.loads.push(command)
    } else if (command.type === 'wake') {
      this.wake = command.at
    } else {
      this.told.push(command.notice)
    }
  }

  /** No directory goes that a newer shift uses, and the deepest go first. */
  private checkDirectories({ directories, files }: Of<'release'>): void {
    for (const directory of directories) {
      const isUsed = [...this.current].some(
        ([path, shift]) => shift === this.state.shift && path.startsWith(`${directory}/`),
      )
      assert(!isUsed, `${directory} is used by the running shift`)
      assert(files.length === 0 || files.some(({ path }) => path.startsWith(`${directory}/`)))
    }
    const depths = directories.map((directory) => directory.split('/').length)
    assert.deepEqual(
      depths,
      [...depths].sort((a, b) => b - a),
    )
  }

  write(path: ByteString): void {
    this.versions += 1
    this.place(buffer).set(path, { version: this.versions })
  }

  announce(path: ByteString): void {
    const thing = this.place(buffer).get(path)
    this.feed({ type: 'announced', at: this.now, path, record: this.journal.live.get(path) })
    const version = thing !== undefined && 'version' in thing ? thing.version : undefined
    this.promises.push({ path, version, shift: this.state.shift, after: this.applied })
    this.keepPromises()
  }

  /** The user deletes a file on the buffer: what isn't copied is nobody's promise any more. */
  remove(path: ByteString): void {
    this.place(buffer).delete(path)
    this.promised.delete(path)
    this.promises = this.promises.filter((promise) => promise.path !== path)
  }

  private keepPromises(): void {
    const kept = this.promises.filter((promise) => promise.after <= this.durable)
    this.promises = this.promises.filter((promise) => promise.after > this.durable)
    for (const { path, version, shift } of kept) {
      if (version !== undefined) this.promised.set(path, Math.max(version, this.promised.get(path) ?? 0))
      this.current.set(path, shift)
    }
  }

  changeUser(): void {
    this.feed({ type: 'userChange', at: this.now, uid: this.random.below(3), gid: 7 })
  }

  commit(count: number): void {
    const done = this.journal.commit(count)
    this.durable += done.length
    this.keepPromises()
    for (const { notices } of done) this.told.push(...notices)
    if (done.length > 0)
      this.feed({ type: 'journaled', at: this.now, ops: done.reduce((sum, { ops }) => sum + ops, 0) })
  }

  load(): void {
    const command = this.loads.shift()
    if (command === undefined) return
    const isTier = command.type === 'loadTier'
    const [list, state] = isTier ? [`tier:${command.tier}`, command.state] : [command.storage, 'pending']
    const listed = this.journal.list(list, state, command.after, command.limit)
    const records = listed.flatMap((record) => this.journal.live.get(record.path) ?? [])
    const about = {
      at: this.now,
      records,
      last: listed.at(-1)?.seq ?? command.after,
      short: listed.length < command.limit,
    }
    if (isTier) {
      const accessed = command.accessed ? records.map(({ seq }) => (seq * 7919) % 1000) : undefined
      this.feed({ type: 'tierLoaded', tier: command.tier, pass: command.pass, accessed, ...about })
    } else {
      this.feed({ type: 'loaded', storage: command.storage, ...about })
    }
  }

  /** Ends something that is under way, or tells what came of what has ended. */
  land(): void {
    if (this.copies.length > 0 && this.random.chance(0.6)) {
      const index = this.random.below(this.copies.length)
      const flight = this.copies[index]
      assert(flight)
      flight.result ??= this.endCopy(flight)
      if (this.random.chance(0.6)) {
        this.copies.splice(index, 1)
        this.feed({ ...flight.result, at: this.now })
      }
    } else if (this.releases.length > 0) {
      const index = this.random.below(this.releases.length)
      const flight = this.releases[index]
      assert(flight)
      flight.result ??= this.end(flight)
      if (this.random.chance(0.6)) {
        this.releases.splice(index, 1)
        this.feed({ ...flight.result, at: this.now })
      }
    }
  }

  private endCopy({ storage, path, from, version }: CopyFlight): CoreEvent {
    const about = { at: this.now, storage, path }
    const unreachable = { code: 'ERR_SUSTEN_STORAGE', errno: 0, syscall: 'open', path }
    const returned = { type: 'returned', at: this.now, storage, paths: [path], failure: unreachable } as const
    if (this.out.has(storage)) return { ...returned, side: 'storage' }
    if (from !== undefined && this.out.has(from)) return { ...returned, side: 'source' }
    const failed = (code: string, side: 'source' | 'storage'): CoreEvent => {
      return { type: 'failed', ...about, side, failure: { code, errno: 1, syscall: 'test', path } }
    }
    if (this.troubled && this.random.chance(0.2)) return failed('EACCES', 'storage')
    const thing = this.place(from ?? buffer).get(path)
    if (thing === undefined) return failed('ENOENT', 'source')
    if ('link' in thing) return failed('ERR_SUSTEN_NOT_REGULAR', 'source')
    if (thing.version !== version) return failed('ERR_SUSTEN_CHANGED', 'source')
    this.place(storage).set(path, thing)
    const fingerprint = { ...fingerprintOf(thing.version), ...(from === undefined ? {} : { ino: 99n }) }
    return { type: 'copied', ...about, outcome: 'created', bytes: 10, fingerprint, digest: `d${thing.version}` }
  }

  private end(flight: ReleaseFlight): CoreEvent {
    const event = this.outcome(flight)
    this.outcomes.add(`${event.type === 'released' ? event.outcome : event.type} ${flight.order.by}`)
    return event
  }

  private outcome(flight: ReleaseFlight): CoreEvent {
    const { command, order } = flight
    const { path } = order
    const { tier, to } = command
    const about = { type: 'released', at: this.now, tier, path, bytes: 0 } as const
    if (this.out.has(tier) || this.out.has(to)) {
      const failure = { code: 'ERR_SUSTEN_STORAGE', errno: 0, syscall: 'open', path }
      return { type: 'kept', at: this.now, tier, paths: [path], failure }
    }
    const place = this.place(tier)
    const thing = place.get(path)
    if (thing === undefined) return { ...about, outcome: 'absent' }
    if ('link' in thing) {
      if (order.by === 'link') return { ...about, outcome: thing.link === to ? 'already' : 'changed' }
      if (order.by === 'delete' || thing.link !== to) return { ...about, outcome: 'changed' }
      place.delete(path)
      this.checkLinks()
      return { ...about, outcome: 'released' }
    }
    if (this.troubled && this.random.chance(0.2)) {
      const failure = { code: 'EPERM', errno: 1, syscall: 'unlink', path }
      return { ...about, outcome: 'failed', failure }
    }
    if (this.troubled && this.random.chance(0.2)) return { ...about, outcome: 'busy' }
    const copy = this.place(to).get(path)
    if (copy === undefined || 'link' in copy || copy.version !== order.copy.size)
      return { ...about, outcome: 'missing' }
    if (thing.version !== order.known.size) return { ...about, outcome: 'changed' }
    this.checkSafe(command, order, thing.version)
    if (order.by === 'link') place.set(path, { link: to })
    else place.delete(path)
    this.checkLinks()
    return { ...about, outcome: 'released', bytes: 10 }
  }

  /** What is about to go lies further down, and the journal says so durably. */
  private checkSafe({ tier, to }: Of<'release'>, { path }: ReleaseOrder, version: number): void {
    const copy = this.place(to).get(path)
    assert(copy !== undefined && 'version' in copy && copy.version === version, `${path} on ${to} is what ${tier} has`)
    const known = this.journal.durably(path)?.copies.find(({ storage }) => storage === to)
    assert(known?.source !== undefined && known.source.size === version, `${path} on ${to} is journaled`)
  }

  /** Who could get a file from nowhere else has it. */
  private checkServed({ tier, files }: Of<'release'>): void {
    if (tier !== buffer || this.config.tierSources === true) return
    for (const { path } of files) {
      const thing = this.place(buffer).get(path)
      if (thing === undefined || 'link' in thing) continue
      for (const { storage, state } of this.journal.live.get(path)?.copies ?? []) {
        assert.equal(state, 'copied', `${path} on ${storage} could come from the buffer only`)
      }
    }
  }

  /** No link leads to nothing. */
  private checkLinks(): void {
    for (const [id, place] of this.places) {
      for (const [path, thing] of place) {
        if (!('link' in thing)) continue
        let to: Thing | undefined = thing
        while (to !== undefined && 'link' in to) to = this.place(to.link).get(path)
        assert(to !== undefined, `the link ${path} on ${id} leads to nothing`)
      }
    }
  }

  /** Things get lost on a storage, by somebody else's hand. */
  spoil(path: ByteString): void {
    const place = this.place(this.random.pick(this.ids))
    const thing = place.get(path)
    const leads = [...this.places.values()].some((other) => 'link' in (other.get(path) ?? {}))
    const elsewhere = this.place(buffer).get(path)
    // Only where the buffer still has the same: what is lost then can be made good.
    if (thing === undefined || leads || elsewhere === undefined || 'link' in elsewhere) return
    if (!('version' in thing) || thing.version !== elsewhere.version) return
    if (this.releases.some(({ order, result }) => order.path === path && result !== undefined)) return
    place.delete(path)
  }

  readVolumes(fill = this.random.next()): void {
    for (const id of [buffer, ...this.ids]) {
      if (this.out.has(id)) {
        const failure = { code: 'ENOENT', errno: 2, syscall: 'open', path: bytes(`/${id}`) }
        this.feed({ type: 'unavailable', at: this.now, storage: id, failure })
        continue
      }
      const volume = {
        total: 1000,
        available: 1000 * (1 - fill),
        fill,
        inodes: 100,
        inodesAvailable: 50,
        inodeFill: 0.5,
        readOnly: false,
        fsType: 'ext4',
        mountPoint: bytes(`/${id}`),
        identity: `own-${id}`,
      }
      this.feed({ type: 'volume', at: this.now, storage: id, volume })
    }
  }

  pass(milliseconds: number): void {
    this.now += milliseconds
    if (this.now >= this.wake) this.feed({ type: 'tick', at: this.now })
  }

  /** Everything works, the last shift ends, and it goes on until nothing is left to do. */
  drain(): void {
    this.out.clear()
    this.troubled = false
    this.changeUser()
    let idle = 0
    for (let i = 0; i < 20_000; i++) {
      if (i % 7 === 0) this.readVolumes(0.3)
      this.commit(3)
      this.load()
      this.land()
      const busy = this.copies.length + this.releases.length + this.loads.length + this.journal.uncommitted
      if (busy > 0) {
        idle = 0
        continue
      }
      this.pass(5000)
      if (idle > 50) return
      idle += 1
    }
    const { copies, releases, loads, journal } = this
    const what = {
      copies,
      releases,
      loads,
      uncommitted: journal.uncommitted,
      tiers: this.state.tiers.map((t) => t.passes),
    }
    assert.fail(`never drained: ${inspect(what, { depth: 4 })}`)
  }

  /** What must hold at any moment. */
  check(): void {
    const { state } = this
    const held = new Map<string, number>()
    const add = (key: string, by: number) => held.set(key, (held.get(key) ?? 0) + by)
    const bucket = (shift: number) => (shift < (state.shifts[0]?.number ?? 0) ? -1 : shift)
    for (const record of this.journal.live.values()) count(record, bucket(record.shift), add)
    for (const [shift, byTier] of state.holdings) {
      for (const [id, { held: files, links }] of byTier) {
        add(`${shift} ${id} held`, -files)
        add(`${shift} ${id} links`, -links)
      }
    }
    for (const [shift, byStorage] of state.counters) {
      for (const [id, { pending, failed }] of byStorage) {
        add(`${shift} ${id} pending`, -pending)
        add(`${shift} ${id} failed`, -failed)
      }
    }
    const wrong = [...held].filter(([, value]) => value !== 0)
    assert.deepEqual(wrong, [], 'figures are the truth')
    for (const tier of state.tiers) {
      const slots = [...state.files.values()].flatMap((entry) => entry.leaving[tier.index] ?? [])
      assert.equal(tier.resident, slots.length)
      assert.equal(tier.flying, slots.filter(({ phase }) => phase === 'flying').length)
      assert.equal(tier.waiting, slots.filter(({ phase }) => phase === 'waiting').length)
      const bytesLeaving = slots
        .filter(({ phase }) => phase !== 'candidate')
        .reduce((sum, leaving) => sum + leaving.bytes, 0)
      assert.equal(tier.freeing, bytesLeaving)
      assert(tier.resident <= this.config.limits.releasing, 'a bounded number of releases')
      assert.equal(tier.flying, this.releases.filter(({ command }) => command.tier === tier.config.id).length)
    }
    for (const entry of state.files.values()) {
      assert.deepEqual(entry.record, this.journal.live.get(entry.record.path), 'memory is what was journaled')
      assert(entry.used > 0, `${entry.record.path} is in memory for a reason`)
    }
  }
}

function count(record: FileRecord, shift: number, add: (key: string, by: number) => void): void {
  for (const { storage, state } of record.copies) if (state !== 'copied') add(`${shift} ${storage} ${state}`, 1)
  for (const { tier, state } of record.tiers ?? []) {
    if (state !== 'gone') add(`${shift} ${tier} ${state === 'link' ? 'links' : 'held'}`, 1)
  }
}
