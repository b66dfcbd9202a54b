/** What goes into a Furka and what comes out of it. The whole story: docs/FURKA.md. */
import type { PathInput } from '../bytes.js'
import type { EngineOptions } from '../engine/index.js'
import type { Grimsel } from '../grimsel/index.js'
import type { Lost } from '../observe/index.js'
import type { FileSource } from '../source/files.js'
import type { FurkaUser, UserChange } from './user.js'

/** The tier on which a file must be durable before it is removed at its source. */
export type Confirm = 'buffer' | 'internal' | 'external'

/** Where files come from, and where they go. */
export interface FurkaSourceOptions {
  /** Furka takes it over: reads it, has files removed by it, and closes it. */
  readonly source: FileSource
  /**
   * Absolute path of the directory that files go to, which must be there; what follows a `/./` in it is made. Below it
   * lies the user's directory, below that the source's own paths. Grimsel recreates what follows the `/./`; without one,
   * what follows the target.
   */
  readonly target: PathInput
  /** Files at once, 1…64. Default 4. */
  readonly connections?: number | undefined
  /**
   * Milliseconds after which a transfer that stands still, or brings less than 1 KiB meanwhile, is begun again. The source
   * may take twice as long to answer a `read`, four times for a `remove`, twenty times, and a second for each MiB, for a
   * `locate`. Default 30,000.
   */
  readonly stallTimeout?: number | undefined
  /** Options of the engine that receives, to test how failures are handled. Default none. */
  readonly engine?: Pick<EngineOptions, 'faults' | 'nice'> | undefined
}

/** How Grimsel hears of received files: in this process, by its control socket, or by its pipe, which answers nothing. */
export type GrimselTarget =
  | Grimsel
  | {
      /** Path of its control socket. */
      readonly control: string
      /** Users, beside root and one's own, who may listen there. Default none. */
      readonly trust?: readonly number[] | undefined
    }
  | {
      /** Path of its file pipe. Users' changes can't be told that way, nor can anything be confirmed. */
      readonly pipe: string
    }

export interface FurkaOptions {
  readonly sources: readonly FurkaSourceOptions[]
  /**
   * Directory for what is received and not yet removed; not on the RAM disk. Made if missing, locked while open.
   */
  readonly journal: string
  /**
   * Whose files are until somebody says otherwise, and what a change leaves out. Default: whom this process runs as, and
   * no user directory.
   */
  readonly defaultUser?: UserChange | undefined
  /** A change of user, at the start. Default: who was it last, or the `defaultUser`. */
  readonly user?: UserChange | undefined
  /** Default: nobody is told. */
  readonly grimsel?: GrimselTarget | undefined
  /** Default: `internal` with a Grimsel that answers, else `buffer`. */
  readonly confirm?: Confirm | undefined
  /** If given, files are written only while a file system is mounted exactly here. All targets lie on it. */
  readonly requiredMount?: PathInput | undefined
  /** Permission bits of files, 0…0o777. Default 0o644. */
  readonly mode?: number | undefined
  /** The same of directories that are made. Default 0o755. */
  readonly directoryMode?: number | undefined
  /** Stops it, as `close('stop')` does. */
  readonly signal?: AbortSignal | undefined
}

/** A file of a source, here. */
interface FileEvent {
  /** The source's id. */
  readonly source: string
  /** What the source calls it. */
  readonly name: string
  /** Absolute path here, with the `/./` in front of what Grimsel recreates. */
  readonly path: string
  /** Its bytes, where they aren't UTF-8. */
  readonly pathBytes?: Uint8Array
  /** Milliseconds since the epoch when the source saw it first. */
  readonly seen: number
}

/** A file is here, whole, under its name, and that is journaled. */
export interface ReceivedFile extends FileEvent {
  readonly type: 'received'
  /** `replaced`: the same content was there; `versioned`: other content was there, and is kept at `version`. */
  readonly outcome: 'created' | 'replaced' | 'versioned'
  /** Bytes. */
  readonly size: number
  /** XXH3-128 as 32 hex digits. */
  readonly digest: string
  /** Absolute path of the older content that was kept. */
  readonly version?: string
  readonly uid: number
  readonly gid: number
  /** Milliseconds since the epoch. */
  readonly received: number
}

