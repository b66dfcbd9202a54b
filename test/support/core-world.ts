/**
 * A model world around the real core: a source whose files change, storages that fail, fill, vanish and come back, a
 * journal that commits later than it applies, crashes. Everything hangs on one seed.
 */
import assert from 'node:assert/strict'
import type { ByteString } from '#lib/bytes.js'
import {
  type Command,
  type CoreConfig,
  type CoreEvent,
  type CoreLimits,
  coreKey,
  createState,
  decide,
  defaultRetry,
  type FileRecord,
  type Fingerprint,
  identitiesKey,
  type JournalOp,
  type Notice,
  type State,
  type Stored,
} from '#lib/core/index.js'
import { keepAll, type StoragePolicy } from '#lib/policy/index.js'
import type { Random } from './random.js'

export const bytes = (text: string): ByteString => text as ByteString

export const tinyLimits: CoreLimits = {
  window: 8,
  load: 3,
  batch: 3,
  flying: 5,
  probe: 1,
  waiting: 4,
  releasing: 6,
  unjournaled: 40,
}

export type Health = 'good' | 'full' | 'absent' | 'exchanged' | 'broken' | 'sick'

interface WorldStorage {
  readonly id: string
  health: Health
  /** What lies there: the source version that was copied. */
  readonly copies: Map<ByteString, number>
}

interface Flight {
  readonly storage: string
  readonly path: ByteString
  readonly cut: number
  readonly version: number | undefined
  /** What came of it, once it has ended and wasn't told yet. */
  result?: CoreEvent | undefined
}

/** The journal as the core needs it: applies at once, commits later, forgets what isn't committed in a crash. */
export class ModelJournal {
  readonly live = new Map<ByteString, FileRecord>()
  readonly values = new Map<string, unknown>()
  private committed = new Map<ByteString, FileRecord>()
  private committedValues = new Map<string, unknown>()
  private queue: { ops: readonly JournalOp[]; notices: readonly Notice[] }[] = []

  apply(ops: readonly JournalOp[], notices: readonly Notice[]): void {
    for (const op of ops) {
      if (op.type === 'put') assert.deepEqual(op.was, this.live.get(op.record.path), 'was is what was there')
      if (op.type === 'forget') assert.deepEqual(op.record, this.live.get(op.record.path), 'forgets what was there')
      run(op, this.live, this.values)
    }
    this.queue.push({ ops, notices })
  }

  /** Commits the oldest transactions. */
  commit(count: number): { ops: number; notices: readonly Notice[] }[] {
    return this.queue.splice(0, count).map(({ ops, notices }) => {
      for (const op of ops) run(op, this.committed, this.committedValues)
      return { ops: ops.length, notices }
    })
  }

  get uncommitted(): number {
    return this.queue.length
  }

  list(storage: string, state: string, after: number, limit: number): FileRecord[] {
    // A record that is being changed may be found a little later only.
    const changing = new Set(this.queue.flatMap(({ ops }) => ops.map((op) => op.type === 'put' && op.record.path)))
    return [...this.committed.values()]
      .filter((r) => !changing.has(r.path) && r.seq > after && isListed(r, storage, state))
      .sort((a, b) => a.seq - b.seq)
      .slice(0, limit)
  }

  crash(): void {
    this.queue = []
    this.live.clear()
    this.values.clear()
    for (const [path, record] of this.committed) this.live.set(path, record)
    for (const [key, value] of this.committedValues) this.values.set(key, value)
  }

  isCommitted(path: ByteString): boolean {
    return this.committed.has(path)
  }

  /** The record that a crash would leave. */
  durably(path: ByteString): FileRecord | undefined {
    return this.committed.get(path)
  }
}

/** Tiers are listed under names of their own: `pending` is held, `failed` a link. */
function isListed({ copies, tiers = [] }: FileRecord, list: string, state: string): boolean {
  if (copies.some((copy) => copy.storage === list && copy.state === state)) return true
  const wanted = state === 'pending' ? ['held', 'unsure'] : ['link']
  return tiers.some((tier) => `tier:${tier.tier}` === list && wanted.includes(tier.state))
}

function run(op: JournalOp, records: Map<ByteString, FileRecord>, values: Map<string, unknown>): void {
  if (op.type === 'put') records.set(op.record.path, op.record)
  else if (op.type === 'forget') records.delete(op.record.path)
  else if (op.value === undefined) values.delete(op.key)
  else values.set(op.key, structuredClone(op.value))
}

export interface WorldOptions {
  readonly random: Random
  readonly storages?: readonly string[]
  readonly limits?: CoreLimits
  readonly policy?: StoragePolicy
}

export class World {
  now = 1_000_000
  state: State
  readonly journal = new ModelJournal()
  readonly source = new Map<ByteString, number>()
  readonly storages: WorldStorage[]
  flights: Flight[] = []
  loads: Extract<Command, { type: 'load' }>[] = []
  wake = Number.POSITIVE_INFINITY
  /** Notices of what is durable. */
  readonly told: Notice[] = []
  /** Announcements by path: the version that must reach every storage, once committed. */
  readonly promised = new Map<ByteString, number>()
  private promises: { path: ByteString; version: number; after: number }[] = []
  private applied = 0
  private durable = 0
  readonly config: CoreConfig
  private readonly random: Random

