/** What error codes mean, in words: for messages only. */
import { getSystemErrorMap } from 'node:util'

const findings: Readonly<Record<string, string>> = {
  ABORT_ERR: 'cancelled',
  // What the system's own table lacks, and what storages and their connections fail with.
  EBADMSG: 'data failed a checksum of the file system',
  EDQUOT: 'disk quota exceeded',
  EMEDIUMTYPE: 'wrong medium type',
  ENOLINK: 'the link to the storage has been severed',
  ENOMEDIUM: 'no medium found',
  EREMOTEIO: 'remote I/O error',
  ESTALE: 'stale file handle',
  ETIME: 'timer expired',
  EUCLEAN: 'the file system is damaged and needs checking',
  // There the system's text speaks of a socket, which hardly ever is one here.
  ENOTSUP: 'operation not supported',
  EOPNOTSUPP: 'operation not supported',
  ERR_SUSTEN_CHANGED: 'the source changed while it was copied; copy it again when it is quiet',
  ERR_SUSTEN_SHORT: 'fewer bytes could be read or written than the file has',
  ERR_SUSTEN_HTTP: "the server's answer breaks the rules of HTTP",
  ERR_SUSTEN_NOT_REGULAR: 'not a regular file',
  ERR_SUSTEN_DIGEST: 'the copy read back is not what was written; suspect the storage or its connection',
  ERR_SUSTEN_NO_RELEASE:
    "nothing can be released safely here: the file system can't exchange names or tell who writes, or CAP_LEASE is missing",
  ERR_SUSTEN_STORAGE: 'another file system than expected; look whether the storage is mounted',
  ERR_SUSTEN_QUEUE_FULL: "the engine's queue is full",
  ERR_FS_CP_DIR_TO_NON_DIR: "a directory can't replace what is none",
  ERR_FS_CP_NON_DIR_TO_DIR: "what is no directory can't replace one",
  ERR_FS_CP_EEXIST: 'the destination exists, and force is false',
  ERR_FS_CP_EINVAL: "something can't be copied onto or into itself",
  ERR_FS_CP_FIFO_PIPE: "a FIFO can't be copied",
  ERR_FS_CP_SOCKET: "a socket can't be copied",
  ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY: "a link to a directory can't replace one to a directory above it",
  ERR_FS_CP_UNKNOWN: "a device or a file of unknown kind can't be copied",
}

/** Made once: Node builds a new table with every call. */
const system = getSystemErrorMap()

/**
 * A code's meaning; empty where it isn't known.
 * @param errno Negative, as in Node's errors; 0 if none.
 */
export function meaningOf(code: string, errno: number): string {
  return findings[code] ?? system.get(errno)?.[1] ?? ''
}
