/** What the processes of a soak say to each other. Plain data. */
import type { ApiVersion } from '#lib/simulate/dcu/index.js'

/** One detector server. */
export interface ServerPlan {
  readonly id: string
  readonly version: ApiVersion
  readonly kind: 'eiger' | 'eiger-2024' | 'cbf'
}

/** What a server process is started with. */
export interface ServerOrder extends ServerPlan {
  readonly seed: number
  /** Files that it shall complete, and in how many seconds. */
  readonly files: number
  readonly seconds: number
  /** Seconds between two faults, on average. */
  readonly pause: number
  /** Where copies must be: directories on the storages, the confirm tier first, in which users' directories are. */
  readonly storages: readonly string[]
}

export type ToServer =
  | { readonly type: 'begin' }
  /** Told before anybody can have files there. */
  | { readonly type: 'user'; readonly directory: string }
  /** So many storages can't be read. */
  | { readonly type: 'away'; readonly count: number }
  /** No faults until it is over. */
  | { readonly type: 'calm'; readonly calm: boolean }
  /** Nothing is made any more, and nothing goes wrong. */
  | { readonly type: 'finish' }
  /** Write the truth to that file. */
  | { readonly type: 'truth'; readonly path: string }

export interface ServerFigures {
  /** Files that were completed, and what became of them. */
  readonly completed: number
  readonly bytes: number
  readonly removed: number
  /** Overwritten, cleared, gone with the memory. */
  readonly lost: number
  readonly dropped: number
  /** There, but for those whose names may be refused. */
  readonly left: number
  /** Some of these. */
  readonly names: readonly string[]
  readonly requests: number
  /** Faults that were begun, and requests that they hit, by kind. */
  readonly faults: Readonly<Record<string, { readonly begun: number; readonly hits: number }>>
  /** DELETEs that were held against the storages; of those, how many while one was away, which were looked at later. */
  readonly checked: number
  readonly owed: number
  /** Deleted in place of the file that they had overwritten an instant before. */
  readonly overtaken: number
}

export type FromServer =
  | { readonly type: 'ready'; readonly url: string }
  | { readonly type: 'figures'; readonly figures: ServerFigures }
  | { readonly type: 'violation'; readonly text: string }
  | { readonly type: 'done'; readonly of: ToServer['type'] }

/** What became of a file at its server: the name of a field is its place in a line of the truth. */
export interface TrueFile {
  readonly name: string
  readonly digest: string
  readonly size: number
  readonly state: string
  readonly begun: number
  readonly completed: number
  /** 0: it isn't. */
  readonly gone: number
  /** The server said once that it isn't there, though it was. */
  readonly denied: boolean
  /** A client had looked at the file that it overwrote, and removed this one. */
  readonly overtaken: boolean
  /** Its name may be refused. */
  readonly hostile: boolean
}

export interface ServerTruth {
  readonly files: readonly TrueFile[]
  /** Names of files that were never completed, though they could be seen. */
  readonly unfinished: readonly string[]
  /** Milliseconds since 1970: from when to when lists could not be relied on. */
  readonly disturbed: readonly (readonly [from: number, to: number])[]
  /** What went wrong, and when: for whoever looks for the reason of a violation. */
  readonly events: readonly (readonly [name: string, from: number, to: number])[]
}

/** What Furka's process is started with. */
export interface FurkaOrder {
  readonly sources: readonly { readonly id: string; readonly url: string; readonly target: string }[]
  readonly journal: string
  readonly control: string
  readonly mount: string
}

export interface FurkaCall {
  readonly id: number
  readonly method: 'changeUser' | 'idle' | 'close' | 'status'
  readonly user?: { readonly uid: number; readonly gid: number; readonly userDirectory: string }
}

export interface FurkaFigures {
  readonly received: number
  readonly announced: number
  readonly removed: number
  readonly messages: Readonly<Record<string, number>>
  /** Files that aren't done with. */
  readonly open: number
  readonly failing: number
  readonly latency: { readonly p50: number; readonly p99: number } | undefined
}

export type FromFurka =
  | { readonly type: 'ready' }
  | { readonly type: 'figures'; readonly figures: FurkaFigures }
  | { readonly type: 'error'; readonly text: string }
  | { readonly type: 'answer'; readonly id: number; readonly value?: unknown; readonly failure?: string }
