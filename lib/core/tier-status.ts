/** What others may see of shifts and tiers: plain data, cheap to make. */
import { textOfBytes } from '../bytes.js'
import { levelOf, secondsLeft } from './fill.js'
import { heldInAll, heldOf } from './holdings.js'
import { rateAt } from './rate.js'
import type { State } from './state.js'
import { mountPointOf } from './tier-state.js'

/** One shift's figures on one storage. */
export interface ShiftStorageStatus {
  readonly storage: string
  readonly pending: number
  readonly copied: number
  readonly failed: number
  /** Bytes of all completed copies. */
  readonly bytes: number
}

/** One user's turn. */
export interface ShiftStatus {
  readonly number: number
  readonly uid: number
  readonly gid: number
  readonly userDirectory?: string
  /** Milliseconds since the epoch. */
  readonly started: number
  /** Absent for the running one. */
  readonly ended?: number
  readonly storages: readonly ShiftStorageStatus[]
  /** Files and links that tiers still have of it; `clearing`: they are to leave. */
  readonly tiers: readonly {
    readonly tier: string
    readonly held: number
    readonly links: number
    readonly clearing: boolean
  }[]
}

/** A tier that gives space back. */
export interface TierStatus {
  /** `buffer`, or the storage's id. */
  readonly id: string
  readonly mountPoint: string
  /** Used fraction, of bytes or inodes, whichever is more; absent until it was read. */
  readonly fill?: number
  readonly limit: number
  readonly low: number
  /** Space is being made. */
  readonly releasing: boolean
  /** Files that it holds, symbolic links in place of others, and bytes that could be given back. */
  readonly held: number
  readonly links: number
  readonly spare: number
  /** Bytes a second that come in, and that are given back: averages. */
  readonly inflow: number
  readonly outflow: number
  /** Seconds until it is likely to be full, if that is to be expected. */
  readonly secondsLeft?: number
}

/** All shifts that are remembered, the running one first. */
export function shiftsOf(state: State): ShiftStatus[] {
  return state.shifts
    .map(({ clears: _, clearing, ...shift }) => ({
      ...shift,
      storages: state.storages.map(({ config: { id } }) => {
        const counts = state.counters.get(shift.number)?.get(id)
        return { storage: id, ...(counts ?? { pending: 0, copied: 0, failed: 0, bytes: 0 }) }
      }),
      tiers: state.tiers.map(({ config: { id } }) => {
        const { held, links } = heldOf(state.holdings, shift.number, id)
        return { tier: id, held, links, clearing: clearing.includes(id) }
      }),
    }))
    .reverse()
}

export function tiersOf(state: State): TierStatus[] {
  return state.tiers.map((tier) => {
    const { id, limit, low } = tier.config
    const { held, links, bytes } = heldInAll(state.holdings, id)
    const left = tier.volume === undefined ? Number.POSITIVE_INFINITY : secondsLeft(state, tier, tier.volume)
    return {
      id,
      mountPoint: textOfBytes(mountPointOf(state, tier)),
      ...(tier.volume === undefined ? {} : { fill: levelOf(tier.volume) }),
      limit,
      low,
      releasing: tier.releasing !== undefined,
      held,
      links,
      spare: bytes,
      inflow: rateAt(tier.inflow, state.now),
      outflow: rateAt(tier.outflow, state.now),
      ...(left === Number.POSITIVE_INFINITY ? {} : { secondsLeft: left }),
    }
  })
}
