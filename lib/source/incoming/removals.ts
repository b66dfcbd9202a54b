/**
 * Removes files that are safe elsewhere: by the release protocol (docs/ARCHITECTURE.md), which notices every writer. Where
 * a file system can't do that, a file is looked at and unlinked at once.
 */
import type { ByteString } from '../../bytes.js'
import type { Engine } from '../../engine/index.js'
import { fromNative, fromSystem, SustenError } from '../../errors.js'
import type { NativeReleaseResult } from '../../native.js'
import { createBatches } from '../batches.js'
import { type Patience, untilSure } from '../complete.js'
import type { FileOffer, Removal } from '../files.js'
import type { Listing } from '../listing.js'
import { placeOfBytes } from '../names.js'
import { bytesOfSpelling } from '../spelling.js'
import { lookBeneath, unlinkBeneath } from './beneath.js'
import { isRemote, type Mount } from './mount.js'
import { listedOf, type Marks, marksOf } from './version.js'

export interface RemovalOptions {
  readonly path: ByteString
  readonly engine: Engine
  readonly mount: Mount
  readonly listing: Listing
  readonly patience: Patience
  /** Runs one thing after the other: no look meets a file that is put away. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>
}

export interface Removals {
  remove(file: FileOffer): Promise<Removal>
  close(error: SustenError): Promise<void>
}

interface Wanted {
  readonly name: ByteString
  readonly version: string
  readonly marks: Marks
}

/** What one job removes at most. */
const MOST = 1000
/** Milliseconds for which calls are collected. */
const COLLECT = 5

export function createRemovals({ path, engine, mount, listing, patience, alone }: RemovalOptions): Removals {
  const batches = createBatches<Wanted, Removal>({
    keyOf: ({ name }) => name,
    weightOf: () => 0,
    most: MOST,
    heaviest: 0,
    collect: COLLECT,
    pause: 0,
    run: (files) => alone(() => run(files)),
  })

  async function run(files: readonly Wanted[]): Promise<readonly (Removal | Error)[]> {
    const volume = await mount.check()
    const answers = new Map<Wanted, Removal | Error>()
    for (const file of files) {
      const answer = await judge(file, isRemote(volume)).catch(asError)
      if (answer !== undefined) answers.set(file, answer)
    }
    const going = files.filter((file) => !answers.has(file))
    if (going.length > 0) {
      const { files: results } = await engine.release({
        root: path,
        rootIdentity: volume.identity,
        files: going.map(({ name, marks }) => ({ name, by: 'delete', known: marks })),
        durability: 'none',
      })
      for (const [index, file] of going.entries()) {
        answers.set(file, await outcomeOf(file, results[index]).catch(asError))
      }
    }
    for (const [{ name, version }, answer] of answers) {
      if (!('outcome' in answer)) continue
      if (answer.outcome === 'removed' || answer.outcome === 'gone') listing.forget(name, version)
      else if (answer.outcome === 'changed') listing.changed(name, version)
    }
    return files.map((file) => answers.get(file) ?? new Error('no answer'))
  }

  /** Undefined: it can be removed. */
  async function judge({ name, version }: Wanted, remote: boolean): Promise<Removal | undefined> {
    const asked = performance.now()
    const marks = await lookBeneath(path, name)
    if (marks === undefined) return undefined // the release tells what is there
    const file = listedOf(name, marks, remote)
    const sighting = listing.saw(file, asked)
    if (file.version !== version) return { outcome: 'changed' }
    if (sighting === undefined) return { outcome: 'early', after: patience.sure }
    const wait = untilSure(sighting, patience, false)
    return wait > 0 ? { outcome: 'early', after: Math.ceil(wait) } : undefined
  }

  async function outcomeOf(
    { name, version }: Wanted,
    result: NativeReleaseResult | undefined,
  ): Promise<Removal | SustenError> {
    if (result?.outcome === 'released') return { outcome: 'removed' }
    if (result?.outcome === 'absent') return { outcome: 'gone' }
    if (result?.outcome === 'changed') return { outcome: 'changed' }
    if (result?.outcome === 'busy') return { outcome: 'early', after: patience.sure }
    const { error } = result ?? {}
    if (error?.code === 'ERR_SUSTEN_NO_RELEASE') return { outcome: await unlinkBeneath(path, name, version) }
    // A directory on the way is a link by now: what is there isn't this source's.
    if (error?.code === 'ELOOP') return { outcome: 'changed' }
    if (error?.code === 'EROFS') return { outcome: 'kept', reason: 'its file system is mounted read-only' }
    return error === undefined
      ? asError(new Error(`unexpected result of a release: ${result?.outcome}`))
      : fromNative(error)
  }

  function asError(error: unknown): SustenError {
    const known = fromSystem(error, path)
    if (known instanceof SustenError) return known
    return new SustenError(String(error), { code: 'EIO', syscall: 'unlink', cause: error })
  }

  return {
    remove({ name: spelling, version }) {
      const name = bytesOfSpelling(spelling)
      const place = placeOfBytes(name)
      if ('refused' in place) return Promise.resolve({ outcome: 'kept', reason: place.text })
      const marks = marksOf(version)
      if (marks === undefined) return Promise.resolve({ outcome: 'changed' })
      return batches.ask({ name, version, marks })
    },
    close: batches.close,
  }
}
