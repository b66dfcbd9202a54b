/**
 * Shifts: whose turn it is, what became of each turn's files, and which tiers are still to be cleared of them. Each is a
 * journal value of its own, so that only those are written that changed.
 */
import { textOfBytes } from '../bytes.js'
import { beginDirectories, forgetDirectories, keepDirectories, removeDirectories } from './clearing.js'
import { defaultHistory } from './config.js'
import type { CoreEvent } from './events.js'
import { clearsAtEnd } from './guard.js'
import { bucketOf, earlier, heldOf } from './holdings.js'
import { say } from './messages.js'
import type { State } from './state.js'
import { rescan } from './tier-passes.js'
import { mountPointOf, type TierState } from './tier-state.js'

/** One user's turn. */
export interface Shift {
  readonly number: number
  readonly uid: number
  readonly gid: number
  /** Below the buffer. */
  readonly userDirectory?: string
  /** Milliseconds since the epoch. */
  readonly started: number
  ended?: number
  /** Ids of the tiers that its files are to leave, once it has ended. */
  clears: readonly string[]
  /** Those of them that they haven't left so far. */
  clearing: readonly string[]
}

/** Another user's turn begins. */
export function userChanged(state: State, event: Extract<CoreEvent, { type: 'userChange' }>): void {
  if (state.tiers.length === 0) return
  const { at, uid, gid, userDirectory } = event
  const old = state.shifts.at(-1)
  if (old !== undefined) {
    old.ended = at
    const ended = { number: old.number, uid: old.uid, gid: old.gid, started: old.started, ended: at }
    old.clears = state.tiers.filter((tier) => clearsAtEnd(state, tier, ended)).map(({ config }) => config.id)
    old.clearing = old.clears
    if (old.clears.length > 0) keepDirectories(state, old.number)
    state.out.shifts.add(old.number)
  }
  state.shift += 1
  const user = userDirectory === undefined ? { uid, gid } : { uid, gid, userDirectory }
  state.shifts.push({ number: state.shift, ...user, started: at, clears: [], clearing: [] })
  state.out.shifts.add(state.shift)
  state.out.changed = true
  beginDirectories(state, userDirectory)
  for (const tier of state.tiers) {
    rescan(tier, 'all')
    rescan(tier, 'links')
  }
}

/** Whether what is left of a shift's files is to leave a tier. */
export function isClearing(state: State, shift: number, tier: TierState): boolean {
  if (shift === state.shift) return false
  const bucket = bucketOf(state.shifts, shift)
  for (const { number, clears } of state.shifts) if (number === bucket) return clears.includes(tier.config.id)
  return state.earlier?.clears.includes(tier.config.id) ?? false
}

/** Tells which tiers ended shifts have left, and forgets the oldest shifts. */
export function reviewShifts(state: State): void {
  for (const shift of state.shifts) {
    if (shift.clearing.length === 0) continue
    const clearing = shift.clearing.filter((id) => {
      const { held, links } = heldOf(state.holdings, shift.number, id)
      return held + links > 0
    })
    if (clearing.length === shift.clearing.length) continue
    for (const id of shift.clearing) if (!clearing.includes(id)) cleared(state, shift, id)
    shift.clearing = clearing
    if (clearing.length === 0) forgetDirectories(state, shift.number)
    state.out.shifts.add(shift.number)
  }
  while (state.shifts.length > (state.config.history ?? defaultHistory)) {
    const [oldest] = state.shifts
    if (oldest === undefined || oldest.clearing.length > 0) return
    forgetShift(state, oldest)
  }
}

function cleared(state: State, { number, uid, gid, userDirectory }: Shift, id: string): void {
  const tier = state.tiers.find(({ config }) => config.id === id)
  // A shift without files leaves nothing behind that would be worth telling.
  if (tier === undefined || !state.counters.has(number)) return
  removeDirectories(state, tier, number)
  const whose = `uid ${uid}, gid ${gid}${userDirectory === undefined ? '' : `, directory ${userDirectory}`}`
  say(state, {
    code: 'SHIFT_CLEARED',
    severity: 'info',
    storage: tier.storage?.config.id,
    subject: mountPointOf(state, tier),
    text: `The files of shift ${number} (${whose}) have left ${textOfBytes(tier.storage?.config.target ?? state.config.source)}`,
    reason: `${id} ${number}`,
  })
}

/** Its figures are added to those of all earlier ones. */
function forgetShift(state: State, shift: Shift): void {
  const { number } = shift
  // What comes up of them later is treated as the most careful of them would be.
  const clears =
    state.earlier === undefined ? shift.clears : shift.clears.filter((id) => state.earlier?.clears.includes(id))
  state.earlier = { ...shift, number: earlier, clears }
  state.shifts.shift()
  fold(state.counters, number)
  fold(state.holdings, number)
  state.out.shifts.add(number).add(earlier)
}

/** Moves one shift's figures to those of all earlier ones. */
function fold<F extends object>(figures: Map<number, Map<string, F>>, shift: number): void {
  const from = figures.get(shift)
  if (from === undefined) return
  figures.delete(shift)
  const into = figures.get(earlier) ?? new Map<string, F>()
  figures.set(earlier, into)
  for (const [id, counts] of from) {
    const sum = into.get(id)
    into.set(id, sum === undefined ? counts : add(sum, counts))
  }
}

function add<F extends object>(one: F, other: F): F {
  const sum = { ...one }
  for (const key of Object.keys(one) as (keyof F)[]) sum[key] = ((one[key] as number) + (other[key] as number)) as never
  return sum
}
