/** What became of a copy. */
import type { ByteString } from '../bytes.js'
import { textOfBytes } from '../bytes.js'
import { sameVersion } from './announce.js'
import { change, copyOn, store, withCopy } from './catalog.js'
import { countsOf } from './counters.js'
import type { CoreEvent } from './events.js'
import { classify } from './failures.js'
import { retryDelay } from './guard.js'
import { bucketOf } from './holdings.js'
import { say } from './messages.js'
import { destination, join } from './paths.js'
import { land, putAside, putBack, quietDelay, release } from './queue.js'
import { addToRate } from './rate.js'
import { copyRecord, type Failure, type FileRecord, type Fingerprint } from './record.js'
import type { Earlier, Slot, State, StorageState } from './state.js'
import { sourceGone, succeeded, troubled } from './storages.js'
import { arrived, completed, goneUncopied, isAsServed, leftBuffer, otherThanServed } from './tier-copies.js'
import { failureText } from './wording.js'

type About<T extends CoreEvent['type']> = Extract<CoreEvent, { type: T }>

/** How often a file may be found changing, in a row, until that is told. Copying goes on being tried. */
const patience = 12

/** The copy is there. Journaled first; told only then. Announced anew meanwhile: pending still. */
export function copied(state: State, event: About<'copied'>): void {
  const storage = state.byId.get(event.storage)
  if (storage === undefined) return
  const slot = land(state, storage, state.files.get(event.path))
  if (slot === undefined) return
  const was = slot.entry.record
  const cut = slot.cut
  const moved = cut !== was.cut
  const again = slot.again || moved || isOlder(event.fingerprint, slot.seen)
  if (!moved) {
    if (slot.served !== undefined && !isAsServed(slot.served, event)) {
      const isStill = slot.from !== undefined && copyOn(was, slot.from) === slot.served
      if (again || !isStill) putBack(state, storage, slot, false)
      else giveUp(state, storage, slot, otherThanServed(storage, was), 1)
      return
    }
    const digest = event.digest ?? (event.outcome === 'unchanged' ? copyOn(was, event.storage)?.digest : undefined)
    const last = completed(slot.served, event, digest)
    const copy = copyRecord(event.storage, again ? 'pending' : 'copied', 0, last)
    change(state, slot.entry, arrived(state, slot, withCopy(was, copy), event.storage))
  }
  const shift = bucketOf(state.shifts, was.shift)
  countsOf(state.counters, shift, event.storage).bytes += event.bytes
  if (state.tiers.length > 0) state.out.shifts.add(shift)
  state.out.changed = true
  addToRate(storage.files, event.at, 1)
  addToRate(storage.bytes, event.at, event.bytes)
  succeeded(state, storage, slot.epoch)
  if (event.version !== undefined) collided(state, storage, event.path, cut, event.version)
  slot.changes = 0
  const result = withEarlier(event, slot.earlier)
  if (again) {
    slot.earlier = result.outcome === 'unchanged' || moved ? undefined : { ...result, outcome: result.outcome }
    putBack(state, storage, slot, false)
    return
  }
  release(storage, slot)
  state.out.notices.push({
    type: 'copied',
    at: event.at,
    storage: event.storage,
    path: event.path,
    cut,
    outcome: result.outcome,
    bytes: result.bytes,
    size: event.fingerprint.size,
    mtimeNs: event.fingerprint.mtimeNs,
    digest: copyOn(slot.entry.record, event.storage)?.digest,
    version: result.version,
    announced: was.announced,
  })
}

type Result = Pick<About<'copied'>, 'outcome' | 'bytes'> & { readonly version: ByteString | undefined }

/** What is told of a copy that was made again before the first was told: the first, if the second changed nothing. */
function withEarlier({ outcome, bytes, version }: About<'copied'>, earlier: Earlier | undefined): Result {
  if (earlier === undefined) return { outcome, bytes, version }
  const first = outcome === 'unchanged' || (outcome === 'replaced' && earlier.outcome !== 'replaced')
  return {
    outcome: first ? earlier.outcome : outcome,
    bytes: outcome === 'unchanged' ? earlier.bytes : bytes,
    version: version ?? earlier.version,
  }
}

/** A look has found another version meanwhile. */
function isOlder(copied: Fingerprint, seen: Fingerprint | undefined): boolean {
  return seen !== undefined && !sameVersion(copied, seen)
}

function collided(state: State, storage: StorageState, path: ByteString, cut: number, version: ByteString): void {
  const dest = destination(storage, path, cut)
  say(state, {
    code: 'COLLISION',
    severity: 'warning',
    storage: storage.config.id,
    subject: dest,
    text: `Other content had the name ${textOfBytes(dest)}; it is kept as ${textOfBytes(version)}`,
  })
}

