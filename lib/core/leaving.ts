/** A tier's releases that are in memory: bounded, and only those that are to be carried out now. */
import type { Entry, State } from './state.js'
import type { Leaving, TierState } from './tier-state.js'

export function hasRoom(state: State, tier: TierState): boolean {
  return tier.resident < state.config.limits.releasing
}

/** Takes a release in, as a mere candidate. */
export function shortlist(
  tier: TierState,
  entry: Entry,
  { by, to, order, bytes }: Pick<Leaving, 'by' | 'to' | 'order' | 'bytes'>,
): Leaving {
  const leaving: Leaving = { by, to, order, bytes, entry, tier, phase: 'candidate', wasHeld: false, mark: 0, due: 0 }
  entry.leaving[tier.index] = leaving
  entry.used += 1
  tier.resident += 1
  return leaving
}

/** Makes a candidate one that is to be carried out as soon as so many journal operations are durable. */
export function choose(leaving: Leaving, mark: number): void {
  leaving.phase = 'ready'
  leaving.mark = mark
  leaving.tier.freeing += leaving.bytes
  leaving.tier.ready.push(leaving)
}

/** A file's releases rely on what has just been said of it: that must be durable before they are carried out. */
export function postpone(releases: readonly (Leaving | undefined)[], mark: number): void {
  for (const leaving of releases) if (leaving !== undefined) leaving.mark = mark
}

/** The next release to carry out; `durable` journal operations are. */
export function takeLeaving(tier: TierState, durable: number): Leaving | undefined {
  for (let next = tier.ready.peek(); next !== undefined; next = tier.ready.peek()) {
    const isStale = next.phase !== 'ready' || next.entry.leaving[tier.index] !== next
    if (!isStale && next.mark > durable) return undefined
    tier.ready.pop()
    if (isStale) continue
    next.phase = 'flying'
    tier.flying += 1
    return next
  }
  return undefined
}

/** The release whose result came in, if it is under way. */
export function landLeaving(state: State, tier: TierState, entry: Entry | undefined): Leaving | undefined {
  const leaving = entry?.leaving[tier.index]
  if (entry === undefined || leaving?.phase !== 'flying') return undefined
  state.touched.add(entry)
  return leaving
}

/** Puts one that is under way back, to be sent off again. */
export function relinquish(leaving: Leaving): void {
  leaving.tier.flying -= 1
  leaving.phase = 'ready'
  leaving.tier.ready.push(leaving)
}

/** Lets a release go, whatever its phase. */
export function dismissLeaving(leaving: Leaving): void {
  const { tier, entry } = leaving
  if (entry.leaving[tier.index] !== leaving) return
  if (leaving.phase === 'flying') tier.flying -= 1
  if (leaving.phase === 'waiting') tier.waiting -= 1
  entry.leaving[tier.index] = undefined
  entry.used -= 1
  tier.resident -= 1
  if (leaving.phase !== 'candidate') tier.freeing -= leaving.bytes
}

/** Puts one that is under way aside for so many milliseconds. Where too many wait already, it is looked for later. */
export function deferLeaving(state: State, leaving: Leaving, delay: number): void {
  const { tier } = leaving
  if (tier.waiting >= state.config.limits.releasing / 2) {
    dismissLeaving(leaving)
    tier.dropped = true
    putOff(leaving)
    return
  }
  tier.flying -= 1
  tier.waiting += 1
  leaving.phase = 'waiting'
  leaving.due = state.now + delay
  tier.due.push({ leaving, due: leaving.due })
}

/** Isn't considered again in this `decide`. */
export function putOff({ entry, tier }: Leaving): void {
  entry.putOff ??= new Set()
  entry.putOff.add(tier)
}

/** Those that have waited long enough. */
export function* dueLeaving(state: State, tier: TierState): Generator<Leaving> {
  for (let next = tier.due.peek(); next !== undefined && next.due <= state.now; next = tier.due.peek()) {
    tier.due.pop()
    const { leaving } = next
    if (leaving.phase === 'waiting' && leaving.entry.leaving[tier.index] === leaving) yield leaving
  }
}

/** When {@link dueLeaving} has something next. */
export function nextDueLeaving(tier: TierState): number {
  return tier.due.peek()?.due ?? Number.POSITIVE_INFINITY
}
