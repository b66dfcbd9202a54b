/**
 * The shell around the core: hands events in, a slice at a time, carries commands out, and reports what came of them.
 * Everything that is decided is decided by the core.
 */
import type { ByteString } from '../bytes.js'
import {
  type Command,
  type CoreConfig,
  type CoreEvent,
  coreKey,
  createState,
  decide,
  directoriesKey,
  type FileRecord,
  identitiesKey,
  type Notice,
  type State,
  type Stored,
  type StoredShift,
  shiftKeys,
  sourceName,
} from '../core/index.js'
import { SustenError } from '../errors.js'
import { type Journal, tierList } from '../journal/index.js'
import { traceOf } from './find.js'
import { createLeavers, type Leavers } from './leavers.js'

type Load = Extract<Command, { type: 'load' }>
/** `times`: when files were last read, by path, once that was found out. */
type LoadTier = Extract<Command, { type: 'loadTier' }> & { readonly times?: ReadonlyMap<ByteString, number> }

/** What the shell needs of its surroundings. */
export interface ShellHost {
  readonly config: CoreConfig
  readonly journal: Journal
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly copy: (command: Extract<Command, { type: 'copy' }>) => void
  readonly release: (command: Extract<Command, { type: 'release' }>) => void
  /** When files of a tier were last read, where that can be found out. */
  readonly accessed: (tier: string, files: readonly FileRecord[]) => Promise<readonly (number | undefined)[]>
  /** What a notice says is durable. */
  readonly tell: (notice: Notice) => void
  /** The journal failed: nothing goes on. */
  readonly onFailure: (error: unknown) => void
  /** Told whenever something came to its end, so that who waits can look. */
  readonly onProgress: () => void
}

export interface Shell {
  /** The core's state, for reading. */
  readonly state: State
  /** Takes an event in. */
  post(event: CoreEvent): void
  /** Takes events in; resolves when all that they, and those before them, led to is durable. */
  postDurably(events: readonly CoreEvent[]): Promise<void>
  /** Files that the journal has lately forgotten. */
  readonly leavers: Leavers
  /** Nothing is waiting to be decided, to become durable or to be told. */
  readonly settled: boolean
  /** Begins to tell, with what has come up before: who opened the Mirror has had time to listen. */
  beginTelling(): void
  /** Carries nothing out any more. What is on its way to the journal still gets there. */
  stop(): void
}

interface Posted {
  readonly event: CoreEvent | Load | LoadTier
  readonly done?: Settle | undefined
}

