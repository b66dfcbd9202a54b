/** What tiers have to do with copies: where they are read from, and what a copy says of the buffer. */
import { sameVersion } from './announce.js'
import { copyOn, store, withCopy } from './catalog.js'
import type { CoreEvent } from './events.js'
import { destination } from './paths.js'
import { putAside, quietDelay, release } from './queue.js'
import {
  type Completed,
  type CopyRecord,
  copyRecord,
  type Failure,
  type FileRecord,
  type Fingerprint,
  type TierRecord,
  tierRecord,
} from './record.js'
import { readFrom } from './safety.js'
import type { Slot, State, StorageState } from './state.js'
import { onTier, turned, withTier } from './tier-records.js'

type About<T extends CoreEvent['type']> = Extract<CoreEvent, { type: T }>

/** What a copy is: its version that of the source, though it may have been read from another storage's copy. */
export function completed(
  served: CopyRecord | undefined,
  { fingerprint, mtimeNs }: About<'copied'>,
  digest: string | undefined,
): Completed {
  const source = served?.source ?? fingerprint
  const is = mtimeNs ?? fingerprint.mtimeNs
  return { digest, source, mtimeNs: is === source.mtimeNs ? undefined : is }
}

/** Whether what was read from another storage's copy is what had been copied there. */
export function isAsServed(served: CopyRecord, { fingerprint, digest }: About<'copied'>): boolean {
  if (served.source === undefined || served.source.size !== fingerprint.size) return false
  if (digest !== undefined && served.digest !== undefined) return digest === served.digest
  return fingerprint.mtimeNs === (served.mtimeNs ?? served.source.mtimeNs)
}

export function otherThanServed(storage: StorageState, { path, cut }: FileRecord): Failure {
  return { code: 'ERR_SUSTEN_DIGEST', errno: 0, syscall: 'compare', path: destination(storage, path, cut) }
}

/** The file is where it was read, and where it was copied to. */
export function arrived(state: State, { entry, from, bereft }: Slot, record: FileRecord, storage: string): FileRecord {
  let is = record
  for (const tier of state.tiers) {
    const on = onTier(record, tier.config.id)
    const isHere = tier.storage === undefined ? from === undefined && !bereft : tier.storage.config.id === storage
    if (!isHere || on === undefined || entry.leaving[tier.index]?.phase === 'flying') continue
    if (on.state !== 'held' || on.attempts > 0) is = turned(is, tier.config.id, 'held')
  }
  return is
}

/**
 * The buffer has the file no more. If it was given back, its copies are as good as before, and others can be read from
 * them.
 * @returns false if it is simply gone
 */
export function leftBuffer(state: State, storage: StorageState, slot: Slot, failure: Failure): boolean {
  const [buffer] = state.tiers
  const { entry } = slot
  const was = entry.record
  const on = buffer === undefined ? undefined : onTier(was, buffer.config.id)
  const copy = copyOn(was, storage.config.id)
  if (buffer === undefined || on === undefined || copy === undefined) return false
  if (slot.from !== undefined) return leftTier(state, storage, slot, slot.from)
  if (entry.leaving[buffer.index] !== undefined) {
    // Where it is to be read then will be known soon.
    putAside(state, storage, slot, quietDelay(state, slot))
    return true
  }
  const wasGivenBack = on.state !== 'held'
  const is = failure.code === 'ENOENT' || failure.code === 'ENOTDIR' ? 'gone' : 'link'
  // What the release said is newer than what was found.
  const isKnown = slot.bereft && on.state !== 'unsure'
  const now = isKnown ? was : withTier(was, found(on, is))
  const served = wasGivenBack && on.to !== undefined ? copyOn(was, on.to) : undefined
  const version = served?.source
  if (isOf(copy, version) || isLike(copy, served)) {
    store(state, was, withCopy(now, copyRecord(copy.storage, 'copied', 0, copy)))
    release(storage, slot)
    return true
  }
  const canServe = readFrom(state, now) !== undefined
  const willServe = state.config.tierSources === true && buffer.below.some((one) => isToServe(was, one, version))
  if (!canServe && !willServe) return false
  if (canServe) store(state, was, now)
  putAside(state, storage, slot, canServe ? 0 : quietDelay(state, slot))
  return true
}

/** What was found on the buffer. If it was something else than our link before, that counts on. */
function found({ tier, attempts, failure, to }: TierRecord, state: 'gone' | 'link'): TierRecord {
  const strange = state === 'link' && failure === undefined ? attempts : 0
  return tierRecord(tier, state, strange, to)
}

/** The storage that it was to be read from may have given it back meanwhile, to one further down. */
function leftTier(state: State, storage: StorageState, slot: Slot, from: string): boolean {
  const on = onTier(slot.entry.record, from)
  if (on === undefined || on.state === 'held') return false
  putAside(state, storage, slot, quietDelay(state, slot))
  return true
}

/** It will be found out that its copy is as good as before. */
function isToServe(record: FileRecord, { config }: StorageState, version: Fingerprint | undefined): boolean {
  const copy = copyOn(record, config.id)
  return copy?.state === 'pending' && isOf(copy, version)
}

/** Whether a copy is that of a version. */
function isOf({ source }: CopyRecord, version: Fingerprint | undefined): boolean {
  return source !== undefined && version !== undefined && sameVersion(source, version)
}

/** Whether a copy has the content of another one. */
function isLike({ source, digest }: CopyRecord, other: CopyRecord | undefined): boolean {
  return source !== undefined && digest !== undefined && digest === other?.digest
}

/** Nothing of it is on the buffer, once nobody is to read it there any more. */
export function goneUncopied(state: State, { entry, from }: Slot): void {
  const { record, leaving } = entry
  const [buffer] = state.tiers
  if (buffer === undefined || from !== undefined || leaving[buffer.index] !== undefined) return
  if (onTier(record, buffer.config.id) === undefined || record.copies.some((copy) => copy.state === 'pending')) return
  store(state, record, turned(record, buffer.config.id, 'gone'))
}
