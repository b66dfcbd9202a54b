/** What tells one content of a file from another, by what its file system says of it. Pure. */

import type { ByteString } from '../../bytes.js'
import type { NativeFingerprint } from '../../native.js'
import type { ListedFile } from '../listing.js'

/** What is compared. Not the device: a network file system gets another number with each mount. */
export type Marks = Pick<NativeFingerprint, 'ino' | 'size' | 'mtimeNs' | 'ctimeNs'>

/** Milliseconds for which stamps may stay the same: the kernel's clock for them ticks; some have whole seconds only. */
const TICK = 20
const SECOND = 1000
/** A file with stamps that are older than this hasn't changed, in milliseconds. Clocks may differ, but not by so much. */
const OLD = 60_000
const NS = 1_000_000n
const NS_SECOND = 1_000_000_000n

export function listedOf(name: ByteString, marks: Marks, isRemote: boolean): ListedFile {
  const { size, mtimeNs, ctimeNs } = marks
  const isCoarse = mtimeNs % NS_SECOND === 0n && ctimeNs % NS_SECOND === 0n
  const touched = Number((mtimeNs > ctimeNs ? mtimeNs : ctimeNs) / NS)
  const age = Date.now() - touched
  return {
    name,
    size,
    mtime: mtimeNs < 0n ? undefined : Number(mtimeNs / NS),
    version: versionOf(marks),
    identity: String(marks.ino),
    grain: isCoarse ? SECOND : TICK,
    // Another computer's clock says nothing of now.
    age: !isRemote && age >= OLD ? age : undefined,
  }
}

export const versionOf = ({ ino, size, mtimeNs, ctimeNs }: Marks): string => `${size}:${mtimeNs}:${ctimeNs}:${ino}`

/** Undefined: it isn't a version of this source. */
export function marksOf(version: string): Marks | undefined {
  const [, size, mtimeNs, ctimeNs, ino] = /^(\d{1,16}):(-?\d{1,20}):(-?\d{1,20}):(\d{1,20})$/.exec(version) ?? []
  if (size === undefined || mtimeNs === undefined || ctimeNs === undefined || ino === undefined) return undefined
  return { size: Number(size), mtimeNs: BigInt(mtimeNs), ctimeNs: BigInt(ctimeNs), ino: BigInt(ino) }
}
