/**
 * Removes files at the server, many at a time: looks at them, removes those that are what they should be, and looks again
 * at what is left.
 */
import type { ByteString } from '../../bytes.js'
import { SustenError } from '../../errors.js'
import { createBatches } from '../batches.js'
import { type Patience, untilSure } from '../complete.js'
import type { FileOffer, Removal } from '../files.js'
import type { Listing } from '../listing.js'
import { placeOfBytes } from '../names.js'
import { bytesOfSpelling, spelled } from '../spelling.js'
import type { Client, Found } from './client.js'
import { serverError } from './program.js'
import type { Staging } from './staging.js'

export interface RemovalOptions {
  readonly client: Pick<Client, 'look' | 'remove'>
  readonly listing: Listing
  readonly patience: Patience
  readonly staging: () => Promise<Staging>
  /** Runs one thing after the other: lists don't come in between. */
  readonly alone: <T>(work: () => Promise<T>) => Promise<T>
  readonly signal: AbortSignal
}

export interface Removals {
  remove(file: FileOffer): Promise<Removal>
  close(error: SustenError): Promise<void>
}

/** What one run removes at most. */
const MOST = 1000
/** Milliseconds for which calls are collected. */
const COLLECT = 20

interface Wanted {
  readonly name: ByteString
  readonly version: string
}

export function createRemovals(options: RemovalOptions): Removals {
  const { client, listing, patience, staging, alone, signal } = options
  const batches = createBatches<Wanted, Removal>({
    keyOf: ({ name }) => name,
    weightOf: () => 0,
    most: MOST,
    heaviest: 0,
    collect: COLLECT,
    pause: 0,
    run: (files) => alone(() => run(files)),
  })

  async function run(files: readonly Wanted[]): Promise<readonly (Removal | SustenError)[]> {
    const stage = await staging()
    const answers = await judgeAll(files, stage)
    const going = files.filter(({ name }) => !answers.has(name))
    if (going.length > 0) {
      const names = going.map(({ name }) => name)
      const refusal = await client.remove(names, await stage.make(), signal)
      const after = await client.look(names, await stage.empty(), signal)
      for (const file of going) answers.set(file.name, outcomeOf(file, after.get(file.name), refusal))
    }
    for (const { name, version } of files) {
      const answer = answers.get(name)
      if (answer === undefined || !('outcome' in answer)) continue
      if (answer.outcome === 'removed' || answer.outcome === 'gone') listing.forget(name, version)
      else if (answer.outcome === 'changed') listing.changed(name, version)
    }
    return files.map(({ name }) => answers.get(name) ?? serverError(`rsync of ${spelled(name)}: no answer`))
  }

  /** Those that aren't to be removed now, and what they are answered. */
  async function judgeAll(files: readonly Wanted[], stage: Staging): Promise<Map<ByteString, Removal | SustenError>> {
    const asked = performance.now()
    const found = await client.look(
      files.map(({ name }) => name),
      await stage.empty(),
      signal,
    )
    const answers = new Map<ByteString, Removal | SustenError>()
    for (const file of files) {
      const answer = judge(file, found.get(file.name), asked)
      if (answer !== undefined) answers.set(file.name, answer)
    }
    return answers
  }

  /** Undefined: it can be removed. */
  function judge(
    { name, version }: Wanted,
    found: Found | undefined,
    asked: number,
  ): Removal | SustenError | undefined {
    if (found === undefined) return serverError(`rsync of ${spelled(name)}: no answer`)
    if (found instanceof SustenError) return found
    if (found === 'nothing') return { outcome: 'gone' }
    if (found === 'other') return { outcome: 'changed' }
    const sighting = listing.saw(found, asked)
    if (found.version !== version) return { outcome: 'changed' }
    if (sighting === undefined) return { outcome: 'early', after: patience.sure }
    const wait = untilSure(sighting, patience, false)
    return wait > 0 ? { outcome: 'early', after: Math.ceil(wait) } : undefined
  }

  /** What became of a file that was to be removed. @param refusal Why the daemon removes nothing. */
  function outcomeOf(
    { name, version }: Wanted,
    found: Found | undefined,
    refusal: string | undefined,
  ): Removal | SustenError {
    if (found instanceof SustenError) return found
    if (found === 'nothing') return { outcome: 'removed' }
    if (found === 'other' || found?.version !== version) return { outcome: 'changed' }
    if (refusal !== undefined) return { outcome: 'kept', reason: `the rsync daemon removes nothing: ${refusal}` }
    return serverError(`rsync of ${spelled(name)}: the daemon didn't remove it; see its log`)
  }

  return {
    remove({ name: spelling, version }) {
      const name = bytesOfSpelling(spelling)
      const place = placeOfBytes(name)
      if ('refused' in place) return Promise.resolve({ outcome: 'kept', reason: place.text })
      return batches.ask({ name, version })
    },
    close: batches.close,
  }
}
