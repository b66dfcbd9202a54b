/** After every round of events: which files tiers give back now, and the orders to do so. */
import { renewCopied } from './announce.js'
import { change, copyOn, forget, store } from './catalog.js'
import { directoriesOf } from './clearing.js'
import type { ReleaseOrder } from './commands.js'
import { lacks } from './fill.js'
import { overruledDelete, releaseOf } from './guard.js'
import {
  choose,
  dismissLeaving,
  dueLeaving,
  hasRoom,
  nextDueLeaving,
  putOff,
  shortlist,
  takeLeaving,
} from './leaving.js'
import { type CopyRecord, type Fingerprint, tierRecord } from './record.js'
import { disagree, hasLinkAbove, servedBy } from './safety.js'
import { isClearing, reviewShifts } from './shifts.js'
import type { Entry, State } from './state.js'
import { rescan, rescanAll, revisit, turnPages } from './tier-passes.js'
import { isDone, onTier, turned, withTier } from './tier-records.js'
import type { Leaving, TierState } from './tier-state.js'

/** Milliseconds until what wasn't sent off now is looked at again, if nothing happens before. */
const soon = 10

export function releaseSpace(state: State): void {
  if (state.tiers.length === 0) return
  for (const tier of state.tiers) {
    retry(state, tier)
    if (tier.impatient <= state.now) loseReaders(state, tier)
  }
  for (const entry of state.touched) review(state, entry)
  for (const tier of state.tiers) {
    endSelection(state, tier)
    send(state, tier)
    turnPages(state, tier, lacks(tier))
  }
  reviewShifts(state)
}

/** When something is to be done even if nothing happens. */
export function nextRelease(state: State, tier: TierState): number {
  const due = Math.min(nextDueLeaving(tier), tier.impatient, nextFit(tier))
  return tier.ready.size > 0 && tier.retryAt > state.now ? Math.min(due, tier.retryAt) : due
}

/** When a storage is to be tried again that failed to serve a tier's files. */
function nextFit({ unfit }: TierState): number {
  let next = Number.POSITIVE_INFINITY
  for (const { until, isOut } of unfit.values()) if (isOut) next = Math.min(next, until)
  return next
}

/** Whether releases may be sent off, as far as the tier is concerned. */
function isUsable(state: State, tier: TierState): boolean {
  if (state.now < tier.retryAt) return false
  // One that is full, or fails, has all the more reason to give space back. The engine looks at its identity.
  return tier.storage === undefined ? state.sourceAvailable : tier.storage.reachable
}

function isOpen(state: State, tier: TierState): boolean {
  return state.unjournaled + state.out.ops.length <= state.config.limits.unjournaled && isUsable(state, tier)
}

/** Whether something is being released, or can be now; or it isn't known yet whether there is something. */
export function isReleasing(state: State): boolean {
  return state.tiers.some((tier) => {
    if (tier.flying > 0) return true
    if (!isUsable(state, tier)) return false
    const { all, full, links } = tier.passes
    return tier.resident > tier.waiting || all.active || links.active || (full.active && lacks(tier))
  })
}

/** Those that have waited long enough are decided on anew. */
function retry(state: State, tier: TierState): void {
  for (const leaving of dueLeaving(state, tier)) {
    dismissLeaving(leaving)
    state.touched.add(leaving.entry)
  }
  for (const unfit of tier.unfit.values()) {
    if (!unfit.isOut || unfit.until > state.now) continue
    unfit.isOut = false
    // What it alone could serve was passed over.
    rescanAll(tier)
  }
  if (!tier.dropped || tier.waiting > state.config.limits.releasing / 4) return
  tier.dropped = false
  rescan(tier, 'all')
  rescan(tier, 'full')
}

/** Files that a copy has in hand for long may be released now. */
function loseReaders(state: State, tier: TierState): void {
  tier.impatient = Number.POSITIVE_INFINITY
  for (const entry of state.files.values()) {
    if (entry.slots.some((slot) => slot?.phase === 'flying')) state.touched.add(entry)
  }
}

/** Looks at a file of which something has changed, or that was met on the way through a tier. */
function review(state: State, entry: Entry): void {
  if (disagree(state, entry)) renewCopied(state, entry.record)
  for (const tier of state.tiers) {
    const leaving = entry.leaving[tier.index]
    // A mere candidate may have to go at once now.
    if (leaving?.phase === 'candidate' && isClearing(state, entry.record.shift, tier)) letGo(state, leaving)
    if (entry.leaving[tier.index] === undefined && !entry.putOff?.has(tier)) consider(state, tier, entry)
  }
  if (entry.used === 0 && isDone(entry.record)) forget(state, entry.record)
}

