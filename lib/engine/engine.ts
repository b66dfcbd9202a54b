/** What an engine offers. How it does it: docs/ENGINE.md. */
import type { ByteString } from '../bytes.js'
import type {
  NativeCopyJob,
  NativeEntries,
  NativeFault,
  NativeFileResult,
  NativeProgress,
  NativeReceiveJob,
  NativeReceiveResult,
  NativeReleaseJob,
  NativeReleaseResult,
  NativeTreeJob,
  NativeWalkJob,
} from '../native.js'
import type { Volume } from './volume.js'

/** How an engine is opened. */
export interface EngineOptions {
  /** Worker threads, 1…256. Default: the processors that this process may use, at least 2, at most 8. */
  readonly threads?: number | undefined
  /**
   * Added to the workers' nice value, 0…19, so that the embedding thread comes first. Above 0 they also run as
   * `SCHED_BATCH`: one that is woken doesn't take the processor from who woke it. Default 5.
   */
  readonly nice?: number | undefined
  /**
   * Files that may wait inside the engine. Calls of {@link Engine.copyFiles} beyond it wait their turn outside, in
   * order; a job larger than it is handed over in parts. Default 16384.
   */
  readonly queueLimit?: number | undefined
  /** Faults of system calls, to test how failures are handled. Default none. */
  readonly faults?: readonly NativeFault[] | undefined
  /**
   * Letters and digits that no other running process uses, at most 32: marks this engine's temp files, so that what a
   * dead process with this tag left in a target directory is removed. Default: temp files are nobody's.
   */
  readonly tempTag?: string | undefined
}

/** Options of {@link Engine.copyFiles}. */
export interface CopyFilesOptions {
  /** Cancels the job: the promise rejects with `ABORT_ERR` once nothing of it runs any more. */
  readonly signal?: AbortSignal | undefined
  /** Called for each file as it ends, failed ones too. What it throws cancels the job and rejects its promise. */
  readonly onFile?: ((result: NativeFileResult) => void) | undefined
}

/** Options of {@link Engine.copyTree}. What a callback throws cancels the job and rejects its promise. */
export interface CopyTreeJobOptions {
  /** Cancels the job: the promise rejects with `ABORT_ERR` once nothing of it runs any more. */
  readonly signal?: AbortSignal | undefined
  /** Called now and then with the counters so far. */
  readonly onProgress?: ((progress: NativeProgress) => void) | undefined
  /** Called for each failed file, and with `reportFiles` for each copied one. */
  readonly onFile?: ((result: NativeFileResult) => void) | undefined
  /** Answers for each pair of paths whether it is to be copied: non-zero for yes. Needed with `filter: true`. */
  readonly filter?: TreeFilter | undefined
}

/** Decides on pairs of absolute paths of the same length: one byte each, non-zero to copy. */
export type TreeFilter = (
  src: readonly ByteString[],
  dest: readonly ByteString[],
) => Uint8Array | PromiseLike<Uint8Array>

/** Options of {@link Engine.release}. */
export interface ReleaseOptions {
  /** Cancels the job: the promise rejects with `ABORT_ERR` once nothing of it runs any more. */
  readonly signal?: AbortSignal | undefined
  /** Called for each file and directory as it ends. What it throws cancels the job and rejects its promise. */
  readonly onFile?: ((result: NativeReleaseResult) => void) | undefined
}

/** Results of {@link Engine.release}, in the order of the job's lists. */
export interface ReleaseResults {
  readonly files: readonly NativeReleaseResult[]
  readonly directories: readonly NativeReleaseResult[]
}

/** A job for {@link Engine.receive}. */
export type ReceiveJob = Omit<NativeReceiveJob, 'addresses'> & {
  /** Default: what `host` is, or what the system finds for it. */
  readonly addresses?: readonly string[] | undefined
}

/** Options of {@link Engine.receive}. What a callback throws cancels the job and rejects its promise. */
export interface ReceiveOptions {
  /** Cancels the job: the promise rejects with `ABORT_ERR` once nothing of it runs any more. */
  readonly signal?: AbortSignal | undefined
  /** Called for each file as it ends, failed ones too. */
  readonly onFile?: ((result: NativeReceiveResult) => void) | undefined
  /** Called now and then with the counters so far, in the middle of long files too. */
  readonly onProgress?: ((progress: NativeProgress) => void) | undefined
}

/** A batch of the regular files below a directory, in no particular order, and what of it could not be read. */
export type WalkEntries = Pick<NativeEntries, 'names' | 'fingerprints' | 'unreadable'>

/**
 * A pool of threads that copies files. Independent of every other engine and of libuv's pool. It keeps the process
 * alive only while it works. Its promises reject with `SustenError`.
 */
export interface Engine extends AsyncDisposable {
  /** Worker threads. */
  readonly threads: number
  /** Files that may wait inside the engine. */
  readonly queueLimit: number
  /**
   * Copies files by name. Resolves to one result per file, in the order of `job.files`; a file that failed is a
   * result with its `error`, not a rejection. Rejects when the job as a whole can't be done or is cancelled: what was
   * copied until then has been told to `onFile` only.
   */
  copyFiles(job: NativeCopyJob, options?: CopyFilesOptions): Promise<NativeFileResult[]>
  /**
   * Gives back the space of files that are safe on the next tier, by name; then removes directories that are empty. A
   * file that could not be released is a result, not a rejection. Rejects when the job as a whole can't be done or is
   * cancelled: what was released until then has been told to `onFile` only.
   */
  release(job: NativeReleaseJob, options?: ReleaseOptions): Promise<ReleaseResults>
  /**
   * Receives files from an HTTP server. Resolves to one result per file, in the order of `job.files`; an answer that
   * isn't the file, and a file that failed, are results, not rejections. Rejects when the job as a whole can't be done
   * or is cancelled: what was received until then has been told to `onFile` only.
   */
  receive(job: ReceiveJob, options?: ReceiveOptions): Promise<NativeReceiveResult[]>
  /** Copies a tree. Resolves to the final counters; failures of single files are told to `onFile` and counted. */
  copyTree(job: NativeTreeJob, options?: CopyTreeJobOptions): Promise<NativeProgress>
  /**
   * Lists the regular files below a directory, reading ahead by a few batches only. Begins with the first batch that
   * is asked for; leaving the loop ends it.
   */
  walk(job: NativeWalkJob, options?: { readonly signal?: AbortSignal | undefined }): AsyncIterable<WalkEntries>
  /** Fill state and identity of the file system that holds `path`. */
  volume(path: ByteString): Promise<Volume>
  /**
   * Ends the threads; later calls reject with `ERR_SUSTEN_CLOSED`. `drain` (default) first finishes every job that
   * was begun, waiting ones too; `cancel` cancels them all. May be called again, to turn a drain into a cancel.
   * Leaving an `await using` scope cancels.
   */
  close(mode?: 'drain' | 'cancel'): Promise<void>
}
