/** One file of the log, as it is in memory: the same bytes. */
import type { Buffer } from 'node:buffer'

export interface Segment {
  readonly number: number
  /** Its content; longer than what is used, if it can still grow. */
  bytes: Buffer
  /** Bytes that hold something. */
  used: number
  /** Bytes that are on stable storage. */
  durable: number
}
