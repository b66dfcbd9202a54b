/** `Grimsel`: a buffer, copied to storages, that never overflows. See docs/GRIMSEL.md. */
export type { BufferOptions, Grimsel, GrimselOptions, GrimselStatus, SpaceOptions, User } from './types.js'
