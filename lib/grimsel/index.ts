/** `Grimsel`: a buffer, copied to storages, that never overflows. See docs/GRIMSEL.md. */
import { openGrimsel } from './grimsel.js'
import type { Grimsel as OpenGrimsel } from './types.js'

export type { BufferOptions, GrimselOptions, GrimselStatus, SpaceOptions, User } from './types.js'

/** An open Grimsel. */
export type Grimsel = OpenGrimsel

/** Opens Grimsels. */
export const Grimsel = { open: openGrimsel } as const
