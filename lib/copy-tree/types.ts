/** What goes into `copyTree` and what comes out of it. The whole story: docs/COPYTREE.md. */
import type { PathInput } from '../bytes.js'
import type { PreserveOptions } from '../copy-options.js'
import type { Engine } from '../engine/index.js'
import type { SustenError } from '../errors.js'
import type { Durability, Strategy, Verify } from '../native.js'

/** The form in which a call's paths are told back: bytes if `src` was given as bytes, else text. */
export type PathForm<S extends PathInput> = S extends Uint8Array ? Uint8Array : string

/**
 * Decides whether something is copied: called for the root, then for each entry of each directory that was let in,
 * with paths that begin as `src` and `dest` were given. A directory that is refused is not entered.
 */
export type CopyFilter<P extends string | Uint8Array = string> = (src: P, dest: P) => boolean | PromiseLike<boolean>

/** The options that `fs.cp` and fs-extra's `copy` have too, with their meaning. */
export interface CompatibleOptions<P extends string | Uint8Array = string> {
  /** Replace files that exist. Default true. */
  readonly force?: boolean | undefined
  /** fs-extra's name of `force`. */
  readonly overwrite?: boolean | undefined
  /** fs-extra's old name of `force`. */
  readonly clobber?: boolean | undefined
  /** With `force: false`: fail with `ERR_FS_CP_EEXIST` where a file exists, instead of leaving it. Default false. */
  readonly errorOnExist?: boolean | undefined
  /** What to copy. Default everything. What it throws is what `copyTree` rejects with. */
  readonly filter?: CopyFilter<P> | undefined
  /** Copy what symbolic links point to, instead of the links. Default false. */
  readonly dereference?: boolean | undefined
  /** Copy the text of symbolic links as it is; else relative ones are made absolute. Default false. */
  readonly verbatimSymlinks?: boolean | undefined
  /** Short for `preserve.times`: true is `keep`, false is `off`. Default true. */
  readonly preserveTimestamps?: boolean | undefined
  /** Copy directories with all that they hold; with false, a directory fails with `ERR_FS_EISDIR`. Default true. */
  readonly recursive?: boolean | undefined
  /**
   * Flags of `fs.constants`: `COPYFILE_FICLONE` is what happens anyway with `verify: 'none'` and changes nothing with
   * others, `COPYFILE_FICLONE_FORCE` is short for `strategy: 'reflink'`, and `COPYFILE_EXCL` changes nothing, as in
   * `fs.cp`: see `force`. Default 0.
   */
  readonly mode?: number | undefined
}

/** Options of `copyTree`. */
export interface CopyTreeOptions<P extends string | Uint8Array = string> extends CompatibleOptions<P> {
  /**
   * `inline`: an XXH3-128 digest of every file as it is copied; `readback`: and the copy is read again past the page
   * cache and compared; `none`. Default `inline`; with a `strategy` that leaves the bytes to the kernel, which
   * excludes `inline`, `readback`.
   */
  readonly verify?: Verify | undefined
  /**
   * What is on stable storage when the promise resolves: `batch` (default) everything, with few syncs for many files;
   * `each` everything, one sync per file; `none` nothing is waited for.
   */
  readonly durability?: Durability | undefined
  /**
   * How bytes are carried. Default `auto`: the fastest that the two file systems and `verify` allow. The others fail
   * where they can't.
   */
  readonly strategy?: Strategy | undefined
  /** Owner, mode, times and attributes. */
  readonly preserve?: PreserveOptions | undefined
  /** Files at a time, 1…256. Default: the engine's. Not together with `engine`. */
  readonly concurrency?: number | undefined
  /** Copy with the threads of this engine; else with an engine of its own that ends with the call. */
  readonly engine?: Engine | undefined
  /** Cancels: rejects with `ABORT_ERR` as soon as nothing runs any more. No partial file is left. */
  readonly signal?: AbortSignal | undefined
  /** Told how far it is, at most every 100 ms, and once at the end. */
  readonly onProgress?: ((progress: CopyProgress) => void) | undefined
  /** Writes a list of digests to this file that `xxhsum -c` takes in the destination. Needs `verify`. */
  readonly manifest?: PathInput | undefined
  /** Give the digest of every copied file in the report. Needs `verify`. Default false. */
  readonly digests?: boolean | undefined
  /**
   * `throw` (default): no new file is begun after a failure, and the promise rejects with one error that holds every
   * failure and the report. `continue`: all that can be copied is, and the report lists the failures.
   */
  readonly onError?: 'throw' | 'continue' | undefined
}

/** Counters of a running copy. */
export interface CopyProgress {
  /** Files copied. */
  readonly files: number
  /** Bytes of content carried. */
  readonly bytes: number
  /** Directories made. */
  readonly directories: number
  /** Symbolic links made. */
  readonly symlinks: number
  /** What was left out: files that exist, with `force: false`, and what the filter refused below the root. */
  readonly skipped: number
  /** What could not be copied. */
  readonly failed: number
}

/** What `copyTree` did. */
export interface CopyReport<P extends string | Uint8Array = string> extends Omit<CopyProgress, 'failed'> {
  /** Time taken. */
  readonly seconds: number
  /** With `digests: true`, one entry per copied file, in no particular order. */
  readonly digests?: readonly CopyDigest<P>[]
  /** Everything that failed, in the order in which it did. */
  readonly failures: readonly SustenError[]
}

/** One copied file's digest. */
export interface CopyDigest<P extends string | Uint8Array = string> {
  /** Below the root; the root's own name if it is a file. */
  readonly path: P
  /** XXH3-128, 32 hexadecimal digits, as `xxhsum -H2` prints it. */
  readonly digest: string
  /** Size of the file. */
  readonly bytes: number
}