function consider(state: State, tier: TierState, entry: Entry): void {
  const { record } = entry
  const on = onTier(record, tier.config.id)
  if (on === undefined || on.state === 'gone') return
  const clearing = isClearing(state, record.shift, tier)
  if (on.state === 'link') {
    if (clearing && !hasLinkAbove(state, tier, record))
      plan(state, tier, entry, { by: 'clear', to: on.to ?? tier.config.next })
    return
  }
  const server = servedBy(state, tier, entry)
  if (server === undefined) return
  const answer = releaseOf(state, tier, record, entry.accessed)
  if (answer?.when === 'never') return
  const isLinked = hasLinkAbove(state, tier, record)
  if (clearing) {
    if (!isLinked) plan(state, tier, entry, { by: 'clear', to: server.config.id })
    return
  }
  if (answer === undefined) return
  const by = isLinked && answer.by === 'delete' ? 'link' : answer.by
  if (answer.when === 'full' && on.state === 'held' && !isWanted(tier, entry, answer.order)) return
  if (by !== answer.by) overruledDelete(state, record)
  plan(state, tier, entry, { by, to: server.config.id, order: answer.order })
}

/** Whether space is short enough for a file to go now. One that may have to go soon is met again then. */
function isWanted(tier: TierState, entry: Entry, order: number | undefined): boolean {
  if (tier.releasing === undefined) return false
  // A policy with an order of its own has to see all files first.
  if (lacks(tier) && (order === undefined || entry.pass === 'full')) return true
  if (order === undefined) revisit(tier, 'full', entry.record.seq)
  else if (!tier.passes.full.active) rescan(tier, 'full')
  return false
}

/** Gives a file back, or keeps it in mind until all that could be have been seen. */
function plan(
  state: State,
  tier: TierState,
  entry: Entry,
  { by, to, order }: Pick<Leaving, 'by' | 'to'> & { readonly order?: number | undefined },
): void {
  const { record } = entry
  const isLink = onTier(record, tier.config.id)?.state === 'link'
  if (!hasRoom(state, tier)) {
    revisit(tier, isLink ? 'links' : 'all', record.seq)
    return
  }
  const bytes = isLink ? 0 : (copyOn(record, to)?.source?.size ?? 0)
  const leaving = shortlist(tier, entry, { by, to, order: order ?? record.seq, bytes })
  if (order === undefined || entry.pass !== 'full') begin(state, leaving)
  else select(state, leaving)
}

/** Says in the journal that a file may be given back from now on; it is when that is durable, and all before it. */
function begin(state: State, leaving: Leaving): void {
  const { tier, entry } = leaving
  const on = onTier(entry.record, tier.config.id)
  leaving.wasHeld = on?.state === 'held'
  if (on !== undefined && on.state !== 'link' && (on.state !== 'unsure' || on.to !== leaving.to)) {
    const unsure = tierRecord(on.tier, 'unsure', on.attempts, leaving.to, on.failure)
    change(state, entry, withTier(entry.record, unsure))
  }
  choose(leaving, state.issued + state.out.ops.length)
}

/** Of too many candidates those with the lowest order are kept. */
function select(state: State, leaving: Leaving): void {
  const { tier } = leaving
  const most = Math.ceil(state.config.limits.releasing / 4)
  tier.selection.push(leaving)
  if (tier.selection.length <= most) return
  tier.selection.sort(byOrder)
  for (const left of tier.selection.splice(Math.ceil(most / 2))) {
    letGo(state, left)
    putOff(left)
  }
  tier.selectedFew = true
}

/** Of one order, what was announced first goes first. */
const byOrder = (a: Leaving, b: Leaving): number => a.order - b.order || a.entry.record.seq - b.entry.record.seq

/** All have been seen: the first ones go, as many as are needed. Where none are needed any more, none is kept in mind. */
function endSelection(state: State, tier: TierState): void {
  const { selection, passes, selectedFew } = tier
  if (selection.length === 0 || (passes.full.active && lacks(tier))) return
  tier.selection = []
  tier.selectedFew = false
  selection.sort(byOrder)
  let left = selectedFew
  for (const [rank, leaving] of selection.entries()) {
    leaving.order = rank
    if (leaving.entry.leaving[tier.index] !== leaving) continue
    if (lacks(tier) && isStillRight(state, leaving)) {
      begin(state, leaving)
    } else {
      letGo(state, leaving)
      left = true
    }
  }
  if (left && tier.releasing !== undefined) rescan(tier, 'full')
}