interface Settle {
  left: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Events of one call of the core, notices told in one go, and milliseconds of work before others are let run. */
const mostEvents = 32
const mostNotices = 32
const slice = 0.7

export function createShell(host: ShellHost): Shell {
  const { config, journal, now, tell } = host
  const state = createState(config, now(), readStored(journal, config))
  const leavers = createLeavers((record) => traceOf(state, record))
  let queue: Posted[] = []
  let at = 0
  let untold: Notice[] = []
  let told = 0
  let telling = false
  let scheduled = false
  let stopped = false
  let failure: { error: unknown } | undefined
  let wake: NodeJS.Timeout | undefined
  /** Resolves when all that was applied so far is durable. */
  let durable: Promise<void> = Promise.resolve()
  let applying = 0

  function push(posted: Posted): void {
    if (stopped) return
    queue.push(posted)
    schedule()
  }

  function schedule(): void {
    if (scheduled) return
    scheduled = true
    setImmediate(pump)
  }

  /** Decides and tells for less than a millisecond, then lets others run. */
  function pump(): void {
    scheduled = false
    const end = performance.now() + slice
    do {
      decideSome()
      tellSome()
    } while (isBusy() && performance.now() < end)
    if (isBusy()) schedule()
    else host.onProgress()
  }

  const isBusy = (): boolean => at < queue.length || (telling && told < untold.length)

  function decideSome(): void {
    const batch = queue.slice(at, at + mostEvents)
    if (batch.length === 0) return
    at += batch.length
    if (at >= queue.length || at > 4096) {
      queue = queue.slice(at)
      at = 0
    }
    try {
      take(batch)
    } catch (error) {
      // Whatever it is, going on could do harm; the journal has all that counts.
      fail(error)
      for (const { done } of batch) done?.reject(error)
    }
  }

  function tellSome(): void {
    if (!telling) return
    for (let count = 0; count < mostNotices && told < untold.length; count++) {
      const notice = untold[told]
      told += 1
      if (notice !== undefined) tell(notice)
    }
    if (told >= untold.length || told > 4096) {
      untold = untold.slice(told)
      told = 0
    }
  }

  function addUntold(notices: readonly Notice[]): void {
    for (const notice of notices) untold.push(notice)
    schedule()
  }

  function take(batch: readonly Posted[]): void {
    const commands = decide(
      state,
      batch.map(({ event }) => complete(event)),
    )
    for (const command of commands) carryOut(command)
    for (const { done } of batch) {
      if (done === undefined) continue
      done.left -= 1
      if (done.left === 0) durable.then(done.resolve, done.reject)
    }
  }

  /** Brings in what the journal knows, as it is when the core is called. */
  function complete(event: CoreEvent | Load | LoadTier): CoreEvent {
    switch (event.type) {
      case 'announced': {
        const { path, at, cut, fingerprint } = event
        return { type: 'announced', path, at, cut, fingerprint, record: journal.get(path) }
      }
      case 'vanished':
      case 'retry':
      case 'dismiss':
      case 'recopy':
        return { ...event, record: journal.get(event.path) }
      case 'load': {
        const records = journal.list(event.storage, 'pending', event.after, event.limit)
        const last = records.at(-1)?.seq ?? event.after
        return { type: 'loaded', at: now(), storage: event.storage, records, last, short: records.length < event.limit }
      }
      case 'loadTier': {
        const { tier, pass, limit, times } = event
        const records = listTier(event)
        const last = records.at(-1)?.seq ?? event.after
        const accessed = times === undefined ? undefined : records.map(({ path }) => times.get(path))
        return { type: 'tierLoaded', at: now(), tier, pass, records, accessed, last, short: records.length < limit }
      }
      default:
        return event
    }
  }

  function listTier({ tier, state: listed, after, limit }: LoadTier): FileRecord[] {
    return journal.list(tierList(tier), listed, after, limit)
  }

  /** Looks at files first where it matters when they were last read; what is listed is what the journal knows then. */
  async function loadTier(command: LoadTier): Promise<void> {
    const times = new Map<ByteString, number>()
    const records = listTier(command)
    const accessed = await host.accessed(command.tier, records)
    for (const [index, { path }] of records.entries()) {
      const time = accessed[index]
      if (time !== undefined) times.set(path, time)
    }
    push({ event: { ...command, times } })
  }

  function carryOut(command: Command): void {
    switch (command.type) {
      case 'journal':
        apply(command)
        break
      case 'copy':
        host.copy(command)
        break
      case 'load':
        push({ event: command })
        break
      case 'tell':
        addUntold([command.notice])
        break
      case 'release':
        host.release(command)
        break
      case 'loadTier':
        if (command.accessed) loadTier(command).catch(fail)
        else push({ event: command })
        break
      case 'wake':
        clearTimeout(wake)
        if (command.at !== Number.POSITIVE_INFINITY) wake = setTimeout(tick, clampDelay(command.at - now()))
        break
    }
  }

  function apply({ ops, notices }: Extract<Command, { type: 'journal' }>): void {
    applying += 1
    leavers.note(ops)
    durable = journal.apply(ops).then(
      () => {
        applying -= 1
        addUntold(notices)
        push({ event: { type: 'journaled', at: now(), ops: ops.length } })
      },
      (error: unknown) => {
        applying -= 1
        fail(error)
        throw error
      },
    )
    durable.catch(() => {})
  }

  function fail(error: unknown): void {
    if (failure !== undefined) return
    failure = { error }
    stop()
    host.onFailure(error)
  }

  function tick(): void {
    push({ event: { type: 'tick', at: now() } })
  }

  function stop(): void {
    stopped = true
    clearTimeout(wake)
    const left = queue.slice(at)
    queue = []
    at = 0
    // What was taken in and never decided on was not journaled: who waits for it must know.
    for (const { done } of left) done?.reject(failure?.error ?? closedError(state))
  }

  return {
    state,
    leavers,
    post(event) {
      if (!stopped) push({ event })
    },
    postDurably(events) {
      if (failure !== undefined) return Promise.reject(failure.error)
      if (stopped) return Promise.reject(closedError(state))
      const list: readonly CoreEvent[] = events.length > 0 ? events : [{ type: 'tick', at: now() }]
      return new Promise((resolve, reject) => {
        const done = { left: list.length, resolve, reject }
        for (const event of list) push({ event, done })
      })
    },
    get settled() {
      return queue.length === 0 && applying === 0 && state.unjournaled === 0 && untold.length === 0
    },
    beginTelling() {
      telling = true
      schedule()
    },
    stop,
  }
}

/** Of calls on what is closed. */
export function closedError(state: State): SustenError {
  const what = sourceName(state) === 'buffer' ? 'Grimsel' : 'Mirror'
  return new SustenError(`the ${what} is closed`, { code: 'ERR_SUSTEN_CLOSED' })
}

/** Of `setTimeout`: a longer delay would be none. */
const longestDelay = 2 ** 31 - 1
const clampDelay = (delay: number): number => Math.min(Math.max(0, Math.ceil(delay)), longestDelay)

function readStored(journal: Journal, config: CoreConfig): Stored {
  return {
    core: journal.value(coreKey) as Stored['core'],
    identities: journal.value(identitiesKey) as Stored['identities'],
    shifts: readShifts(journal),
    directories: journal.value(directoriesKey) as Stored['directories'],
    pending: Object.fromEntries(config.storages.map(({ id }) => [id, journal.count(id, 'pending')])),
  }
}

function readShifts(journal: Journal): StoredShift[] {
  const keys = journal.keys().filter((key) => key.startsWith(shiftKeys))
  return keys.flatMap((key) => (journal.value(key) as StoredShift | undefined) ?? [])
}

/** Ids of storages that the journal has pending files for and that aren't configured. */
export function foreignStorages(journal: Journal, config: CoreConfig): ByteString[] {
  const { core, shifts = [] } = readStored(journal, config)
  const known = new Set(config.storages.map(({ id }) => id))
  const foreign = new Set<string>()
  for (const byStorage of [...Object.values(core?.counters ?? {}), ...shifts.map(({ counters }) => counters)]) {
    for (const [id, counts] of Object.entries(byStorage)) if (!known.has(id) && counts.pending > 0) foreign.add(id)
  }
  return [...foreign] as ByteString[]
}
