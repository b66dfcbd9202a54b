/**
 * The process under test: the real core and the real journal, and a shell around them that keeps the contract of
 * lib/mirror/shell.ts. It dies by a flag: nothing of it that is still under way has any effect then.
 */
import {
  type Command,
  type CoreEvent,
  coreKey,
  directoriesKey,
  type FileRecord,
  identitiesKey,
  type Notice,
  type State,
  type Stored,
  type StoredShift,
  shiftKeys,
} from '#lib/core/index.js'
import { type Journal, tierList } from '#lib/journal/index.js'
import { applied, settled } from './book.js'
import type { CopyFlight } from './copying.js'
import type { ReleaseFlight } from './releasing.js'
import { checkRelease, checkState } from './truth.js'
import type { World } from './world.js'

type Load = Extract<Command, { type: 'load' }>
type LoadTier = Extract<Command, { type: 'loadTier' }>

interface Posted {
  readonly event: CoreEvent | Load | LoadTier
  /** Called when all that it led to is durable. */
  readonly done?: (() => void) | undefined
}

export interface Process {
  readonly state: State
  readonly journal: Journal
  queue: Posted[]
  copies: CopyFlight[]
  releases: ReleaseFlight[]
  /** Pages of a tier for which it is found out when files were read last. */
  pages: LoadTier[]
  wake: number
  /** Resolves when all that was applied so far is durable. */
  durable: Promise<void>
  /** Lists of operations that aren't durable yet. */
  applying: number
  isDead: boolean
  /** The journal failed. */
  hasFailed: boolean
}

/** Begins with what the journal has. */
export function startProcess(world: World, journal: Journal): Process {
  const { config, now, parts } = world
  return {
    state: parts.createState(config, now, readStored(world, journal)),
    journal,
    queue: [],
    copies: [],
    releases: [],
    pages: [],
    wake: Number.POSITIVE_INFINITY,
    durable: Promise.resolve(),
    applying: 0,
    isDead: false,
    hasFailed: false,
  }
}

function readStored({ config }: World, journal: Journal): Stored {
  const shifts = journal.keys().filter((key) => key.startsWith(shiftKeys))
  return {
    core: journal.value(coreKey) as Stored['core'],
    identities: journal.value(identitiesKey) as Stored['identities'],
    directories: journal.value(directoriesKey) as Stored['directories'],
    shifts: shifts.map((key) => journal.value(key) as StoredShift),
    pending: Object.fromEntries(config.storages.map(({ id }) => [id, journal.count(id, 'pending')])),
  }
}

export function post(process: Process, event: Posted['event'], done?: () => void): void {
  process.queue.push({ event, done })
}

/** Decides on so many events, and carries out what is commanded. */
export function decideSome(world: World, process: Process, most: number): void {
  const batch = process.queue.splice(0, most)
  if (batch.length === 0) return
  const events = batch.map(({ event }) => complete(world, process, event))
  for (const command of world.parts.decide(process.state, events)) carryOut(world, process, command)
  for (const { done } of batch) {
    if (done === undefined) continue
    const acknowledge = (): void => {
      if (!process.isDead) done()
    }
    if (world.parts.acknowledgesDurably) process.durable.then(acknowledge, () => {})
    else acknowledge()
  }
  checkState(world, process)
}

/** Brings in what the journal knows, as it is when the core is called. */
function complete(world: World, { journal }: Process, event: Posted['event']): CoreEvent {
  switch (event.type) {
    case 'announced':
    case 'vanished':
    case 'retry':
    case 'dismiss':
    case 'recopy':
      return { ...event, record: world.parts.asksJournal ? journal.get(event.path) : undefined }
    case 'load': {
      const { storage, after, limit } = event
      return { type: 'loaded', at: world.now, storage, ...page(journal, storage, 'pending', after, limit) }
    }
    case 'loadTier':
      return tierPage(world, journal, event)
    default:
      return event
  }
}

function page(
  journal: Journal,
  list: string,
  state: 'pending' | 'failed',
  after: number,
  limit: number,
): { records: FileRecord[]; last: number; short: boolean } {
  const records = journal.list(list, state, after, limit)
  return { records, last: records.at(-1)?.seq ?? after, short: records.length < limit }
}

function tierPage(world: World, journal: Journal, command: LoadTier): CoreEvent {
  const { tier, pass, state, after, limit } = command
  const listed = page(journal, tierList(tier), state, after, limit)
  const accessed = command.accessed ? listed.records.map(({ seq }) => (seq * 7919) % 1000) : undefined
  return { type: 'tierLoaded', at: world.now, tier, pass, accessed, ...listed }
}

function carryOut(world: World, process: Process, command: Command): void {
  switch (command.type) {
    case 'journal':
      apply(world, process, command)
      break
    case 'copy':
      for (const order of command.files) {
        process.copies.push({ storage: command.storage, identity: command.identity, order, stage: 'waiting' })
      }
      break
    case 'release':
      checkRelease(world, command)
      for (const order of command.files) process.releases.push({ command, order, stage: 'waiting', bytes: 0 })
      break
    case 'load':
      post(process, command)
      break
    case 'loadTier':
      if (command.accessed) process.pages.push(command)
      else post(process, command)
      break
    case 'tell':
      tell(world, command.notice)
      break
    case 'wake':
      process.wake = command.at
      break
  }
}

function apply(world: World, process: Process, { ops, notices }: Extract<Command, { type: 'journal' }>): void {
  const { book } = world
  applied(book, ops)
  process.applying += 1
  process.durable = process.journal.apply(ops).then(
    () => {
      if (process.isDead) return
      process.applying -= 1
      settled(book)
      for (const notice of notices) tell(world, notice)
      post(process, { type: 'journaled', at: world.now, ops: ops.length })
    },
    (error: unknown) => {
      process.hasFailed = true
      throw error
    },
  )
  process.durable.catch(() => {})
}

function tell(world: World, notice: Notice): void {
  world.seen.add(notice.type === 'message' ? notice.message.code : `told ${notice.type}`)
}