/** Grimsel has taken the file over. */
export interface AnnouncedFile extends FileEvent {
  readonly type: 'announced'
  /** Milliseconds since the epoch. */
  readonly announced: number
}

/** The file isn't at the source any more, which it need not be. */
export interface RemovedFile extends FileEvent {
  readonly type: 'removed'
  /** `gone`: it had gone by itself. */
  readonly outcome: 'removed' | 'gone'
}

/** From now on files belong to somebody else. */
export interface UserChanged extends FurkaUser {
  readonly type: 'userChanged'
  /** Counts the changes. */
  readonly turn: number
}

/**
 * | code | subject |
 * |---|---|
 * | `RECEIVE_ERROR` | file: it couldn't be received; it is tried again |
 * | `REMOVE_ERROR` | file: it is here, and couldn't be removed at the source; it is tried again |
 * | `NAME_REFUSED` | file: its name can't be taken; it stays where it is |
 * | `KEPT` | file: it is here, and stays at the source, for the reason in the text |
 * | `COLLISION` | file: other content had the name here; it was kept under a versioned one |
 * | `LOST` | file: gone at the source before it was received |
 * | `OVERWRITTEN` | file: other content at the source took its place before it was received |
 * | `NOT_CONFIRMED` | file: Grimsel can't copy it, or has copied something else; it stays at the source |
 * | `RECEIVED_AGAIN` | file: it wasn't here any more, and not known to be safe: it is received once more |
 * | `LATE` | file: an earlier user's, announced after his turn had ended |
 * | `SOURCE_UNAVAILABLE`, `SOURCE_BACK` | source |
 * | `SOURCE_ALMOST_FULL` | source: its memory will be full soon |
 * | `TARGET_UNAVAILABLE`, `TARGET_BACK` | target: full, not mounted, or failing; files wait |
 * | `GRIMSEL_UNAVAILABLE`, `GRIMSEL_BACK` | where it listens; announcements wait |
 */
export type FurkaMessageCode =
  | 'RECEIVE_ERROR'
  | 'REMOVE_ERROR'
  | 'NAME_REFUSED'
  | 'KEPT'
  | 'COLLISION'
  | 'LOST'
  | 'OVERWRITTEN'
  | 'NOT_CONFIRMED'
  | 'RECEIVED_AGAIN'
  | 'LATE'
  | 'SOURCE_UNAVAILABLE'
  | 'SOURCE_BACK'
  | 'SOURCE_ALMOST_FULL'
  | 'TARGET_UNAVAILABLE'
  | 'TARGET_BACK'
  | 'GRIMSEL_UNAVAILABLE'
  | 'GRIMSEL_BACK'

/** Something that an operator should know. Repeated ones come as one with a count. */
export interface FurkaMessage {
  readonly type: 'message'
  readonly code: FurkaMessageCode
  readonly severity: 'info' | 'warning' | 'error'
  /** The source concerned, if one is. */
  readonly source?: string
  /** What it is about: a file, a source, a target. What a terminal would obey is in percent form, here and in the text. */
  readonly subject: string
  /** One sentence for people. */
  readonly text: string
  /** How many times it happened since it was last told. */
  readonly count: number
  /** Milliseconds since the epoch: the first and the last of them. */
  readonly first: number
  readonly last: number
}

/** Nothing is left to do, as far as is known. */
interface IdleEvent {
  readonly type: 'idle'
}

/** It can't go on (its journal failed), or a listener threw. */
interface ErrorEvent {
  readonly type: 'error'
  readonly error: unknown
}

/** What listeners of each event are given. */
export interface FurkaEvents {
  readonly received: ReceivedFile
  readonly announced: AnnouncedFile
  readonly removed: RemovedFile
  readonly userChanged: UserChanged
  readonly message: FurkaMessage
  readonly idle: IdleEvent
  readonly error: ErrorEvent
}

export type FurkaEvent = FurkaEvents[keyof FurkaEvents]

/** A failure, as JSON can hold it. */
export interface FailureStatus {
  readonly code: string
  readonly message: string
}

