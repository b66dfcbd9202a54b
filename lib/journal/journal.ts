/** The catalog made durable: what a journal offers. How it is kept is described in docs/JOURNAL.md. */
import type { ByteString } from '../bytes.js'
import type { FileRecord, JournalOp } from '../core/record.js'

/** Figures of a journal, cheap to read. */
export interface JournalStats {
  /** Files that it knows, committed ones only. */
  readonly records: number
  /** Size of its data file. */
  readonly bytes: number
  /** Durable transactions since it was opened. */
  readonly commits: number
  /** Operations applied durably since it was opened. */
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
   * made meanwhile share the next commit. Rejects with `SustenError`; after a failed commit every later call rejects
   * too, until the journal is opened anew.
   */
  apply(ops: readonly JournalOp[]): Promise<void>
  /** The record of a path. Sees everything applied so far, committed or not. */
  get(path: ByteString): FileRecord | undefined
  /** Touches the pages of these paths off the event loop, so that {@link get} doesn't wait for the disk. */
  prefetch(paths: readonly ByteString[]): Promise<void>
  /**
   * Up to `limit` records that have a copy in `state` on `storage`, in order of `seq`, beginning after seq `after`.
   * Committed ones only.
   */
  list(storage: string, state: 'pending' | 'failed', after: number, limit: number): FileRecord[]
  /** What operation `set` stored under this key. Sees everything applied so far. */
  value(key: string): unknown
  /** All committed records, in no particular order, in chunks that don't hold up the event loop. */
  files(): AsyncIterable<FileRecord>
  /** Figures, cheap to read. */
  stats(): JournalStats
  /** Closes after everything applied is durable. Later calls reject with `ERR_SUSTEN_CLOSED`. */
  close(): Promise<void>
}

export interface JournalOptions {
  /** Directory of the journal. Made if missing (mode 0700). Must be empty or a journal. */
  readonly directory: string
  /** Only look: takes no lock, works beside a process that writes. Default false. */
  readonly readOnly?: boolean
}
