/** How full tiers are, when they will be too full, and whether they must give space back. */
import { textOfBytes } from '../bytes.js'
import type { VolumeReading } from './events.js'
import { heldInAll } from './holdings.js'
import { say } from './messages.js'
import { addToRate, rateAt, spreadOverRate } from './rate.js'
import type { State, StorageState } from './state.js'
import { rescan } from './tier-passes.js'
import { mountPointOf, type TierState } from './tier-state.js'

/**
 * Seconds before a tier is likely to be full at which that is told, at the least: time for a person to act. More, if
 * making room takes longer.
 */
const leastWarning = 60
/** Seconds before a tier would be full, if nothing were released, at which release begins, at the least. */
const leastStart = 5
/** Milliseconds between two readings: at least; while space is being made; while files are announced. */
const quickReading = 20
const busyReading = 100
const calmReading = 250
/** Announcements a second below which each brings about a reading of its own, if need be. */
const quiet = 1
/** Seconds for which space is being made until the averages say whether that is fast enough. */
const settled = 10

/** A tier's file system was read. */
export function fillRead(state: State, id: string, volume: VolumeReading): void {
  const tier = state.tiers.find(({ config }) => config.id === id)
  // Another file system may be in the place of a storage that is gone.
  if (tier === undefined || tier.storage?.reachable === false) return
  if (tier.volume === undefined) {
    tier.inflow.at = state.now
  } else {
    const grown = Math.max(0, usedBytes(volume) - usedBytes(tier.volume) + tier.freed)
    spreadOverRate(tier.inflow, state.now, grown)
    tier.growth = (1000 * grown) / Math.max(1, state.now - tier.read)
  }
  tier.read = state.now
  tier.volume = volume
  tier.freed = 0
  tier.freedFiles = 0
  judge(state, tier, volume)
}

/**
 * Milliseconds until a tier should be read again: often enough that a burst doesn't fill it between two readings, nor
 * that what a release has made room for is filled again before more is released.
 */
export function nextReading(state: State, id: string): number {
  const tier = state.tiers.find(({ config }) => config.id === id)
  if (tier === undefined) return Number.POSITIVE_INFINITY
  const isBusy = tier.volume === undefined || tier.releasing !== undefined
  const isQuiet = rateAt(state.announced, state.now) < quiet
  const most = isBusy ? busyReading : isQuiet ? Number.POSITIVE_INFINITY : calmReading
  const left = 1000 * until(tier.volume?.available ?? 0, tier.growth)
  return Math.max(quickReading, Math.min(left / 8, most))
}

/** A release has given bytes back. */
export function freed(state: State, tier: TierState, bytes: number, isGone: boolean): void {
  tier.freed += bytes
  if (isGone) tier.freedFiles += 1
  addToRate(tier.outflow, state.now, bytes)
  tier.speed = Math.max(tier.speed, rateAt(tier.outflow, state.now))
}

/** Used fraction, of bytes or of inodes, whichever is more. */
export const levelOf = (volume: VolumeReading): number => Math.max(volume.fill, volume.inodeFill)

const usedBytes = ({ total, fill }: VolumeReading): number => total * fill

/** Whether more must be given back than is under way. Links take inodes themselves: only deleting frees those. */
export function lacks({ releasing, volume, config, freeing, freed: gone, resident, freedFiles }: TierState): boolean {
  if (releasing === undefined || volume === undefined) return false
  if (usedBytes(volume) - volume.total * config.low > freeing + gone) return true
  if (config.createLinks) return false
  return volume.inodes * (volume.inodeFill - config.low) > resident + freedFiles
}

function judge(state: State, tier: TierState, volume: VolumeReading): void {
  const { limit, low } = tier.config
  const level = levelOf(volume)
  const left = secondsLeft(state, tier, volume)
  overflow(state, tier, level)
  if (level >= limit && !tier.limited) limitReached(state, tier, volume)
  if (level < low) tier.limited = false
  warn(state, tier, left)
  if (level < low) tier.releasing = undefined
  else if (tier.releasing === undefined && (level >= limit || tier.alarmed || fillsSoon(state, tier, volume))) {
    tier.releasing = state.now
    // What was possible once says less and less.
    tier.speed /= 2
    rescan(tier, 'full')
  }
}

