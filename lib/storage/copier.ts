/** Carries out one storage's copy commands on its own engine, and reports what came of each file. */

import PQueue from 'p-queue'
import { type ByteString, textOfBytes } from '../bytes.js'
import type { CopyOrder, CoreEvent, Failure, Side } from '../core/index.js'
import type { Engine } from '../engine/index.js'
import { SustenError } from '../errors.js'
import type { NativeCopyFile, NativeCopyOptions, NativeError, NativeFileResult } from '../native.js'
import { isWithin } from '../paths.js'
import { linkTo, placeBelow, type Target } from './target.js'

/** What a copier needs to know. */
export interface CopierOptions {
  readonly id: string
  readonly source: ByteString
  /** The identity of the file system that the source must lie on, if that is to be looked at. */
  readonly sourceIdentity: () => string | undefined
  readonly target: Target
  /** Targets of all storages, by id: copies may be read from there instead of the source. */
  readonly targets: ReadonlyMap<string, Target>
  readonly copy: NativeCopyOptions
  readonly engine: Engine
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Told of every file that was ordered, exactly once, unless the copier is stopped before. */
  readonly report: (event: CoreEvent) => void
}

/** Carries out copy commands. */
export interface Copier {
  /** Copies to the file system of this identity, or not at all. */
  copy(identity: string, files: readonly CopyOrder[]): void
  /** Gives up what is under way and waiting. Nothing is reported any more. */
  stop(): void
  /** Resolves when nothing is under way. */
  idle(): Promise<void>
}

/** Orders that go to one file system, and are read from one. */
interface Batch {
  readonly identity: string
  /** The storage that they are read from; undefined: the source. */
  readonly from: string | undefined
  readonly fromIdentity: string | undefined
  readonly files: readonly CopyOrder[]
}

/** Files that go to the engine as one job. More in one would only be reported no sooner. */
const largestBatch = 256

/**
 * Opens a copier. Jobs are few at a time, so that orders which come one by one while the engine is busy go to it
 * together: a lone file goes at once, a flood of them in batches.
 */
export function createCopier(options: CopierOptions): Copier {
  const { engine, report, now } = options
  const queue = new PQueue({ concurrency: Math.max(4, engine.threads) })
  const stopping = new AbortController()
  let waiting: Batch[] = []

  /** As many waiting files as fit one job; all for the same file system. */
  function next(): Batch | undefined {
    const [first] = waiting
    if (first === undefined) return undefined
    const files: CopyOrder[] = []
    let taken = 0
    for (const batch of waiting) {
      const { files: more } = batch
      if (!isAlike(batch, first) || (files.length > 0 && files.length + more.length > largestBatch)) break
      files.push(...more)
      taken += 1
    }
    waiting = waiting.slice(taken)
    return { ...first, files }
  }

  async function run(batch: Batch): Promise<void> {
    const reported = new Set<number>()
    const { files } = batch
    try {
      const job = jobOf(options, batch)
      await engine.copyFiles(job, {
        signal: stopping.signal,
        onFile(result) {
          reported.add(result.index)
          const order = files[result.index]
          if (order !== undefined && !stopping.signal.aborted) report(eventOf(options, order, result))
        },
      })
    } catch (error) {
      if (stopping.signal.aborted) return
      const left = files.filter((_, index) => !reported.has(index)).map((order) => order.path)
      report({ type: 'returned', at: now(), storage: options.id, paths: left, ...conditionOf(options, error) })
    }
  }

  return {
    copy(identity, files) {
      for (const batch of batchesOf(identity, files)) {
        waiting.push(batch)
        // One task per batch at most: a task that finds nothing left has been served by another.
        void queue.add(async () => {
          const some = next()
          if (some !== undefined) await run(some)
        })
      }
    },
    stop() {
      waiting = []
      queue.clear()
      stopping.abort()
    },
    idle: () => queue.onIdle(),
  }
}

const isAlike = (one: Batch, other: Batch): boolean =>
  one.identity === other.identity && one.from === other.from && one.fromIdentity === other.fromIdentity

/** Almost always one: few orders are read from a storage. */
function batchesOf(identity: string, files: readonly CopyOrder[]): Batch[] {
  if (files.every(({ from }) => from === undefined)) {
    return [{ identity, from: undefined, fromIdentity: undefined, files }]
  }
  const batches = new Map<string, Batch & { readonly files: CopyOrder[] }>()
  for (const file of files) {
    const { from, fromIdentity } = file
    const key = JSON.stringify([from, fromIdentity])
    const batch = batches.get(key)
    if (batch === undefined) batches.set(key, { identity, from, fromIdentity, files: [file] })
    else batch.files.push(file)
  }
  return [...batches.values()]
}

