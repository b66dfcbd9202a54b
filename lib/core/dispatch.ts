/** After every round of events: what can be copied now, what must be loaded, when to look again. */
import { copyOn } from './catalog.js'
import type { CopyOrder } from './commands.js'
import { nextMessage } from './messages.js'
import { nextDue, promote, putAside, putBack, quietDelay, tail, take } from './queue.js'
import type { CopyRecord, Fingerprint } from './record.js'
import { nextRelease, releaseSpace } from './releasing.js'
import { canServe, readFrom } from './safety.js'
import type { Slot, State, StorageState } from './state.js'
import { nextTrial, recover } from './storages.js'
import { onTier } from './tier-records.js'

export function dispatch(state: State): void {
  for (const storage of state.storages) recover(state, storage)
  releaseSpace(state)
  for (const storage of state.storages) {
    promote(state, storage)
    refill(state, storage)
    send(state, storage)
  }
}

/** Whether copies may be sent off to a storage. */
export function isOpen(state: State, storage: StorageState): boolean {
  if (state.paused || storage.paused || !state.sourceAvailable) return false
  return storage.mode === 'up' || storage.mode === 'probing'
}

/** How many copies may be in flight on a storage now. */
function allowance(state: State, storage: StorageState): number {
  const { limits } = state.config
  if (!isOpen(state, storage) || state.unjournaled + state.out.ops.length > limits.unjournaled) return 0
  return storage.mode === 'up' ? limits.flying : limits.probe
}

/** Sends off whole batches while there is room for them; a few files go at once where no more are waiting. */
function send(state: State, storage: StorageState): void {
  const allowed = allowance(state, storage)
  storage.blocked = false
  for (;;) {
    const size = Math.min(storage.ready.size, state.config.limits.batch, allowed)
    if (size === 0 || allowed - storage.flying < size) return
    const files: CopyOrder[] = []
    while (files.length < size) {
      const slot = take(storage, state.now)
      if (slot === undefined) break
      const origin = readFrom(state, slot.entry.record)
      if (origin === undefined || canServe(origin)) {
        files.push(orderOf(storage, slot, origin))
      } else if (storage.waiting < state.config.limits.waiting / 2) {
        // Where it is to be read from is out.
        storage.flying -= 1
        slot.changes += 1
        putAside(state, storage, slot, quietDelay(state, slot))
      } else {
        storage.flying -= 1
        putBack(state, storage, slot, false)
        storage.blocked = true
        break
      }
    }
    if (files.length === 0) return
    const identity = storage.identity ?? ''
    state.out.commands.push({ type: 'copy', storage: storage.config.id, identity, files: spread(files) })
    if (storage.blocked) return
  }
}

function orderOf(storage: StorageState, slot: Slot, origin: StorageState | undefined): CopyOrder {
  const { record } = slot.entry
  const { path, cut } = record
  slot.from = origin?.config.id
  slot.served = origin === undefined ? undefined : copyOn(record, origin.config.id)
  const link = onTier(record, storage.config.id)?.to
  const copy = copyOn(record, storage.config.id)
  const known = copy?.source
  // The usual case as one plain object.
  if (origin === undefined && link === undefined && known === undefined) return { path, cut }
  return {
    path,
    cut,
    ...(origin === undefined ? {} : { from: origin.config.id, fromIdentity: origin.identity ?? '' }),
    ...(link === undefined ? {} : { link }),
    ...(known === undefined ? {} : knownOf(known, copy)),
  }
}

/** What an order says of an earlier copy. */
function knownOf(
  known: Fingerprint,
  copy: CopyRecord | undefined,
): Pick<CopyOrder, 'known' | 'knownDigest' | 'knownMtimeNs'> {
  const { digest, mtimeNs } = copy ?? {}
  return {
    known,
    ...(digest === undefined ? {} : { knownDigest: digest }),
    ...(mtimeNs === undefined ? {} : { knownMtimeNs: mtimeNs }),
  }
}

/** Takes turns between directories: creating many files in one at the same time is slow. */
function spread(files: CopyOrder[]): CopyOrder[] {
  if (files.length < 3) return files
  const byDirectory = new Map<string, CopyOrder[]>()
  for (const file of files) {
    const directory = file.path.slice(0, file.path.lastIndexOf('/') + 1)
    const list = byDirectory.get(directory)
    if (list === undefined) byDirectory.set(directory, [file])
    else list.push(file)
  }
  if (byDirectory.size === 1) return files
  const lists = [...byDirectory.values()]
  const mixed: CopyOrder[] = []
  for (let turn = 0; mixed.length < files.length; turn++) {
    for (const list of lists) {
      const file = list[turn]
      if (file !== undefined) mixed.push(file)
    }
  }
  return mixed
}

/** Loads from the journal when the window runs low. */
function refill(state: State, storage: StorageState): void {
  const { limits } = state.config
  if (storage.loading || storage.starved || storage.blocked || tail(storage) === 0) return
  if (storage.ready.size > limits.window / 2) return
  storage.loading = true
  state.out.commands.push({ type: 'load', storage: storage.config.id, after: storage.cursor, limit: limits.load })
}

/** When something is to be done even if nothing happens. */
export function nextWake(state: State): number {
  let next = nextMessage(state)
  for (const storage of state.storages) next = Math.min(next, nextDue(storage), nextTrial(storage))
  for (const tier of state.tiers) next = Math.min(next, nextRelease(state, tier))
  return next
}