/** The copy isn't there. */
export function failed(state: State, event: About<'failed'>): void {
  const storage = state.byId.get(event.storage)
  if (storage === undefined) return
  const slot = land(state, storage, state.files.get(event.path))
  if (slot === undefined) return
  const { failure } = event
  // What is gone for the copy was there for a look, and may be there again.
  const again = slot.again || slot.seen !== undefined
  switch (event.whole === true ? 'storage' : classify(failure, event.side)) {
    case 'cancelled':
      putBack(state, storage, slot, false)
      break
    case 'changed':
      changing(state, storage, slot, again)
      break
    case 'full':
      troubled(state, storage, failure, slot.epoch)
      putBack(state, storage, slot, true)
      break
    case 'storage':
      troubled(state, storage, failure, slot.epoch)
      putBack(state, storage, slot, false)
      break
    case 'disk':
      diskFailed(state, storage, slot, failure)
      break
    case 'final':
      if (again) putBack(state, storage, slot, false)
      else if (event.side === 'storage' || !leftBuffer(state, storage, slot, failure)) {
        giveUp(state, storage, slot, failure, 1)
        if (event.side === 'source') goneUncopied(state, slot)
      }
      break
    case 'file':
      if (again) putBack(state, storage, slot, false)
      else attempted(state, storage, slot, failure)
      break
  }
}

/** An I/O error: of the whole storage, until copies succeed there and this one still doesn't. */
function diskFailed(state: State, storage: StorageState, slot: Slot, failure: Failure): void {
  const own = slot.blamed >= 0 && storage.successes > slot.blamed
  slot.blamed = storage.successes
  if (own) {
    attempted(state, storage, slot, failure)
    return
  }
  troubled(state, storage, failure, slot.epoch)
  putBack(state, storage, slot, true)
}

/** Still being written: tried again when it may be quiet, for as long as it takes. No failure. */
function changing(state: State, storage: StorageState, slot: Slot, again: boolean): void {
  slot.changes += 1
  if (slot.changes >= patience) {
    const { path } = slot.entry.record
    say(state, {
      code: 'STILL_WRITTEN',
      severity: 'warning',
      storage: storage.config.id,
      subject: path,
      text: `${textOfBytes(path)} keeps changing; it is copied when it is quiet`,
    })
  }
  if (again) putBack(state, storage, slot, false)
  else putAside(state, storage, slot, quietDelay(state, slot))
}

/** A failure of this file's own: tried again later, up to the bound. */
function attempted(state: State, storage: StorageState, slot: Slot, failure: Failure): void {
  const was = slot.entry.record
  const copy = copyOn(was, storage.config.id)
  const attempts = (copy?.attempts ?? 0) + 1
  const delay = retryDelay(state, storage, was, failure.code, attempts)
  if (delay === 'give-up') {
    giveUp(state, storage, slot, failure, attempts)
    return
  }
  if (copy !== undefined) store(state, was, withCopy(was, copyRecord(copy.storage, 'pending', attempts, copy, failure)))
  if (attempts === 1) reportFailure(state, storage, was, failure, 'it is tried again')
  putAside(state, storage, slot, delay)
}

function giveUp(state: State, storage: StorageState, slot: Slot, failure: Failure, attempts: number): void {
  const was = slot.entry.record
  const copy = copyOn(was, storage.config.id)
  if (copy !== undefined) store(state, was, withCopy(was, copyRecord(copy.storage, 'failed', attempts, copy, failure)))
  release(storage, slot)
  const times = attempts === 1 ? 'once' : `${attempts} times`
  reportFailure(state, storage, was, failure, `tried ${times} and given up until it is retried on request`)
  state.out.notices.push({
    type: 'failed',
    at: state.now,
    storage: storage.config.id,
    path: was.path,
    cut: was.cut,
    failure,
    attempts,
  })
}

function reportFailure(state: State, storage: StorageState, record: FileRecord, failure: Failure, then: string): void {
  const source = join(state.config.source, record.path)
  const dest = destination(storage, record.path, record.cut)
  say(state, {
    code: 'COPY_ERROR',
    severity: 'error',
    storage: storage.config.id,
    subject: `${source}:${dest}` as ByteString,
    text: `Failed to copy ${textOfBytes(source)} to ${textOfBytes(dest)}: ${failureText(failure)}; ${then}`,
    reason: failure.code,
  })
}

/** Copies that were not made, and perhaps the condition that stopped them all. */
export function returned(state: State, event: About<'returned'>): void {
  const storage = state.byId.get(event.storage)
  if (storage === undefined) return
  let epoch = -1
  let fromSource = event.paths.length === 0
  for (const path of event.paths) {
    const slot = land(state, storage, state.files.get(path))
    if (slot === undefined) continue
    epoch = Math.max(epoch, slot.epoch)
    fromSource ||= slot.from === undefined
    // What was to be read from another storage is no news of the source.
    if (slot.from === undefined || event.side !== 'source') {
      putBack(state, storage, slot, false)
    } else {
      slot.changes += 1
      putAside(state, storage, slot, quietDelay(state, slot))
    }
  }
  const { failure } = event
  if (failure === undefined || failure.code === 'ABORT_ERR') return
  if (event.side === 'source' && !fromSource) return
  if (event.side === 'source') sourceGone(state, failure)
  else if (epoch >= 0) troubled(state, storage, failure, epoch)
}