function letGo(state: State, leaving: Leaving): void {
  dismissLeaving(leaving)
  state.touched.add(leaving.entry)
}

/** Lets one go that was chosen and not sent off: where it was held, it still is. */
function withdraw(state: State, leaving: Leaving): void {
  const { tier, entry } = leaving
  const on = onTier(entry.record, tier.config.id)
  letGo(state, leaving)
  if (leaving.wasHeld && on?.state === 'unsure') {
    store(state, entry.record, turned(entry.record, tier.config.id, 'held'))
  }
}

/** Whether what was decided still holds. */
function isStillRight(state: State, leaving: Leaving): boolean {
  const { tier, entry, by } = leaving
  const { record } = entry
  if (by === 'clear' && !isClearing(state, record.shift, tier)) return false
  if (by !== 'link' && hasLinkAbove(state, tier, record)) return false
  if (onTier(record, tier.config.id)?.state === 'link') return by === 'clear'
  return servedBy(state, tier, entry)?.config.id === leaving.to
}

/** Whether the journal says that it may be given back. A copy that found the file there says that it is held. */
function isSaid({ tier, entry, to }: Leaving): boolean {
  const on = onTier(entry.record, tier.config.id)
  return on?.state === 'link' || (on?.state === 'unsure' && on.to === to)
}

/**
 * Sends off what is chosen and may be, in batches for each storage that will serve it. Where much is under way, room for
 * a whole batch is waited for: results come one by one, and so would orders.
 */
function send(state: State, tier: TierState): void {
  const { batch, flying } = state.config.limits
  if (!isOpen(state, tier) || (tier.flying > 0 && tier.flying + batch > flying)) return
  const batches = new Map<string, Leaving[]>()
  const withdrawn: Leaving[] = []
  while (tier.flying < flying) {
    const leaving = takeLeaving(tier, state.durable)
    if (leaving === undefined) break
    if (!isStillRight(state, leaving) || !isSaid(leaving)) {
      withdraw(state, leaving)
      withdrawn.push(leaving)
      continue
    }
    const { to } = leaving
    const list = batches.get(to) ?? []
    batches.set(to, list)
    list.push(leaving)
    if (list.length < batch) continue
    order(state, tier, to, list)
    batches.delete(to)
  }
  for (const [to, list] of batches) order(state, tier, to, list)
  // They may have to go for another reason, or be served from elsewhere. Not taken again at once: an answer that is
  // another one each time would hold this up for ever.
  for (const { entry } of withdrawn) if (entry.leaving[tier.index] === undefined) consider(state, tier, entry)
  if (withdrawn.length > 0 && tier.ready.size + tier.selection.length > 0)
    tier.impatient = Math.min(tier.impatient, state.now + soon)
}

function order(state: State, tier: TierState, to: string, batch: readonly Leaving[]): void {
  const files: ReleaseOrder[] = []
  for (const leaving of batch) {
    const { path, cut } = leaving.entry.record
    const served = copyOn(leaving.entry.record, to)
    const held = tier.storage === undefined ? served : copyOn(leaving.entry.record, tier.storage.config.id)
    if (served?.source === undefined || held?.source === undefined) {
      letGo(state, leaving)
      continue
    }
    // Two copies of one version can differ, for a mapped file changes unseen: what goes must be what serves it then.
    const digest = served.digest ?? held.digest
    // On the buffer it is the source itself that may go.
    const known = tier.storage === undefined ? versionOf(held.source, digest) : copyAsIs(held, held.source, digest)
    files.push({ path, cut, by: leaving.by, known, copy: copyAsIs(served, served.source, served.digest) })
  }
  if (files.length === 0) return
  state.out.commands.push({
    type: 'release',
    tier: tier.config.id,
    to,
    identity: tier.storage?.identity,
    toIdentity: state.byId.get(to)?.identity,
    files,
    directories: directoriesOf(state, tier, files),
  })
}

type Known = ReleaseOrder['known']

function versionOf({ dev, ino, size, mtimeNs, ctimeNs }: Fingerprint, digest: string | undefined): Known {
  return digest === undefined ? { dev, ino, size, mtimeNs, ctimeNs } : { dev, ino, size, mtimeNs, ctimeNs, digest }
}

function copyAsIs(copy: CopyRecord, { size, mtimeNs: own }: Fingerprint, digest: string | undefined): Known {
  const mtimeNs = copy.mtimeNs ?? own
  return digest === undefined ? { size, mtimeNs } : { size, mtimeNs, digest }
}
