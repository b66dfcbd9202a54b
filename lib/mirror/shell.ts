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
  type JournalOp,
  type Notice,
  type State,
  type Stored,
  type StoredShift,
  shiftKeys,
  sourceName,
} from '../core/index.js'
import { createCoreLoop } from '../core-loop.js'
import { SustenError } from '../errors.js'
import { type Journal, tierList } from '../journal/index.js'
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

export function createShell(host: ShellHost): Shell {
  const { config, journal, now, tell } = host
  const state = createState(config, now(), readStored(journal, config))
  const leavers = createLeavers()
  const loop = createCoreLoop<CoreEvent | Load | LoadTier, Notice, JournalOp>({
    journal,
    now,
    decide(events) {
      for (const command of decide(state, events.map(complete))) carryOut(command)
    },
    tick: () => ({ type: 'tick', at: now() }),
    journaled: (ops) => ({ type: 'journaled', at: now(), ops }),
    tell,
    onFailure: host.onFailure,
    onProgress: host.onProgress,
    closedError: () => closedError(state),
  })

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
    loop.post({ ...command, times })
  }

  function carryOut(command: Command): void {
    switch (command.type) {
      case 'journal':
        leavers.note(command.ops)
        loop.apply(command.ops, command.notices)
        break
      case 'copy':
        host.copy(command)
        break
      case 'load':
        loop.post(command)
        break
      case 'tell':
        loop.tellSoon(command.notice)
        break
      case 'release':
        host.release(command)
        break
      case 'loadTier':
        if (command.accessed) loadTier(command).catch(loop.fail)
        else loop.post(command)
        break
      case 'wake':
        loop.wakeAt(command.at)
        break
    }
  }

  return {
    state,
    leavers,
    post: loop.post,
    postDurably: loop.postDurably,
    get settled() {
      return loop.settled && state.unjournaled === 0
    },
    beginTelling: loop.beginTelling,
    stop: loop.stop,
  }
}

/** Of calls on what is closed. */
export function closedError(state: State): SustenError {
  const what = sourceName(state) === 'buffer' ? 'Grimsel' : 'Mirror'
  return new SustenError(`the ${what} is closed`, { code: 'ERR_SUSTEN_CLOSED' })
}

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
