/** The fill state of a file system as the public API tells it. */
import { bufferOfBytes, textOfBytes } from '../bytes.js'
import type { NativeVolume } from '../native.js'

/** A file system as statvfs(3) and the mount table describe it. Sizes in bytes. */
export interface Volume {
  /** Size of the file system. */
  readonly total: number
  /** Available to an unprivileged writer. */
  readonly available: number
  /** Free, with what is reserved for root. */
  readonly free: number
  /** Used fraction as an unprivileged writer sees it: used / (used + available), 0…1, as df(1) counts. */
  readonly fill: number
  /** Inodes of the file system; 0 where it has no fixed number. */
  readonly inodes: number
  /** Inodes available to an unprivileged writer. */
  readonly inodesAvailable: number
  /** Used fraction of the inodes, 0…1; 0 where there is no fixed number. */
  readonly inodeFill: number
  /** Nothing can be written to it. */
  readonly readOnly: boolean
  /** `tmpfs`, `ext4`, `nfs4`, … */
  readonly fsType: string
  /** Where it is mounted, as text. */
  readonly mountPoint: string
  /** Where it is mounted, as bytes. */
  readonly mountPointBytes: Uint8Array
  /** The device or export that is mounted. */
  readonly mountSource: string
  /** The kernel's number of this mount; a new mount at the same place has another. */
  readonly mountId: number
  /** Device number, as in `stat().dev`. */
  readonly dev: bigint
  /** Stable text that tells this file system from another at the same place; it outlives a reboot. */
  readonly identity: string
}

/** Makes the public description from the addon's. */
export function volumeOfNative(native: NativeVolume): Volume {
  return {
    ...native,
    mountPoint: textOfBytes(native.mountPoint),
    mountPointBytes: bufferOfBytes(native.mountPoint),
    mountSource: textOfBytes(native.mountSource),
  }
}
