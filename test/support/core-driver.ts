/** Drives the core by hand: events in, what it commands out. */
import type { ByteString } from '#lib/bytes.js'
import {
  type Command,
  type CoreConfig,
  type CoreEvent,
  createState,
  decide,
  defaultLimits,
  defaultRetry,
  type FileRecord,
  type Message,
  type Notice,
  type State,
  type Stored,
} from '#lib/core/index.js'
import { keepAll } from '#lib/policy/index.js'
import { bytes, fingerprintOf } from './core-world.js'

/** An event without its time. */
export type Timeless = CoreEvent extends infer E ? (E extends CoreEvent ? Omit<E, 'at'> : never) : never

type Of<T extends Command['type']> = Extract<Command, { type: T }>

/** The core with an obedient journal: every operation is durable at once. */
export class Driver {
  now = 1_000_000
  readonly state: State
  readonly records = new Map<ByteString, FileRecord>()
  readonly values = new Map<string, unknown>()
  /** Commands since the last {@link take}. */
  private commands: Command[] = []

  constructor(config: Partial<CoreConfig> = {}, stored: Stored = {}) {
    const complete: CoreConfig = {
      source: bytes('/source'),
      storages: [{ id: 'disk', type: 'internal', target: bytes('/disk') }],
      policy: keepAll(),
      retry: { ...defaultRetry, attempts: 3 },
      limits: defaultLimits,
      ...config,
    }
    this.state = createState(complete, this.now, stored)
  }

  /** Hands events in; the journal does its part at once. */
  feed(...events: Timeless[]): void {
    this.run(
      decide(
        this.state,
        events.map((event) => this.timed(event)),
      ),
    )
  }

  private timed(event: Timeless): CoreEvent {
    const path = 'path' in event ? event.path : undefined
    const record = path === undefined ? undefined : this.records.get(path)
    return { ...event, ...(record === undefined ? {} : { record }), at: this.now } as CoreEvent
  }

  private run(commands: Command[]): void {
    this.commands.push(...commands)
    const journal = commands.filter((command): command is Of<'journal'> => command.type === 'journal')
    for (const { ops } of journal) {
      for (const op of ops) {
        if (op.type === 'put') this.records.set(op.record.path, op.record)
        else if (op.type === 'forget') this.records.delete(op.record.path)
        else if (op.value === undefined) this.values.delete(op.key)
        else this.values.set(op.key, structuredClone(op.value))
      }
    }
    for (const { ops } of journal) this.run(decide(this.state, [{ type: 'journaled', at: this.now, ops: ops.length }]))
  }

  /** Commands of a kind since they were last asked for; others are dropped. */
  take<T extends Command['type']>(type: T): Of<T>[] {
    const taken = this.commands
    this.commands = []
    return taken.filter((command): command is Of<T> => command.type === type)
  }

  /** All commands since they were last asked for. */
  all(): Command[] {
    const taken = this.commands
    this.commands = []
    return taken
  }

  /** Paths to be copied since commands were last asked for, in order. */
  ordered(): string[] {
    return this.take('copy').flatMap(({ files }) => files.map(({ path }) => path))
  }

  /** Notices since commands were last asked for. */
  notices(): Notice[] {
    const taken = this.commands
    this.commands = []
    return taken.flatMap((command) => {
      if (command.type === 'journal') return command.notices
      return command.type === 'tell' ? [command.notice] : []
    })
  }

  messages(): Message[] {
    return this.notices().flatMap((notice) => (notice.type === 'message' ? notice.message : []))
  }

  /** Time passes, and the core is told. */
  pass(milliseconds: number): void {
    this.now += milliseconds
    this.feed({ type: 'tick' })
  }

  announce(...names: string[]): void {
    this.feed(...names.map((name): Timeless => ({ type: 'announced', path: bytes(name) })))
  }

  copied(name: string, more: Partial<Extract<CoreEvent, { type: 'copied' }>> = {}): void {
    this.feed({
      type: 'copied',
      storage: 'disk',
      path: bytes(name),
      outcome: 'created',
      bytes: 10,
      fingerprint: fingerprintOf(1),
      digest: 'd1',
      ...more,
    })
  }

  failed(name: string, code: string, side: 'source' | 'storage' = 'storage', storage = 'disk'): void {
    const failure = { code, errno: 1, syscall: 'test', path: bytes(`/${side}/${name}`) }
    this.feed({ type: 'failed', storage, path: bytes(name), side, failure })
  }

  volume(more: Partial<Extract<CoreEvent, { type: 'volume' }>['volume']> = {}, storage = 'disk'): void {
    this.feed({
      type: 'volume',
      storage,
      volume: {
        total: 100,
        available: 50,
        fill: 0.5,
        inodes: 100,
        inodesAvailable: 50,
        inodeFill: 0.5,
        readOnly: false,
        fsType: 'ext4',
        mountPoint: bytes(`/${storage}`),
        identity: `own-${storage}`,
        ...more,
      },
    })
  }

  copy(name: string, storage = 'disk') {
    return this.records.get(bytes(name))?.copies.find((copy) => copy.storage === storage)
  }

  storage(id = 'disk') {
    const storage = this.state.byId.get(id)
    if (storage === undefined) throw new Error(`no storage ${id}`)
    return storage
  }
}

/** A core whose only storage is up. */
export function ready(config: Partial<CoreConfig> = {}): Driver {
  const driver = new Driver(config)
  for (const { id } of driver.state.config.storages) driver.volume({}, id)
  driver.take('copy')
  return driver
}
