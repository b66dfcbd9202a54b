/** The pure core: events in, commands out. No input or output, no clock, no randomness. */
export { isKnown, sameVersion } from './announce.js'
export type { Command, CopyOrder, Message, MessageCode, Notice, ReleaseOrder } from './commands.js'
export type { RetryOptions, StorageType } from './config.js'
export {
  bufferTier,
  type CoreConfig,
  type CoreLimits,
  type CoreStorage,
  type CoreTier,
  defaultLimits,
  defaultRetry,
} from './config.js'
export { decide } from './decide.js'
export type { CoreEvent, ReleaseOutcome, Side, TierPass, VolumeReading } from './events.js'
export { nextReading } from './fill.js'
export type { CopyRecord, Failure, FileRecord, Fingerprint, JournalOp, TierRecord } from './record.js'
export { isReleasing } from './releasing.js'
export {
  coreKey,
  createState,
  directoriesKey,
  identitiesKey,
  type State,
  type Stored,
  type StoredCore,
  shiftKeys,
} from './state.js'
export { type CoreStatus, type FillState, movingFiles, pendingFiles, type StorageStatus, statusOf } from './status.js'
export type { StoredShift } from './tier-state.js'
export {
  type ShiftStatus,
  type ShiftStorageStatus,
  shiftsOf,
  type TierStatus,
  tiersOf,
} from './tier-status.js'
export { sourceName } from './wording.js'