  constructor(options: WorldOptions) {
    this.random = options.random
    const ids = options.storages ?? ['disk', 'gpfs']
    this.storages = ids.map((id) => ({ id, health: 'good', copies: new Map() }))
    this.config = {
      source: bytes('/source'),
      storages: ids.map((id, i) => ({ id, type: i === 0 ? 'internal' : 'optional', target: bytes(`/${id}`) })),
      policy: options.policy ?? keepAll(),
      retry: { ...defaultRetry, attempts: 4 },
      limits: options.limits ?? tinyLimits,
    }
    this.state = this.open()
  }

  private open(): State {
    const stored: Stored = {
      core: this.journal.values.get(coreKey) as Stored['core'],
      identities: this.journal.values.get(identitiesKey) as Stored['identities'],
    }
    return createState(this.config, this.now, stored)
  }

  /** The process dies; what was under way may have happened or not. */
  crash(): void {
    for (const flight of this.flights) if (flight.result === undefined && this.random.chance(0.5)) this.end(flight)
    this.flights = []
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
    const commands = decide(this.state, events)
    for (const command of commands) this.execute(command)
    this.check()
  }

  private execute(command: Command): void {
    if (command.type === 'journal') {
      this.journal.apply(command.ops, command.notices)
      this.applied += 1
    } else if (command.type === 'copy') {
      for (const { path, cut } of command.files) {
        const version = this.source.get(path)
        this.flights.push({ storage: command.storage, path, cut, version })
      }
    } else if (command.type === 'load') {
      this.loads.push(command)
    } else if (command.type === 'wake') {
      this.wake = command.at
    } else if (command.type === 'tell') {
      this.told.push(command.notice)
    } else {
      assert.fail(`a Mirror releases nothing: ${command.type}`)
    }
  }

  write(path: ByteString): void {
    this.source.set(path, (this.source.get(path) ?? 0) + 1)
  }

  fingerprint(path: ByteString): Fingerprint | undefined {
    const version = this.source.get(path)
    return version === undefined ? undefined : fingerprintOf(version)
  }

  announce(path: ByteString, look = false): void {
    const fingerprint = look ? this.fingerprint(path) : undefined
    const record = this.journal.live.get(path)
    this.feed({ type: 'announced', at: this.now, path, record, fingerprint })
    const version = this.source.get(path)
    if (version !== undefined) this.promises.push({ path, version, after: this.applied })
    this.keepPromises()
  }

  private keepPromises(): void {
    const kept = this.promises.filter((promise) => promise.after <= this.durable)
    this.promises = this.promises.filter((promise) => promise.after > this.durable)
    for (const { path, version } of kept) this.promised.set(path, Math.max(version, this.promised.get(path) ?? 0))
  }

  commit(count: number): void {
    const done = this.journal.commit(count)
    this.durable += done.length
    this.keepPromises()
    for (const { notices } of done) this.told.push(...notices)
    if (done.length > 0) {
      this.feed({ type: 'journaled', at: this.now, ops: done.reduce((sum, { ops }) => sum + ops, 0) })
    }
  }

  load(): void {
    const command = this.loads.shift()
    if (command === undefined) return
    const listed = this.journal.list(command.storage, 'pending', command.after, command.limit)
    const records = listed.flatMap((record) => this.journal.live.get(record.path) ?? [])
    this.feed({
      type: 'loaded',
      at: this.now,
      storage: command.storage,
      records,
      last: listed.at(-1)?.seq ?? command.after,
      short: listed.length < command.limit,
    })
  }

  private storage(id: string): WorldStorage {
    const storage = this.storages.find((one) => one.id === id)
    assert(storage)
    return storage
  }

  /** Ends one copy that is under way, or tells what came of one that has ended. */
  land(): void {
    if (this.flights.length === 0) return
    const index = this.random.below(this.flights.length)
    const flight = this.flights[index]
    assert(flight)
    flight.result ??= this.end(flight)
    if (this.random.chance(0.4)) return
    this.flights.splice(index, 1)
    this.feed({ ...flight.result, at: this.now })
  }

