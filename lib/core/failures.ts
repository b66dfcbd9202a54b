/** What a failure means for what comes next. */
import type { Side } from './events.js'
import type { Failure } from './record.js'

/**
 * - `cancelled`: nobody's fault, the copy was given up;
 * - `changed`: the source was written to meanwhile: wait for quiet;
 * - `final`: trying again can't help until the file is announced again: gone, or not a regular file;
 * - `full`: the storage has no room;
 * - `storage`: the storage as a whole doesn't work;
 * - `disk`: an I/O error of the storage: its own, or only of the place where this file lies;
 * - `file`: anything else: this file's own trouble.
 */
export type FailureClass = 'cancelled' | 'changed' | 'final' | 'full' | 'storage' | 'disk' | 'file'

/** It says that the storage has no room, but for attributes: they may only not fit into an inode. A quota (`EDQUOT`) is one user's own trouble. */
const full = new Set(['ENOSPC'])
/** Wherever they come up, they stop all copies to a storage: wrong file system, or this process is short of something. */
const everywhere = new Set(['ERR_SUSTEN_STORAGE', 'ERR_SUSTEN_QUEUE_FULL', 'EROFS', 'EMFILE', 'ENFILE', 'ENOMEM'])
/** On the storage's side they concern all of it. */
const whole = new Set([
  'ECOMM',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'EKEYEXPIRED',
  'EKEYREVOKED',
  'ENETDOWN',
  'ENETUNREACH',
  'ENODEV',
  'ENOKEY',
  'ENOLINK',
  'ENOMEDIUM',
  'ENOTCONN',
  'ENXIO',
  'EREMOTEIO',
  'ESHUTDOWN',
  'ESTALE',
  'ETIMEDOUT',
])
/** On the source's side they say that there is no such file. */
const absent = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'])

export function classify({ code, syscall }: Pick<Failure, 'code' | 'syscall'>, side: Side): FailureClass {
  if (code === 'ABORT_ERR') return 'cancelled'
  if (code === 'ERR_SUSTEN_CHANGED') return 'changed'
  if (code === 'ERR_SUSTEN_NOT_REGULAR') return 'final'
  if (full.has(code)) return syscall === 'fsetxattr' ? 'file' : 'full'
  if (everywhere.has(code)) return 'storage'
  if (side === 'source') return absent.has(code) ? 'final' : 'file'
  if (code === 'EIO') return 'disk'
  return whole.has(code) ? 'storage' : 'file'
}
