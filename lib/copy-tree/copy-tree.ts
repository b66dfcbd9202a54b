/** The call itself: checks, engine, report. */
import { AsyncResource } from 'node:async_hooks'
import { posix } from 'node:path'
import type { ByteString, PathInput } from '../bytes.js'
import { abortError, type Engine, openEngine } from '../engine/index.js'
import { SustenError } from '../errors.js'
import type { NativeFileResult, NativeProgress } from '../native.js'
import { absolutePath, bytesOfPath } from '../paths.js'
import { treeFilter } from './filter.js'
import { createManifest, type Manifest } from './manifest.js'
import { asGiven, type Show, showAs } from './names.js'
import { type CompleteOptions, completeOptions } from './options.js'
import { listedFailure, settle } from './outcome.js'
import { paced, publicProgress } from './progress.js'
import { findRoots, makeParents, type Roots } from './roots.js'
import type { CopyDigest, CopyFilter, CopyProgress, CopyReport, CopyTreeOptions, PathForm } from './types.js'

/** One call's inputs, checked. */
interface Call<P extends string | Uint8Array> {
  readonly src: ByteString
  readonly dest: ByteString
  readonly show: Show<P>
  readonly options: CompleteOptions<P>
  /** When it began, on the clock of `performance.now()`. */
  readonly began: number
}

/**
 * Copies a file, a symbolic link or a directory with all that it holds. A drop-in for `fs.cp` and fs-extra's `copy`;
 * by default it also preserves owner, mode and times, verifies every file by digest, and resolves when the copy is on
 * stable storage. docs/COPYTREE.md lists every difference.
 *
 * @param src What to copy. Text, bytes or a `file:` URL; given as bytes, filter and report tell bytes too.
 * @param dest What the copy is to be called; directories above it are made.
 * @param options Options, or a filter alone.
 * @returns What was done.
 * @throws SustenError With the code of what failed; `failures` lists every failure and `report` what was done. Codes
 *   differ among the failures: `ERR_SUSTEN_FAILURES`. Refused before anything was copied: `ERR_FS_CP_*`,
 *   `ERR_FS_EISDIR`, `ERR_SUSTEN_OPTION`. Cancelled: `ABORT_ERR`.
 */
export async function copyTree<S extends PathInput>(
  src: S,
  dest: PathInput,
  options: CopyTreeOptions<PathForm<S>> | CopyFilter<PathForm<S>> = {},
): Promise<CopyReport<PathForm<S>>> {
  const call: Call<PathForm<S>> = {
    src: bytesOfPath(src, 'src'),
    dest: bytesOfPath(dest, 'dest'),
    show: showAs(src),
    options: completeOptions(options),
    began: performance.now(),
  }
  const { filter, copy, signal } = call.options
  throwIfAborted(signal)
  if (filter !== undefined && !(await filter(call.show(call.src), call.show(call.dest)))) {
    return report(call, nothing, [], [])
  }
  const roots = await findRoots(call.src, call.dest, call.options)
  throwIfAborted(signal)
  await makeParents(roots.dest, copy.durability !== 'none')
  if (call.options.engine !== undefined) return run(call, roots, call.options.engine)
  const engine = openEngine({ threads: call.options.concurrency })
  try {
    return await run(call, roots, engine)
  } finally {
    await engine.close('cancel')
  }
}

/** While a job runs its engine looks; this is for what comes before. */
function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal)
}

const nothing: CopyProgress = { files: 0, bytes: 0, directories: 0, symlinks: 0, skipped: 0, failed: 0 }

async function run<P extends string | Uint8Array>(call: Call<P>, roots: Roots, engine: Engine): Promise<CopyReport<P>> {
  const { options } = call
  const { manifest: path, copy, stopOnError } = options
  const manifest = path === undefined ? undefined : createManifest(absolutePath(path), copy.durability !== 'none')
  const digests: CopyDigest<P>[] = []
  const failures: SustenError[] = []
  try {
    const progress = await engine.copyTree(
      {
        src: roots.src,
        dest: roots.dest,
        options: copy,
        existing: options.existing,
        dereference: options.dereference,
        verbatimSymlinks: options.verbatimSymlinks,
        stopOnError,
        filter: options.filter !== undefined,
        reportFiles: options.digests || manifest !== undefined,
      },
      {
        signal: options.signal,
        onFile: fileSink(call, roots, digests, failures, manifest),
        onProgress: options.onProgress && paced(AsyncResource.bind(options.onProgress)),
        filter: options.filter && filterOf(call, roots, options.filter),
      },
    )
    options.onProgress?.(publicProgress(progress))
    if (failures.length > 0 && stopOnError) await manifest?.discard()
    else await finishManifest(manifest, failures)
    return settle(report(call, progress, digests, failures), stopOnError)
  } catch (error) {
    await manifest?.discard()
    throw error
  }
}

/** Takes the end of each file. Nothing is kept of one that was copied but what was asked for. */
function fileSink<P extends string | Uint8Array>(
  call: Call<P>,
  roots: Roots,
  digests: CopyDigest<P>[],
  failures: SustenError[],
  manifest: Manifest | undefined,
): (result: NativeFileResult) => void {
  return ({ error, name, digest, bytes }) => {
    if (error !== undefined) failures.push(listedFailure(error))
    if (digest === undefined) return
    const below = name === '' ? (posix.basename(roots.dest) as ByteString) : name
    manifest?.add(below, digest)
    if (call.options.digests) digests.push({ path: call.show(below), digest, bytes })
  }
}

function filterOf<P extends string | Uint8Array>(call: Call<P>, roots: Roots, filter: CopyFilter<P>) {
  const src = asGiven(roots.src, call.src)
  const dest = asGiven(roots.dest, call.dest)
  return treeFilter(AsyncResource.bind(filter), {
    src: (path) => call.show(src(path)),
    dest: (path) => call.show(dest(path)),
  })
}

/** A manifest that can't be written is a failure like any other: the files are copied all the same. */
async function finishManifest(manifest: Manifest | undefined, failures: SustenError[]): Promise<void> {
  try {
    await manifest?.finish()
  } catch (error) {
    if (!(error instanceof SustenError)) throw error
    failures.push(error)
  }
}

function report<P extends string | Uint8Array>(
  call: Call<P>,
  progress: CopyProgress | NativeProgress,
  digests: readonly CopyDigest<P>[],
  failures: readonly SustenError[],
): CopyReport<P> {
  const { files, bytes, directories, symlinks, skipped } = progress
  const seconds = (performance.now() - call.began) / 1000
  const counted = { files, bytes, directories, symlinks, skipped, seconds, failures }
  return call.options.digests ? { ...counted, digests } : counted
}
