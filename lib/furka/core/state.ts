/** What the core has in memory: all files that are at a source, or were received and aren't done with. */
import type { ByteString } from '../../bytes.js'
import type { Coalescer } from '../../coalesce.js'
import { createHeap, type Heap } from '../../core/heap.js'
import type { Confirm } from '../types.js'
import type { Command, JournalOp, Notice, Saying } from './commands.js'
import { createQueue, type Queue } from './queue.js'
import type { Failure, FileRecord, Held, Offer, Reservation, Turn } from './record.js'

/** What a Furka works with, for as long as it is open. */
export interface CoreConfig {
  readonly sources: readonly {
    readonly id: string
    /** For people. */
    readonly target: string
    /** Files at once. */
    readonly connections: number
  }[]
  /** `answers`: it can be asked; `listens`: it is told, and says nothing; `none`: there is none. */
  readonly grimsel: 'answers' | 'listens' | 'none'
  /** Where it listens, for people. */
  readonly grimselPlace: string
  readonly confirm: Confirm
}

/** What a journal has kept. */
export interface Stored {
  readonly turns: readonly Turn[]
  readonly files: readonly FileRecord[]
  readonly reserved?: readonly Reservation[]
  /** When reservations of each source were last known to hold. */
  readonly held?: ReadonlyMap<string, Held>
}

/**
 * What is next to be done with a file. `seek`: look whether it came to its name here, though nobody noted that; `verify`:
 * compare it with the source once more, since its version doesn't tell contents apart; `kept`: nothing, it stays at the
 * source.
 */
export type Stage = 'receive' | 'seek' | 'announce' | 'confirm' | 'verify' | 'remove' | 'kept'

export interface File {
  record: FileRecord
  readonly source: Source
  stage: Stage
  /** It is being done. */
  busy: boolean
  /** In this stage, in a row. */
  attempts: number
  /** Of the last attempt, if that failed. */
  failure: Failure | undefined
  /** Where it waits its turn. */
  queue: Queue<File> | undefined
  /** When it is its turn again, if it waits for that. */
  due: number
  /** Its record is durable once so many operations are. */
  mark: number
  /** Another version has come, while this one is being received. */
  next: Offer | undefined
  /**
   * When the source saw it first, as it says, in milliseconds since the epoch: unlike what is in the record, it is always
   * this program's source. Undefined: not offered since the program began.
   */
  seen: number | undefined
  /** The source has it no more, though it is still being received. */
  gone: boolean
  /** It was received before, and went missing here. */
  again: boolean
  /** The path under which it is being announced. */
  announcing: ByteString | undefined
  /** It was to be received before, or may have been: by a program that ended, or in an attempt that failed. */
  tried: boolean
  /** When it was last found that the source still has what was received. */
  verified: number
}

/** See Reservation. */
export interface Reserved {
  record: Reservation
  /** When this program's source saw the file first. Undefined: it hasn't been found again since the program began. */
  seen: number | undefined
  /** The last time that the source told what it has seen, and it was among that. */
  round: number
  /** How often it wasn't, in a row, though the source had looked at everything. */
  missed: number
}

/** How a source is doing, and its files. */
export interface Source {
  readonly id: string
  readonly target: string
  readonly connections: number
  available: boolean
  /** When it was available first since the program began: what was there by then, a former program may have begun with. */
  since: number
  failure: Failure | undefined
  /** It was said that it is unavailable. */
  missed: boolean
  /** Why nothing can be written below its target, and until when that isn't tried. */
  blocked: { readonly failure: Failure; readonly until: number } | undefined
  blocks: number
  /** Those that are, or may be, at the source, by name: the newest version of each. */
  readonly files: Map<string, File>
  /** Files of former users that aren't offered yet, by name; characters of the names; when that was last noted. */
  readonly reserved: Map<string, Reserved>
  characters: number
  held: number
  /** Counts the times that the source told what it has seen. */
  round: number
  readonly receive: Queue<File>
  readonly seek: Queue<File>
  readonly verify: Queue<File>
  readonly remove: Queue<File>
  transfers: number
  seeks: number
  removals: number
  /** Files in each stage, those that are busy, and those whose last attempt failed. */
  readonly counts: Record<Stage, number>
  receiving: number
  failing: number
  readonly counters: { received: number; bytes: number; removed: number; lost: number; refused: number }
}

