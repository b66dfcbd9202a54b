/**
 * How a tier's files are gone through: in order of seq, from a cursor on, a page at a time from the journal. Nothing but
 * the cursor is kept of what isn't to be released now.
 */

import { hold } from './catalog.js'
import type { CoreEvent, TierPass } from './events.js'
import type { State } from './state.js'
import type { TierState } from './tier-state.js'

/** One way of going through a tier. */
export interface Pass {
  readonly kind: TierPass
  /** What is to be listed next lies above this seq. */
  cursor: number
  /** There is more to list. */
  active: boolean
  /** A `loadTier` is on its way. */
  loading: boolean
  /** The cursor when it was asked for. */
  requested: number
  /** The lowest seq that is to be met again, Infinity if none is: it may not have been durable when it was listed. */
  lowest: number
  /** Waits until more is durable. */
  starved: boolean
}

export const createPass = (kind: TierPass, active: boolean): Pass => ({
  kind,
  cursor: 0,
  active,
  loading: false,
  requested: 0,
  lowest: Number.POSITIVE_INFINITY,
  starved: false,
})

/** Goes through a tier from the start. */
export function rescan(tier: TierState, kind: TierPass): void {
  tier.passes[kind].cursor = 0
  tier.passes[kind].active = true
}

/** Goes through a tier in every way in which that may be of use now. */
export function rescanAll(tier: TierState): void {
  rescan(tier, 'all')
  rescan(tier, 'links')
  if (tier.releasing !== undefined) rescan(tier, 'full')
}

/** A file that couldn't be taken now must be met again. */
export function revisit(tier: TierState, kind: TierPass, seq: number): void {
  const pass = tier.passes[kind]
  pass.cursor = pass.active ? Math.min(pass.cursor, seq - 1) : seq - 1
  pass.lowest = Math.min(pass.lowest, seq)
  pass.active = true
}

/** Asks for the next page of each pass for which there is room. */
export function turnPages(state: State, tier: TierState, wantsSpace: boolean): void {
  const { limits } = state.config
  for (const pass of Object.values(tier.passes)) {
    if (!pass.active || pass.loading || pass.starved || (pass.kind === 'full' && !wantsSpace)) continue
    if (tier.resident > limits.releasing / 2) continue
    pass.loading = true
    pass.requested = pass.cursor
    state.out.commands.push({
      type: 'loadTier',
      tier: tier.config.id,
      pass: pass.kind,
      state: pass.kind === 'links' ? 'failed' : 'pending',
      after: pass.cursor,
      limit: Math.min(limits.load, Math.max(1, limits.releasing - tier.resident)),
      accessed: pass.kind === 'full' && state.config.policy.byAccess === true,
    })
  }
}

/** Takes a page in: its files are looked at when events have been taken in. */
export function tierLoaded(state: State, tier: TierState, event: Extract<CoreEvent, { type: 'tierLoaded' }>): void {
  const pass = tier.passes[event.pass]
  pass.loading = false
  // What must be met again since the page was asked for lies before it, and wins.
  if (pass.cursor >= pass.requested) pass.cursor = Math.max(pass.cursor, event.last)
  if (event.short && pass.cursor >= event.last) end(state, pass)
  event.records.forEach((record, index) => {
    if (state.forgotten.has(record.path)) return
    const entry = state.files.get(record.path) ?? hold(state, record)
    state.touched.add(entry)
    entry.accessed = event.accessed?.[index]
    entry.pass = event.pass
  })
}

/** More is durable: it may be listed now. */
export function nourish(tier: TierState): void {
  for (const pass of Object.values(tier.passes)) pass.starved = false
}

/** What isn't durable yet isn't listed: what must be met again is then looked for once more. */
function end(state: State, pass: Pass): void {
  pass.active = pass.lowest !== Number.POSITIVE_INFINITY && state.unjournaled > 0
  pass.starved = pass.active
  pass.cursor = pass.active ? pass.lowest - 1 : pass.cursor
  pass.lowest = Number.POSITIVE_INFINITY
}
