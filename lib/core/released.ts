/** What became of a release. */
import type { ByteString } from '../bytes.js'
import { textOfBytes } from '../bytes.js'
import { remake, renewCopied } from './announce.js'
import { backoff } from './backoff.js'
import { change, copyOn, store } from './catalog.js'
import type { CoreEvent, ReleaseOutcome } from './events.js'
import { classify } from './failures.js'
import { freed } from './fill.js'
import { deferLeaving, dismissLeaving, landLeaving, relinquish } from './leaving.js'
import { say } from './messages.js'
import { join } from './paths.js'
import { type Failure, type FileRecord, type TierRecord, tierRecord } from './record.js'
import type { Entry, State, StorageState } from './state.js'
import { onTier, turned, withTier } from './tier-records.js'
import type { Leaving, TierState } from './tier-state.js'
import { failureText } from './wording.js'

type About<T extends CoreEvent['type']> = Extract<CoreEvent, { type: T }>

/** Something else was found under a link's name so often in a row: it isn't ours, and stays. */
const strangers = 3

export function released(state: State, event: About<'released'>): void {
  const tier = state.tiers.find(({ config }) => config.id === event.tier)
  if (tier === undefined) return
  const leaving = landLeaving(state, tier, state.files.get(event.path))
  if (leaving === undefined) return
  const isLink = leaving.by === 'link'
  const outcome: ReleaseOutcome = event.outcome
  switch (outcome) {
    case 'released':
      freed(state, tier, event.bytes, !isLink)
      tier.strikes = 0
      // While it is out, others have been passed over for it: it is tried again in its time.
      if (tier.unfit.get(leaving.to)?.isOut === false) tier.unfit.delete(leaving.to)
      left(state, leaving, isLink ? 'link' : 'gone')
      break
    case 'already':
      left(state, leaving, 'link')
      break
    case 'absent':
      left(state, leaving, 'gone')
      break
    case 'changed':
      changed(state, leaving)
      break
    case 'missing':
      missing(state, leaving)
      break
    case 'busy':
      defer(state, leaving)
      break
    case 'failed':
      failed(state, leaving, event.failure)
      break
  }
}

/** Nothing of the file is there any more but a link, perhaps. If it was announced meanwhile, a copy has yet to see. */
function left(state: State, leaving: Leaving, is: 'link' | 'gone'): void {
  const { tier, entry, to } = leaving
  const { record } = entry
  dismissLeaving(leaving)
  overtake(leaving)
  const isAnnounced = tier.index === 0 && copyOn(record, to)?.state === 'pending'
  change(state, entry, turned(record, tier.config.id, isAnnounced ? 'unsure' : is, to))
}

/** Copies that are under way may have read what is gone by now, or found what was to be copied already there. */
function overtake({ entry, tier }: Leaving): void {
  const origin = tier.storage?.config.id
  for (const slot of entry.slots) if (slot?.phase === 'flying' && slot.from === origin) slot.bereft = true
  const onto = tier.storage === undefined ? undefined : entry.slots[tier.storage.index]
  if (onto?.phase === 'flying') onto.again = true
}

/** Another version is there, or something else: as if it had been announced. */
function changed(state: State, leaving: Leaving): void {
  const { tier, entry } = leaving
  const { record } = entry
  const on = onTier(record, tier.config.id)
  if (on === undefined) return
  if (tier.storage !== undefined) {
    changedOnStorage(state, leaving, tier.storage)
    return
  }
  dismissLeaving(leaving)
  const attempts = (on.failure === undefined ? on.attempts : 0) + 1
  const isOurs = attempts < strangers
  const { id } = tier.config
  const is = isOurs ? tierRecord(id, 'unsure', attempts, on.to) : tierRecord(id, 'gone', 0, undefined)
  const changed = store(state, record, withTier(record, is)).record
  if (isOurs) renewCopied(state, changed)
}

/** A copy was changed by somebody else: made again if the buffer has the file; else it is his, and stays. */
function changedOnStorage(state: State, leaving: Leaving, { config }: StorageState): void {
  const { record } = leaving.entry
  const [buffer] = state.tiers
  if (buffer === undefined || onTier(record, buffer.config.id)?.state !== 'held') {
    const path = pathOn(state, leaving.tier, record)
    failed(state, leaving, { code: 'ERR_SUSTEN_CHANGED', errno: 0, syscall: 'fstat', path })
    return
  }
  dismissLeaving(leaving)
  store(state, record, turned(record, leaving.tier.config.id, 'held'))
  makeAnew(state, leaving.entry, config.id)
}

