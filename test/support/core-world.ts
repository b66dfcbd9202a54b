/** Small things for tests of the core. */
import type { ByteString } from '#lib/bytes.js'
import type { CoreLimits, Fingerprint } from '#lib/core/index.js'

export const bytes = (text: string): ByteString => text as ByteString

/** Limits that are met with a handful of files. */
export const tinyLimits: CoreLimits = {
  window: 8,
  load: 3,
  batch: 3,
  flying: 5,
  probe: 1,
  waiting: 4,
  releasing: 6,
  unjournaled: 40,
}

export function fingerprintOf(version: number): Fingerprint {
  return { dev: 1n, ino: 7n, size: version, mtimeNs: BigInt(version), ctimeNs: BigInt(version) }
}