/** A file that was removed at its source, to know it again if it is still there. */
export interface Done {
  readonly digest: string | undefined
  /** How often it was received once more since. */
  readonly repeats: number
}

export interface State {
  readonly config: CoreConfig
  now: number
  readonly started: number
  readonly sources: ReadonlyMap<string, Source>
  /** By seq. */
  readonly files: Map<number, File>
  seq: number
  /** Files that are here, by their paths: the one that was received last. */
  readonly byPath: Map<ByteString, File>
  /** Seqs of files that aren't here any more, until nothing is being done with them. */
  readonly missed: Set<number>
  /** Number of the turn that was running at the start: what is offered since was seen since. */
  firstTurn: number
  /** In order; the last one is the running one. */
  turns: Turn[]
  /** Sources have told of all that they had seen before, as far as they can. */
  settled: number
  /** Files of each turn that Grimsel doesn't have yet, also those that are only reserved. */
  readonly owing: Map<number, number>
  /** Files of each turn. */
  readonly members: Map<number, number>
  readonly announce: Queue<File>
  /** Files of turns of which Grimsel doesn't know yet. */
  readonly held: Queue<File>
  readonly confirm: Queue<File>
  readonly link: {
    failure: Failure | undefined
    attempts: number
    /** Not before. */
    due: number
    announcing: boolean
    telling: boolean
    asking: boolean
  }
  readonly later: Heap<{ readonly at: number; readonly file: File }>
  readonly done: Map<string, Done>
  readonly messages: Coalescer<Saying>
  draining: boolean
  /** Operations that were handed out, and those that are durable. */
  issued: number
  durable: number
  wake: number
  out: Out
}

/** What one call of the core brings forth. */
export interface Out {
  readonly commands: Command[]
  readonly ops: JournalOp[]
  readonly notices: Notice[]
  /** The turns have changed. */
  turns: boolean
}

export const createOut = (): Out => ({ commands: [], ops: [], notices: [], turns: false })

function createSource({ id, target, connections }: CoreConfig['sources'][number]): Source {
  return {
    id,
    target,
    connections,
    available: false,
    since: Number.POSITIVE_INFINITY,
    failure: undefined,
    missed: false,
    blocked: undefined,
    blocks: 0,
    files: new Map(),
    reserved: new Map(),
    characters: 0,
    held: Number.NEGATIVE_INFINITY,
    round: 0,
    receive: createQueue(),
    seek: createQueue(),
    verify: createQueue(),
    remove: createQueue(),
    transfers: 0,
    seeks: 0,
    removals: 0,
    counts: { receive: 0, seek: 0, announce: 0, confirm: 0, verify: 0, remove: 0, kept: 0 },
    receiving: 0,
    failing: 0,
    counters: { received: 0, bytes: 0, removed: 0, lost: 0, refused: 0 },
  }
}

export function createEmptyState(config: CoreConfig, now: number): State {
  return {
    config,
    now,
    started: now,
    sources: new Map(config.sources.map((source) => [source.id, createSource(source)])),
    files: new Map(),
    seq: 0,
    byPath: new Map(),
    missed: new Set(),
    firstTurn: 0,
    turns: [],
    settled: now,
    owing: new Map(),
    members: new Map(),
    announce: createQueue(),
    held: createQueue(),
    confirm: createQueue(),
    link: { failure: undefined, attempts: 0, due: 0, announcing: false, telling: false, asking: false },
    later: createHeap(({ at }) => at),
    done: new Map(),
    messages: new Map(),
    draining: false,
    issued: 0,
    durable: 0,
    wake: Number.POSITIVE_INFINITY,
    out: createOut(),
  }
}
