/** What others may see of the core's state: plain data, cheap to make. */
import { textOfBytes } from '../bytes.js'
import type { StorageType } from './config.js'
import { total } from './counters.js'
import { isOpen } from './dispatch.js'
import { rateAt } from './rate.js'
import type { State, StorageState } from './state.js'

/** A file system's fill state. Sizes in bytes, fractions 0…1. */
export interface FillState {
  readonly total: number
  readonly available: number
  /** Used fraction as an unprivileged writer sees it. */
  readonly fill: number
  readonly inodes: number
  readonly inodesAvailable: number
  readonly inodeFill: number
  readonly fsType: string
  readonly mountPoint: string
}

/** One storage's figures. */
export interface StorageStatus {
  readonly id: string
  readonly type: StorageType
  readonly target: string
  /**
   * `up`: copies go there; `down`: unavailable, its files wait; `probing`: it failed and is tried again; `unknown`:
   * not read yet.
   */
  readonly state: 'unknown' | 'up' | 'probing' | 'down'
  /** Milliseconds since the epoch when it came into this state. */
  readonly since: number
  /** Error code for which it is not `up`. */
  readonly reason?: string
  /** The same in words, as the message `STORAGE_UNAVAILABLE` has it. */
  readonly reasonText?: string
  readonly paused: boolean
  /** Files that aren't durable there yet, those being copied included. */
  readonly pending: number
  /** Of the pending ones: handed to the engine. */
  readonly copying: number
  /** Of the pending ones: waiting for their next attempt, or for their writer to be quiet. */
  readonly waiting: number
  /** Files that are durable there; those that left the catalog since stay counted. */
  readonly copied: number
  /** Files given up, see `failures()` and `retry()`. */
  readonly failed: number
  /** Bytes of all completed copies. */
  readonly bytes: number
  /** Exponential averages over about 5 s, per second. */
  readonly rates: { readonly files: number; readonly bytes: number }
  /** Fill state when last read. */
  readonly volume?: FillState
}

/** A Mirror's figures. JSON can hold it. */
export interface CoreStatus {
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly paused: boolean
  readonly source: {
    readonly directory: string
    readonly available: boolean
    /** Announcements per second, an exponential average over about 5 s. */
    readonly rate: number
  }
  readonly storages: readonly StorageStatus[]
}

export function statusOf(state: State, at: number): CoreStatus {
  return {
    at,
    paused: state.paused,
    source: {
      directory: textOfBytes(state.config.source),
      available: state.sourceAvailable,
      rate: rateAt(state.announced, at),
    },
    storages: state.storages.map((storage) => statusOfStorage(state, storage, at)),
  }
}

function statusOfStorage(state: State, storage: StorageState, at: number): StorageStatus {
  const { id, type, target } = storage.config
  const counts = total(state.counters, id)
  const { volume } = storage
  return {
    id,
    type,
    target: textOfBytes(target),
    state: storage.mode,
    since: storage.since,
    ...(storage.failure === undefined ? {} : { reason: storage.failure.code }),
    ...(storage.failureText === undefined ? {} : { reasonText: storage.failureText }),
    paused: state.paused || storage.paused,
    pending: counts.pending,
    copying: storage.flying,
    waiting: storage.waiting,
    copied: counts.copied,
    failed: counts.failed,
    bytes: counts.bytes,
    rates: { files: rateAt(storage.files, at), bytes: rateAt(storage.bytes, at) },
    ...(volume === undefined ? {} : { volume: fillState(volume) }),
  }
}

function fillState(volume: NonNullable<StorageState['volume']>): FillState {
  const { total, available, fill, inodes, inodesAvailable, inodeFill, fsType } = volume
  const mountPoint = textOfBytes(volume.mountPoint)
  return { total, available, fill, inodes, inodesAvailable, inodeFill, fsType, mountPoint }
}

/** Files that aren't durable everywhere yet, on the configured storages. */
export function pendingFiles(state: State): number {
  return state.storages.reduce((sum, storage) => sum + storage.pending, 0)
}

/** Of those, the ones that can be copied now: their storage is up, nothing is paused, and they wait for nothing. */
export function movingFiles(state: State): number {
  let sum = 0
  for (const storage of state.storages) {
    sum += storage.flying
    if (isOpen(state, storage)) sum += storage.pending - storage.flying - storage.waiting
  }
  return sum
}
