/** A file was announced: which copies must be made, or made again. */
import { copyOn, forget, recordOf, store } from './catalog.js'
import { useDirectory } from './clearing.js'
import type { CoreEvent } from './events.js'
import { chooseStorages } from './guard.js'
import { enqueueLater, hasten } from './queue.js'
import { addToRate } from './rate.js'
import { type CopyRecord, copyRecord, type FileRecord, type Fingerprint, fileRecord, renumbered } from './record.js'
import type { Entry, State } from './state.js'
import { onTier, tiersFor, turned, unsureAgain } from './tier-records.js'

type Announced = Extract<CoreEvent, { type: 'announced' }>
type About<T extends CoreEvent['type']> = Extract<CoreEvent, { type: T }>

/**
 * - unknown: a new record, pending on every storage that the policy names;
 * - pending: nothing to do, the copy will carry what is there then; one that waits is tried at once;
 * - in flight: copied again afterwards, for it may have missed what was written last;
 * - copied or failed: pending again. Copied versions are known by their fingerprint, so that one that was merely
 *   seen again is left alone, and one announced again without a change costs next to nothing.
 */
export function announced(state: State, event: Announced): void {
  addToRate(state.announced, event.at, 1)
  const was = recordOf(state, event.path, event.record)
  if (was === undefined) announceNew(state, event)
  else announceAgain(state, event, was)
}

function announceNew(state: State, event: Announced): void {
  const { path, cut = 0, at: announced } = event
  const { shift } = state
  state.seq += 1
  const about = { seq: state.seq, path, cut, shift, announced }
  const copies = chooseStorages(state, about).map(fresh)
  useDirectory(state, path, cut)
  queuePending(state, store(state, undefined, fileRecord(about, copies, tiersFor(state, copies))))
}

function announceAgain(state: State, event: Announced, was: FileRecord): void {
  const { fingerprint } = event
  const cut = event.cut ?? was.cut
  const moved = cut !== was.cut
  const copies = was.copies.map((copy) => {
    if (!state.byId.has(copy.storage)) return copy
    if (moved) return fresh(copy.storage)
    return fingerprint === undefined ? anew(copy) : seen(copy, fingerprint)
  })
  const { path, shift, announced } = was
  for (const id of chooseStorages(state, { path, cut, shift, announced })) {
    if (copyOn(was, id) === undefined) copies.push(fresh(id))
  }
  useDirectory(state, path, cut)
  // One that was waiting for another user's turn is now this one's.
  const handedOver = state.tiers.length > 0 && was.shift !== state.shift
  const renewed = handedOver || copies.some((copy, i) => copy.state === 'pending' && was.copies[i]?.state !== 'pending')
  const changed = renewed || moved || copies.some((copy, i) => copy !== was.copies[i])
  if (changed) {
    // A new seq keeps what isn't in memory above the storages' cursors, see queue.ts.
    if (renewed) state.seq += 1
    const about = renewed
      ? { seq: state.seq, path, cut, shift: state.shift, announced: event.at }
      : { seq: was.seq, path, cut, shift, announced }
    const tiers = tiersFor(state, copies, renewed ? unsureAgain(was.tiers) : was.tiers)
    store(state, was, fileRecord(about, copies, tiers ?? was.tiers))
  }
  const entry = state.files.get(path)
  if (entry === undefined) return
  if (fingerprint === undefined || moved) hurry(state, entry)
  else remember(entry, fingerprint)
  if (renewed) queuePending(state, entry)
}

const fresh = (storage: string): CopyRecord => copyRecord(storage, 'pending', 0)

/** Pending, and with a clean slate; what is known of the copy that is there stays known. */
function anew(copy: CopyRecord): CopyRecord {
  if (copy.state === 'pending' && copy.attempts === 0) return copy
  return copyRecord(copy.storage, 'pending', 0, copy)
}

/** A look at the source found this version. */
function seen(copy: CopyRecord, fingerprint: Fingerprint): CopyRecord {
  if (copy.state === 'failed') return wasAbsent(copy) ? anew(copy) : copy
  if (copy.state === 'pending') return copy
  return copy.source !== undefined && sameVersion(copy.source, fingerprint) ? copy : anew(copy)
}

/** It failed for want of the file, which a look has found now. */
function wasAbsent({ failure }: CopyRecord): boolean {
  return failure !== undefined && absent.has(failure.code)
}

const absent = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ERR_SUSTEN_NOT_REGULAR'])