/** Its copy further down isn't there or isn't right: made again. */
function missing(state: State, leaving: Leaving): void {
  const { tier, entry, to } = leaving
  const on = onTier(entry.record, tier.config.id)
  if (on?.state === 'link') {
    defer(state, leaving)
  } else {
    dismissLeaving(leaving)
    store(state, entry.record, turned(entry.record, tier.config.id, 'held'))
  }
  makeAnew(state, entry, to)
}

/**
 * A copy can't be what it was, though size and time stamp may say so. It is made at once the first time; then later and
 * later, for two files of one name on a storage would take it from each other for ever.
 */
function makeAnew(state: State, entry: Entry, storage: string): void {
  const { first, max } = state.config.retry
  const delay = entry.misses === undefined ? 0 : backoff(entry.misses, first, max, entry.record.seq)
  entry.misses = (entry.misses ?? 0) + 1
  remake(state, entry.record, storage, delay)
}

/** Nothing was done. It is told, and tried again for as long as it takes. */
function failed(state: State, leaving: Leaving, given: Failure | undefined): void {
  const { tier, entry } = leaving
  const { record } = entry
  const on = onTier(record, tier.config.id)
  if (on === undefined) return
  const path = pathOn(state, tier, record)
  const failure = given ?? { code: 'EIO', errno: 5, syscall: 'release', path }
  if (classify(failure, 'storage') !== 'cancelled') {
    if (on.failure === undefined) tellFailure(state, leaving, path, failure)
    const attempts = (on.failure === undefined ? 0 : on.attempts) + 1
    store(state, record, withTier(record, failedOn(on, attempts, failure)))
  }
  defer(state, leaving)
}

function failedOn(on: TierRecord, attempts: number, failure: Failure): TierRecord {
  const { tier, to } = on
  const isLink = on.state === 'link'
  return tierRecord(tier, isLink ? 'link' : 'held', attempts, isLink ? to : undefined, failure)
}

function tellFailure(state: State, { tier, by }: Leaving, path: ByteString, failure: Failure): void {
  const what = by === 'link' ? 'replace' : 'delete'
  const how = by === 'link' ? ' by a link' : ''
  say(state, {
    code: by === 'link' ? 'LINK_ERROR' : 'DEL_ERROR',
    severity: 'error',
    storage: tier.storage?.config.id,
    subject: path,
    text: `Failed to ${what} ${textOfBytes(path)}${how}: ${failureText(failure)}; it is tried again`,
    reason: failure.code,
  })
}

function pathOn(state: State, { storage }: TierState, { path, cut }: FileRecord): ByteString {
  return storage === undefined ? join(state.config.source, path) : join(storage.config.target, path.slice(cut))
}

function defer(state: State, leaving: Leaving): void {
  const { entry, tier } = leaving
  const { first, max } = state.config.retry
  entry.tries ??= []
  const tries = (entry.tries[tier.index] ?? 0) + 1
  entry.tries[tier.index] = tries
  deferLeaving(state, leaving, backoff(tries, first, max, entry.record.seq))
}

/** Releases that were not begun, and perhaps the condition that stopped them all. */
export function kept(state: State, event: About<'kept'>): void {
  const tier = state.tiers.find(({ config }) => config.id === event.tier)
  if (tier === undefined) return
  let some = false
  for (const path of event.paths) {
    const leaving = landLeaving(state, tier, state.files.get(path))
    if (leaving === undefined) continue
    some = true
    relinquish(leaving)
  }
  if (!some || event.failure === undefined || event.failure.code === 'ABORT_ERR') return
  const { first, max } = state.config.retry
  if (event.to !== undefined) {
    const strikes = (tier.unfit.get(event.to)?.strikes ?? 0) + 1
    tier.unfit.set(event.to, { strikes, until: state.now + backoff(strikes, first, max, tier.index), isOut: true })
    return
  }
  tier.strikes += 1
  tier.retryAt = state.now + backoff(tier.strikes, first, max, tier.index)
}
