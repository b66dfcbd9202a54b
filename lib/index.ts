/**
 * susten: a copy engine for X-ray beamlines.
 *
 * - {@link Furka}: files of detectors, on the buffer the moment they are whole
 * - {@link Grimsel}: a buffer, copied to storages as files are announced, that never overflows
 * - {@link Mirror}: a directory, continuously, to any number of storages
 * - {@link copyTree}: a tree, once, verified and durable; a drop-in for `fs.cp`
 * - {@link volume}: how full a file system is, and which one it is
 * - {@link openEngine}: the engine below both, to share a pool between calls
 *
 * @packageDocumentation
 */
export type { PathInput } from './bytes.js'
export type { PreserveOptions } from './copy-options.js'
export type {
  CompatibleOptions,
  CopyDigest,
  CopyFilter,
  CopyProgress,
  CopyReport,
  CopyTreeOptions,
  PathForm,
} from './copy-tree/index.js'
export { copyTree } from './copy-tree/index.js'
export type { Engine, EngineOptions, Volume } from './engine/index.js'
export { openEngine } from './engine/index.js'
export type { SustenErrorDetails } from './errors.js'
export { SustenError } from './errors.js'
export type {
  AnnouncedFile,
  Confirm,
  FailureStatus,
  FurkaEvent,
  FurkaEvents,
  FurkaMessage,
  FurkaMessageCode,
  FurkaOptions,
  FurkaSourceOptions,
  FurkaSourceStatus,
  FurkaStatus,
  FurkaUser,
  FurkaWaitOptions,
  GrimselTarget,
  ReceivedFile,
  RemovedFile,
  UserChange,
  UserChanged,
} from './furka/index.js'
export { Furka } from './furka/index.js'
export type { BufferOptions, GrimselOptions, GrimselStatus, SpaceOptions, User } from './grimsel/index.js'
export { Grimsel } from './grimsel/index.js'
export type {
  AcceptOptions,
  CopiedFile,
  ErrorEvent,
  FailedFile,
  FailureFilter,
  FilePaths,
  FoundCopy,
  FoundFile,
  IdleEvent,
  MirrorEvent,
  MirrorEvents,
  MirrorMessage,
  MirrorOptions,
  MirrorStatus,
  Replicator,
  RetryTimes,
  StorageOptions,
  WaitOptions,
} from './mirror/index.js'
export { Mirror } from './mirror/index.js'
export type { Durability, NativeFault, Preserve, Strategy, Verify } from './native.js'
export type { Lost } from './observe/index.js'
export type {
  PolicyAttempt,
  PolicyCopiedFile,
  PolicyFile,
  PolicyShift,
  PolicyStorage,
  PolicyTier,
  Release,
  StoragePolicy,
} from './policy/index.js'
export { deleteAfterCopy, grimsel, keepAll, keepSeries, leastRecentlyRead } from './policy/index.js'
export type {
  FileBody,
  FileOffer,
  FilePlace,
  FileSource,
  Removal,
  SeenFile,
  SourceEvent,
  SourceState,
} from './source/files.js'
export { type IncomingOptions, openIncoming } from './source/incoming/index.js'
export { openRsync, type RsyncOptions } from './source/rsync/index.js'
export { openSimplon, type SimplonOptions } from './source/simplon/index.js'
export { volume } from './volume.js'