/** Whether nothing is to be done about a version that a look has found: it needn't be announced then. */
export function isKnown({ config, files }: State, record: FileRecord, fingerprint: Fingerprint): boolean {
  if (files.get(record.path)?.slots.some((slot) => slot?.phase === 'flying')) return false
  return config.storages.every(({ id }) => {
    const copy = copyOn(record, id)
    return copy !== undefined && seen(copy, fingerprint) === copy
  })
}

/**
 * Whether both are the same version of a file. The device is left out: network and memory file systems get another
 * number at every mount, and all their files would be read again.
 */
export function sameVersion(a: Fingerprint, b: Fingerprint): boolean {
  return a.ino === b.ino && a.size === b.size && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs
}

/** What is in flight may be an older version than a look has found. */
function remember(entry: Entry, fingerprint: Fingerprint): void {
  for (const slot of entry.slots) {
    if (slot?.phase === 'flying') slot.seen = fingerprint
  }
}

/** What is in flight is copied again; what waits is tried now. */
function hurry(state: State, entry: Entry): void {
  for (const slot of entry.slots) {
    if (slot?.phase === 'flying') slot.again = true
  }
  for (const storage of state.storages) {
    const slot = entry.slots[storage.index]
    if (slot !== undefined) hasten(storage, slot)
  }
}

function queuePending(state: State, entry: Entry, delay = 0): void {
  for (const copy of entry.record.copies) {
    const storage = state.byId.get(copy.storage)
    if (storage !== undefined && copy.state === 'pending') enqueueLater(state, storage, entry, delay)
  }
}

/** A user wants failed copies tried again. */
export function retry(state: State, event: About<'retry'>): void {
  const was = recordOf(state, event.path, event.record)
  if (was === undefined) return
  renew(state, was, (copy) => {
    const asked = event.storage === undefined || copy.storage === event.storage
    return asked && copy.state === 'failed' && state.byId.has(copy.storage) ? anew(copy) : copy
  })
}

/** A copy can't be relied on any more. What it was is still known, so that it costs little if it is there after all. */
export function recopy(state: State, event: About<'recopy'>): void {
  const was = recordOf(state, event.path, event.record)
  if (was === undefined) return
  renewCopied(state, was, event.storage)
}

/** Copies that were relied on can't be: all of a file, or the one on a storage. */
export function renewCopied(state: State, was: FileRecord, storage?: string): void {
  renew(state, was, (copy) => {
    const asked = storage === undefined ? state.byId.has(copy.storage) : copy.storage === storage
    return asked && copy.state === 'copied' ? anew(copy) : copy
  })
}

/** A copy isn't there, or isn't what was copied: nothing is known of it any more. Made again after `delay` milliseconds. */
export function remake(state: State, was: FileRecord, storage: string, delay: number): void {
  renew(state, was, (copy) => (copy.storage === storage && copy.state === 'copied' ? fresh(storage) : copy), delay)
}

function renew(state: State, was: FileRecord, change: (copy: CopyRecord) => CopyRecord, delay = 0): void {
  const copies = was.copies.map(change)
  if (copies.every((copy, i) => copy === was.copies[i])) return
  state.seq += 1
  queuePending(state, store(state, was, renumbered(was, state.seq, copies)), delay)
}

/** A user wants to hear no more of failed copies: they are dropped, and the file with the last of them. */
export function dismiss(state: State, event: About<'dismiss'>): void {
  const was = recordOf(state, event.path, event.record)
  if (was === undefined) return
  const asked = (copy: CopyRecord): boolean =>
    copy.state === 'failed' && (event.storage === undefined || copy.storage === event.storage)
  const copies = was.copies.filter((copy) => !asked(copy))
  if (copies.length === was.copies.length) return
  if (copies.length === 0) forget(state, was)
  else store(state, was, fileRecord(was, copies, tiersFor(state, copies, was.tiers) ?? was.tiers))
}

/** The source has the file no more: nothing is left to decide on it once all its copies are done. */
export function vanished(state: State, event: About<'vanished'>): void {
  // What lies below an unmounted file system's mount point isn't the source.
  if (!state.sourceAvailable) return
  const was = recordOf(state, event.path, event.record)
  if (was === undefined || !was.copies.every((copy) => copy.state === 'copied')) return
  const [buffer] = state.tiers
  const on = buffer === undefined ? undefined : onTier(was, buffer.config.id)
  if (on === undefined) forget(state, was)
  else if (state.files.get(was.path)?.leaving[0] === undefined) store(state, was, turned(was, on.tier, 'gone'))
}
