/** The catalog made durable: what a journal offers. How it is kept is described in docs/JOURNAL.md. */
import type { ByteString } from '../bytes.js'
import type { FileRecord, JournalOp } from '../core/record.js'
import type { JournalFiles } from './files.js'

/** States of a copy by which {@link Journal.list} finds records. */
export type ListedState = 'pending' | 'failed'

/** Figures of a journal, cheap to read. Sizes in bytes. */
export interface JournalStats {
  /** Files that it knows. */
  readonly records: number
  /** Size of its log, on disk and in memory. */
  readonly bytes: number
  /** What of the log still counts; the rest is superseded, and cleaned away in time. */
  readonly live: number
  /** Files that the log consists of. */
  readonly segments: number
  /** Durable transactions since it was opened; one holds all calls of `apply` that came while the last was under way. */
  readonly commits: number
  /** Operations made durable since it was opened. */
  readonly ops: number
  /** Operations applied and not yet durable. */
  readonly uncommitted: number
}

/** An open journal. */
export interface Journal extends AsyncDisposable {
  /** Where it lies, absolute. */
  readonly directory: string
  /** Random id of this journal, 16 hex digits, made once: temp-file names and messages carry it. */
  readonly id: string
  /**
   * Applies all operations as one transaction, in order of the calls. Resolves when they are on stable storage; calls
   * made meanwhile share the next commit. Rejects with `SustenError`: `ERR_SUSTEN_OPTION` for operations that can't be
   * stored, without any effect; a system error (`ENOSPC`, `EIO`, …) if the commit failed, and then every later call
   * rejects with it too, until the journal is opened anew. What of the failed commit is found then is open.
   *
   * The operations of a call are taken at one stretch, some 2 µs each: a few hundred at a time don't hold up the loop.
   */
  apply(ops: readonly JournalOp[]): Promise<void>
  /** The record of a path. Sees everything applied so far, committed or not. Never waits for a disk. */
  get(path: ByteString): FileRecord | undefined
  /**
   * Up to `limit` records that have a copy in `state` on `storage`, in order of `seq`, from the first above `after`.
   * A record is listed from when its first `put` under this `seq` is durable, and as it is now. One that comes into
   * this state again under its old `seq` (a retry) is listed at its old place.
   */
  list(storage: string, state: ListedState, after: number, limit: number): FileRecord[]
  /** How many records {@link list} would find in all. */
  count(storage: string, state: ListedState): number
  /** What operation `set` stored under this key. Sees everything applied so far. */
  value(key: string): unknown
  /** Keys of all values. */
  keys(): string[]
  /** All records as they are now, in order of `seq`, in chunks that don't hold up the event loop. */
  files(): AsyncIterable<FileRecord>
  /** Figures, cheap to read. */
  stats(): JournalStats
  /** Closes after everything applied is durable, or has failed. Later calls of `apply` reject with `ERR_SUSTEN_CLOSED`. */
  close(): Promise<void>
}

export interface JournalOptions {
  /** Directory of the journal. Made if missing (mode 0700, its parents 0755). Must be empty or a journal. */
  readonly directory: string
  /** Only look: takes no lock, changes nothing, works beside a process that writes. Default false. */
  readonly readOnly?: boolean
  /** Size of the log's files in bytes. Default 4 MiB; at least 1 KiB. */
  readonly segmentBytes?: number
  /** Where the log's files are kept, for tests and simulations. Default: {@link directory}, locked. */
  readonly files?: JournalFiles
}