/** How a source is doing. Counts of files are of now; `received`, `bytes`, `removed`, `lost`, `refused` since it was opened. */
export interface FurkaSourceStatus {
  readonly id: string
  /** With its `/./`. */
  readonly target: string
  readonly available: boolean
  readonly failure?: FailureStatus
  /** Why nothing can be written below its target. */
  readonly blocked?: FailureStatus
  /** Files are being written at the source, or will be soon. Absent: not known. */
  readonly busy?: boolean
  /** Bytes that are left of the source's memory. Absent: not known. */
  readonly free?: number
  /** Seconds until nothing is left of it, as it goes now. Absent: never, or not known. */
  readonly secondsToFull?: number
  /** What else the source tells of itself: names and values, as of its last look. */
  readonly details: Readonly<Record<string, string>>
  /** Files to be received, without those under way. */
  readonly waiting: number
  readonly receiving: number
  /** Received, and Grimsel doesn't have them yet. */
  readonly unannounced: number
  /** Announced, and not yet durable where they must be. */
  readonly unconfirmed: number
  /** Safe, and not yet removed at the source. */
  readonly removing: number
  /** Safe, and never to be removed at the source. */
  readonly kept: number
  /** Files whose last attempt failed, whatever was attempted. */
  readonly failing: number
  readonly received: number
  readonly bytes: number
  readonly removed: number
  readonly lost: number
  readonly refused: number
  /** Bytes per second, lately. */
  readonly rate: number
  /** Milliseconds from when a file was seen to when it was received, of the last 1000 files. Absent: none yet. */
  readonly latency?: { readonly p50: number; readonly p99: number }
}

/** A Furka's figures. JSON can hold it. */
export interface FurkaStatus {
  readonly user: FurkaUser & {
    /** Counts the changes. */
    readonly turn: number
    /** Milliseconds since the epoch. */
    readonly since: number
    /** Grimsel knows of it. */
    readonly told: boolean
  }
  readonly confirm: Confirm
  readonly sources: readonly FurkaSourceStatus[]
  readonly grimsel: {
    readonly by: 'process' | 'control' | 'pipe' | 'none'
    /** Path of its socket or pipe. */
    readonly path?: string
    readonly available: boolean
    readonly failure?: FailureStatus
  }
  readonly journal: { readonly directory: string; readonly records: number; readonly bytes: number }
}

/** Options of waiting calls. */
export interface FurkaWaitOptions {
  /** Stops the waiting, not the Furka. */
  readonly signal?: AbortSignal | undefined
}

/** An open Furka. */
export interface Furka extends AsyncDisposable, AsyncIterable<FurkaEvent | Lost> {
  /** All figures, cheap to read. */
  status(): FurkaStatus
  /**
   * Whose files are from now on: files that their sources had before the call, whole or not, belong to who was it until
   * now, as far as the sources can tell. Resolves once that is journaled; Grimsel is told behind the files of the
   * former user.
   * @param change What isn't given is as in the `defaultUser`.
   * @throws SustenError `ERR_SUSTEN_OPTION`, `ERR_SUSTEN_CLOSED`; the journal's error
   */
  changeUser(change: UserChange): Promise<FurkaUser>
  /**
   * Resolves when every file that was complete at its source before the call has been received, announced, confirmed
   * and removed (or is kept there), and nothing else is under way. What fails is waited for.
   * @throws SustenError `ERR_SUSTEN_CLOSED`, `ABORT_ERR`; the journal's error
   */
  idle(options?: FurkaWaitOptions): Promise<void>
  on<K extends keyof FurkaEvents>(type: K, listener: (event: FurkaEvents[K]) => void): this
  off<K extends keyof FurkaEvents>(type: K, listener: (event: FurkaEvents[K]) => void): this
  once<K extends keyof FurkaEvents>(type: K, listener: (event: FurkaEvents[K]) => void): this
  /**
   * Events as an iteration from now on, until it is closed.
   * @param options `limit`: events that wait for a slow reader, default 10,000; beyond, they are left out, and one
   * `lost` event says how many
   */
  events(options?: FurkaWaitOptions & { readonly limit?: number | undefined }): AsyncIterableIterator<FurkaEvent | Lost>
  /**
   * `drain` (default): begins nothing new, and ends what is under way: transfers to their end, what is received is
   * announced if Grimsel listens. `stop`: breaks off. Either way the rest is journaled or still at the sources, and goes
   * on with the next `open`. Leaving an `await using` scope stops.
   */
  close(mode?: 'drain' | 'stop'): Promise<void>
}
