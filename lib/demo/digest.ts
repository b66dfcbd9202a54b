/** XXH3-128 by an implementation that shares no code with the engine, so that one can be held against the other. */
import type { Buffer } from 'node:buffer'
import xxhash from 'xxhash-addon'

/** Canonical lower-case hex, as the engine and `xxhsum -H2` give it. */
export function digestOf(bytes: Buffer): string {
  return xxhash.XXHash128.hash(bytes).toString('hex')
}