function limitReached(state: State, tier: TierState, volume: VolumeReading): void {
  tier.limited = true
  const inodes = volume.inodeFill > volume.fill
  const what = inodes ? `${percent(volume.inodeFill)} of its inodes` : percent(volume.fill)
  const hint = inodes && tier.config.createLinks ? '; links take inodes too, so only deleting files helps' : ''
  tell(state, tier, 'FILLSTATE_LIMIT', 'info', `is filled to ${what}: old files that are copied are released${hint}`)
}

function overflow(state: State, tier: TierState, level: number): void {
  if (level < tier.config.limit) tier.overflowed = false
  if (level < 1 || tier.overflowed) return
  tier.overflowed = true
  tell(state, tier, 'DISK_OVERFLOW', 'error', 'is full')
}

/** A storage takes no more, though its fill state may say otherwise: a part of it may be reserved, or its inodes used. */
export function storageFull(state: State, storage: StorageState): void {
  if (state.tiers.length === 0) return
  const tier = state.tiers.find((one) => one.storage === storage)
  if (tier?.overflowed === true) return
  if (tier !== undefined) tier.overflowed = true
  const { id, target } = storage.config
  const mountPoint = tier === undefined ? (storage.volume?.mountPoint ?? target) : mountPointOf(state, tier)
  say(state, {
    code: 'DISK_OVERFLOW',
    severity: 'error',
    storage: id,
    subject: mountPoint,
    text: `${textOfBytes(mountPoint)} is full`,
    reason: id,
  })
}

/** Likely to overflow: told once, and again only after it was far from it. */
function warn(state: State, tier: TierState, left: number): void {
  const warning = Math.max(leastWarning, 2 * secondsToFree(tier))
  if (left > 2 * warning) tier.alarmed = false
  if (left > warning || tier.alarmed) return
  tier.alarmed = true
  tell(state, tier, 'ALMOST_OVERFLOW', 'warning', `is likely to overflow in ${Math.round(left)} s`)
}

/**
 * Seconds until the tier is full, Infinity if that isn't to be expected. It will be
 * - if more comes in than is copied to the next tier: when what is free, and what could be given back, is used up;
 * - if more comes in than is given back, while as much as possible is: when what is free is used up.
 */
export function secondsLeft(state: State, tier: TierState, volume: VolumeReading): number {
  const inflow = rateAt(tier.inflow, state.now)
  const [next] = tier.below
  const drain = next === undefined ? 0 : rateAt(next.bytes, state.now)
  const { bytes } = heldInAll(state.holdings, tier.config.id)
  const backlog = until(volume.available + bytes, inflow - drain)
  if (tier.releasing === undefined || state.now - tier.releasing < settled * 1000) return backlog
  if (levelOf(volume) < tier.config.limit) return backlog
  return Math.min(backlog, until(volume.available, inflow - rateAt(tier.outflow, state.now)))
}

/** Inflow alone would fill the tier before a release could make that much room. */
function fillsSoon(state: State, tier: TierState, volume: VolumeReading): boolean {
  const inflow = rateAt(tier.inflow, state.now)
  return until(volume.available, inflow) < Math.max(leastStart, 2 * secondsToFree(tier))
}

const until = (bytes: number, rate: number): number => (rate > 0 ? bytes / rate : Number.POSITIVE_INFINITY)

/** Seconds to get from where it is to its low mark, at the rate measured lately; 0 if none was. */
function secondsToFree({ volume, config, speed }: TierState): number {
  if (volume === undefined || speed === 0) return 0
  return Math.max(0, usedBytes(volume) - volume.total * config.low) / speed
}

const percent = (fraction: number): string => `${Math.round(fraction * 100)} %`

type Code = 'FILLSTATE_LIMIT' | 'ALMOST_OVERFLOW' | 'DISK_OVERFLOW'

function tell(state: State, tier: TierState, code: Code, severity: 'info' | 'warning' | 'error', text: string): void {
  const mountPoint = mountPointOf(state, tier)
  const { id } = tier.config
  const storage = tier.storage === undefined ? {} : { storage: tier.storage.config.id }
  say(state, {
    code,
    severity,
    ...storage,
    subject: mountPoint,
    text: `${textOfBytes(mountPoint)} ${text}`,
    reason: id,
  })
}