  private end(flight: Flight): CoreEvent {
    const { path } = flight
    const storage = this.storage(flight.storage)
    const about = { at: this.now, storage: flight.storage, path }
    const version = this.source.get(path)
    const fail = (code: string, side: 'source' | 'storage'): CoreEvent => ({
      type: 'failed',
      ...about,
      side,
      failure: { code, errno: 1, syscall: 'test', path: bytes(side === 'source' ? `/source/${path}` : `/x/${path}`) },
    })
    if (storage.health === 'absent' || storage.health === 'exchanged') {
      const failure = { code: 'ERR_SUSTEN_STORAGE', errno: 0, syscall: 'open', path: bytes(`/${storage.id}`) }
      return { type: 'returned', at: this.now, storage: storage.id, paths: [path], side: 'storage', failure }
    }
    if (storage.health === 'full') return fail('ENOSPC', 'storage')
    if (storage.health === 'broken') return fail('EIO', 'storage')
    if (version === undefined) return fail('ENOENT', 'source')
    if (storage.health === 'sick' && this.random.chance(0.5)) return fail('EACCES', 'storage')
    if (version !== flight.version) return fail('ERR_SUSTEN_CHANGED', 'source')
    const same = storage.copies.get(path) === version
    storage.copies.set(path, version)
    return {
      type: 'copied',
      ...about,
      outcome: same ? 'unchanged' : 'created',
      bytes: 10,
      fingerprint: fingerprintOf(version),
      digest: `digest-${version}`,
    }
  }

  readVolumes(): void {
    for (const storage of this.storages) {
      if (storage.health === 'absent') {
        const failure = { code: 'ENOENT', errno: 2, syscall: 'open', path: bytes(`/${storage.id}`) }
        this.feed({ type: 'unavailable', at: this.now, storage: storage.id, failure })
      } else {
        this.feed({ type: 'volume', at: this.now, storage: storage.id, volume: volume(storage) })
      }
    }
  }

  /** Time passes; a tick comes if one was asked for. */
  pass(milliseconds: number): void {
    this.now += milliseconds
    if (this.now >= this.wake) this.feed({ type: 'tick', at: this.now })
  }

  /** Everything works, and goes on until nothing is left to do. */
  drain(): void {
    for (const storage of this.storages) storage.health = 'good'
    this.feed({ type: 'resume', at: this.now }, { type: 'source', at: this.now, available: true })
    for (const storage of this.storages) this.feed({ type: 'resume', at: this.now, storage: storage.id })
    for (let i = 0; i < 20_000; i++) {
      if (i % 7 === 0) this.readVolumes()
      this.commit(3)
      this.load()
      this.land()
      if (this.flights.length === 0 && this.loads.length === 0 && this.journal.uncommitted === 0) {
        if (this.state.storages.every((storage) => storage.pending === 0)) return
        this.pass(500)
      }
    }
    assert.fail(`never drained: ${JSON.stringify(this.state.storages.map((s) => [s.mode, s.pending, s.resident]))}`)
  }

  /** What must hold at any moment. */
  check(): void {
    const { state } = this
    const truth = new Map<string, { pending: number; failed: number }>()
    for (const storage of state.storages) truth.set(storage.config.id, { pending: 0, failed: 0 })
    for (const record of this.journal.live.values()) {
      for (const copy of record.copies) {
        const counts = truth.get(copy.storage)
        if (counts && copy.state !== 'copied') counts[copy.state] += 1
      }
    }
    for (const storage of state.storages) {
      const { id } = storage.config
      const counts = truth.get(id)
      let pending = 0
      let failed = 0
      for (const byStorage of state.counters.values()) {
        pending += byStorage.get(id)?.pending ?? 0
        failed += byStorage.get(id)?.failed ?? 0
      }
      assert.equal(pending, counts?.pending, `pending on ${id}`)
      assert.equal(failed, counts?.failed, `failed on ${id}`)
      assert.equal(storage.pending, counts?.pending, `pending of ${id} without shifts`)
      const slots = [...state.files.values()].flatMap((entry) => entry.slots[storage.index] ?? [])
      assert.equal(storage.resident, slots.length)
      assert.equal(storage.flying, slots.filter((slot) => slot.phase === 'flying').length)
      assert.equal(storage.waiting, slots.filter((slot) => slot.phase === 'waiting').length)
      assert.equal(storage.ready.size, slots.filter((slot) => slot.phase === 'ready').length)
      assert(storage.ready.size <= this.bound(), `a bounded window, not ${storage.ready.size}`)
      assert.equal(this.flights.filter((flight) => flight.storage === id).length <= storage.flying, true)
    }
    for (const entry of state.files.values()) {
      assert.deepEqual(entry.record, this.journal.live.get(entry.record.path), 'memory is what was journaled')
    }
  }

  private bound(): number {
    const { window, load, flying, waiting } = this.config.limits
    return window + load + flying + waiting + 1
  }
}

export function fingerprintOf(version: number): Fingerprint {
  return { dev: 1n, ino: 7n, size: version, mtimeNs: BigInt(version), ctimeNs: BigInt(version) }
}

function volume(storage: WorldStorage): Extract<CoreEvent, { type: 'volume' }>['volume'] {
  return {
    total: 100,
    available: 50,
    fill: 0.5,
    inodes: 100,
    inodesAvailable: 50,
    inodeFill: 0.5,
    readOnly: false,
    fsType: 'ext4',
    mountPoint: bytes(`/${storage.id}`),
    identity: storage.health === 'exchanged' ? `other-${storage.id}` : `own-${storage.id}`,
  }
}
