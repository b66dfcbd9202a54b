/** `Furka`: files of detectors, on the buffer the moment they are whole. See docs/FURKA.md. */
import { openFurka } from './furka.js'
import type { Furka as OpenFurka } from './types.js'

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
  FurkaWaitOptions,
  GrimselTarget,
  ReceivedFile,
  RemovedFile,
  UserChanged,
} from './types.js'
export type { FurkaUser, UserChange } from './user.js'

/** An open Furka. */
export type Furka = OpenFurka

/** Opens Furkas. */
export const Furka = { open: openFurka } as const
