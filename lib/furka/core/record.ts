/** What is known of one offered file, and whose turn it is. Plain data: the journal keeps it as JSON. */
import type { ByteString } from '../../bytes.js'
import type { Confirm } from '../types.js'
import type { FurkaUser } from '../user.js'

/** A file that a source has, as it was offered. `lib/source/files.ts` tells what the parts mean. */
export interface Offer {
  readonly name: string
  /** Below the user's directory; checked. */
  readonly path: ByteString
  readonly version: string
  readonly exact: boolean
  readonly size?: number
  /** Milliseconds since the epoch. */
  readonly mtime?: number
  /** Milliseconds since the epoch. */
  readonly seen: number
  readonly identity?: string
}

/** A file that a source has seen, and not offered yet as it is. `lib/source/files.ts` tells what the parts mean. */
export interface Seen {
  readonly name: string
  /** Milliseconds since the epoch. */
  readonly seen: number
  /** Absent: nothing is known but its name. */
  readonly version?: string
  readonly size?: number
  readonly identity?: string
}

/** A file that was received. */
export interface Here {
  /** Absolute, with the `/./` in front of what Grimsel recreates. */
  readonly path: ByteString
  readonly size: number
  /** XXH3-128 as 32 hex digits. */
  readonly digest: string
  /** Milliseconds since the epoch. */
  readonly received: number
  /** Older content that was found under the name, and kept. Absolute, like `path`. */
  readonly version?: ByteString
}

export interface FileRecord {
  /** Order of the offers; unique. */
  readonly seq: number
  /** The source's id. */
  readonly source: string
  readonly offer: Offer
  /** Number of the turn to which it belongs. */
  readonly turn: number
  /** When this version was offered first, in milliseconds since the epoch. Absent in older journals. */
  readonly at?: number
  readonly here?: Here
  /** Older contents that were kept beside it, of which Grimsel doesn't know yet. Absolute, like `here.path`. */
  readonly also?: readonly ByteString[]
  /** Grimsel has it. */
  readonly announced?: true
  /** The storage on which Grimsel says that it is durable. */
  readonly safe?: Exclude<Confirm, 'buffer'>
  /** This version isn't at the source any more: nothing is to be removed there. */
  readonly withdrawn?: true
  /** It may have come to its name here, and that wasn't noted: what lies there is to be looked for. */
  readonly unnoted?: true
}

/** A file that isn't offered yet belongs to the user of a turn that is over. */
export interface Reservation extends Omit<Seen, 'seen'> {
  /** Unique among those, and the files. */
  readonly seq: number
  /** The source's id. */
  readonly source: string
  /** Number of the turn. */
  readonly turn: number
  /** When that was noted, in milliseconds since the epoch. */
  readonly at: number
}

/** Reservations of a source that were made, or found to hold, at a time `from` or later held at a time `to`. */
export interface Held {
  readonly from: number
  readonly to: number
}

/** A user's time. */
export interface Turn {
  /** 1 for the first. */
  readonly number: number
  /** Milliseconds since the epoch: files that were seen later are this user's, up to the next turn. */
  readonly since: number
  readonly user: FurkaUser
  /** Grimsel knows of it. */
  readonly told: boolean
}

/** Why something failed, as plain data. */
export interface Failure {
  readonly code: string
  readonly errno: number
  readonly syscall: string
  /** What it was about, for people. */
  readonly text: string
}