const layoutDepth = ({ layout }: Target): number => (layout === '' ? 0 : layout.split('/').length)

function jobOf(
  options: CopierOptions,
  { identity, from, fromIdentity, files }: Batch,
): Parameters<Engine['copyFiles']>[0] {
  const { source, target, targets, copy } = options
  const origin = from === undefined ? undefined : targets.get(from)
  const srcIdentity = origin === undefined ? options.sourceIdentity() : fromIdentity
  return {
    srcRoot: origin?.root ?? source,
    ...(srcIdentity === undefined ? {} : { srcIdentity }),
    destRoot: target.root,
    destIdentity: identity,
    options: copy,
    layout: layoutDepth(target),
    files: files.map(({ path, cut, link, known, knownDigest, knownMtimeNs }): NativeCopyFile => {
      const src = origin === undefined ? path : placeBelow(origin, path, cut)
      const dest = placeBelow(target, path, cut)
      // The usual case as one plain object.
      if (link === undefined && known === undefined) return { src, dest, existing: 'version' }
      const leadsTo = link === undefined ? undefined : targets.get(link)
      const expectLink = leadsTo === undefined ? {} : { expectLink: linkTo(leadsTo, path, cut) }
      const file = { src, dest, existing: 'version', ...expectLink } as const
      if (known === undefined) return file
      const expect = { size: known.size, mtimeNs: knownMtimeNs ?? known.mtimeNs }
      return { ...file, known, expect, ...(knownDigest === undefined ? {} : { knownDigest }) }
    }),
  }
}

function eventOf(options: CopierOptions, { path, cut }: CopyOrder, result: NativeFileResult): CoreEvent {
  const at = options.now()
  const storage = options.id
  const { outcome, fingerprint, mtimeNs, version } = result
  if (outcome !== 'failed' && outcome !== 'skipped' && fingerprint !== undefined) {
    return {
      type: 'copied',
      at,
      storage,
      path,
      outcome,
      bytes: result.bytes,
      fingerprint,
      mtimeNs: mtimeNs === fingerprint.mtimeNs ? undefined : mtimeNs,
      digest: result.digest,
      version: version === undefined ? undefined : beside(path.slice(cut), version),
    }
  }
  const { target } = options
  const unknown: NativeError = { code: 'EIO', errno: 5, syscall: 'copy', path: target.path }
  const failure = failureOf(result.error ?? unknown)
  const side = sideOf(options, textOfBytes(failure.path))
  if (isDenied(failure) && isTarget(target, failure)) {
    return { type: 'failed', at, storage, path, side, failure, whole: true }
  }
  return { type: 'failed', at, storage, path, side, failure }
}

const isDenied = ({ code }: Failure): boolean => code === 'EACCES' || code === 'EPERM'

/** Whether it was the target itself in which nothing could be made. */
function isTarget({ root }: Target, { syscall, path }: Failure): boolean {
  const where = syscall === 'mkdirat' ? path.slice(0, path.lastIndexOf('/')) : path
  return where === root || (where === '' && root === '/')
}

function failureOf({ code, errno, syscall, path, dest }: NativeError): Failure {
  return dest === undefined ? { code, errno, syscall, path } : { code, errno, syscall, path, dest }
}

/** A name in the same directory as a path. */
function beside(path: string, name: ByteString): ByteString {
  return `${path.slice(0, path.lastIndexOf('/') + 1)}${name}` as ByteString
}

/** An error's path says where it happened. The target is asked first: the source may be `/`. */
function sideOf({ target }: CopierOptions, path: string): Side {
  return isWithin(textOfBytes(target.root), path) ? 'storage' : 'source'
}

/** Why a whole job could not be done. */
function conditionOf(options: CopierOptions, error: unknown): { failure: Failure; side: Side } {
  const { target } = options
  if (!(error instanceof SustenError)) {
    return { failure: { code: 'EUNKNOWN', errno: 0, syscall: String(error), path: target.path }, side: 'storage' }
  }
  const failure = { code: error.code, errno: Math.abs(error.errno), syscall: error.syscall, path: target.path }
  if (error.path === undefined || error.path === '') return { failure, side: 'storage' }
  const side = sideOf(options, error.path)
  return { failure: side === 'storage' ? failure : { ...failure, path: options.source }, side }
}
