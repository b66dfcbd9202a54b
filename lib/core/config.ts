/** What the core is told once, when it is made. Plain data, but for the policy. */
import type { ByteString } from '../bytes.js'
import type { StoragePolicy } from '../policy/index.js'

export type StorageType = 'internal' | 'external' | 'optional'

/** A storage as the core knows it. */
export interface CoreStorage {
  readonly id: string
  readonly type: StorageType
  /** Where copies go, absolute: for messages only. */
  readonly target: ByteString
  /** If set, the target must lie on the file system that is mounted exactly here. */
  readonly mountPoint?: ByteString
}

/** Id of the tier that is the buffer. No storage may have it where there are tiers. */
export const bufferTier = 'buffer'

/** A tier that gives space back: the buffer, or the internal storage where there is an external one. */
export interface CoreTier {
  /** `buffer`, or the storage's id. */
  readonly id: string
  /** Id of the storage to which its files go next: the next tier, or the last one. */
  readonly next: string
  /** Its mount point, for messages. Default: where it was when the tier was last read. */
  readonly mountPoint?: ByteString
  /** Fill state, of bytes or inodes, at which release begins, 0…1. */
  readonly limit: number
  /** Fill state below which it ends. */
  readonly low: number
  /** Whether the site wants symbolic links in place of released files; policies are told. */
  readonly createLinks: boolean
}

/** How failures of single files are retried. Conditions of a whole storage are retried for ever. */
export interface RetryOptions {
  /** Attempts until a file is `failed`. Default 8. */
  readonly attempts: number
  /** Milliseconds until the second attempt; doubles with each further one. Default 1000. */
  readonly first: number
  /** Longest wait in milliseconds, for storages too. Default 60,000. */
  readonly max: number
}

/** Bounds of what the core keeps in memory and in flight, per storage where not said otherwise. */
export interface CoreLimits {
  /** Pending files that wait in memory; the others wait in the journal. */
  readonly window: number
  /** Records per `load` command. */
  readonly load: number
  /** Files per `copy` command. */
  readonly batch: number
  /** Files in flight. */
  readonly flying: number
  /** Files in flight on a storage that has just failed and is tried again. */
  readonly probe: number
  /** Files that wait for their next attempt. More go to the end of the queue instead. */
  readonly waiting: number
  /** Files of a tier that are being released, or wait for it. The others wait in the journal. */
  readonly releasing: number
  /** Journal operations, of all storages together, that aren't durable yet; above it nothing new is begun. */
  readonly unjournaled: number
}

export interface CoreConfig {
  /** The source directory, absolute: for messages only. */
  readonly source: ByteString
  readonly storages: readonly CoreStorage[]
  readonly policy: StoragePolicy
  readonly retry: RetryOptions
  readonly limits: CoreLimits
  /** First tier first, each the `next` of the one before. Default none: nothing is released, and there are no shifts. */
  readonly tiers?: readonly CoreTier[]
  /**
   * Whether copies may be read from a storage (`from` in a copy order). Then a file may leave the buffer while other
   * storages still wait for it. Default false.
   */
  readonly tierSources?: boolean
  /** Shifts that are remembered, those that are still being cleared not counted. Default 100. */
  readonly history?: number
}

/** Of {@link CoreConfig.history}. */
export const defaultHistory = 100

export const defaultRetry: RetryOptions = { attempts: 8, first: 1000, max: 60_000 }

export const defaultLimits: CoreLimits = {
  window: 4096,
  load: 256,
  batch: 128,
  flying: 512,
  probe: 2,
  waiting: 16_384,
  releasing: 4096,
  unjournaled: 16_384,
}
