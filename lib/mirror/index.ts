/** `Mirror`: a source directory, copied to any number of storages, continuously. See docs/MIRROR.md. */
import { openMirror } from './mirror.js'
import type { Mirror as OpenMirror } from './types.js'

export { faceOf } from './face.js'
export { openSessionJournal } from './journal.js'
export { type CompleteMirrorOptions, completeCommon, completePath, completeSource } from './options.js'
export { openSession, type Session } from './session.js'
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
} from './types.js'

/** An open Mirror. */
export type Mirror = OpenMirror

/** Opens Mirrors. */
export const Mirror = { open: openMirror } as const
