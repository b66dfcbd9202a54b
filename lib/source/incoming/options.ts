/** What the source for incoming directories can be told. */
import { inspect } from 'node:util'
import { type ByteString, textOfBytes } from '../../bytes.js'
import { checkBoolean, checkInteger, checkNames, optionError } from '../../options.js'
import { absolutePath, bytesOfPath } from '../../paths.js'
import type { Patience } from '../complete.js'

/** Options of {@link openIncoming}. Times are milliseconds. */
export interface IncomingOptions {
  /** The directory that a detector writes to: an NFS mount or a local folder. */
  readonly path: string | Uint8Array
  /**
   * It is read only while a file system is mounted exactly here. Default: where the file system is mounted that it is on
   * when it is looked at first.
   */
  readonly mountPoint?: string | Uint8Array
  /** Default: the path. */
  readonly id?: string
  /** For which a file must look the same to be offered, if no notification says that it was closed. Default 1000. */
  readonly settle?: number
  /**
   * For which a file must look the same to be removed; and to be offered, once it was seen to change. Default 2000; at
   * least `settle`.
   */
  readonly sure?: number
  /** Between two looks at everything. Default 1000. */
  readonly scanInterval?: number
  /** False: files stay; whoever writes them clears them away. Default true. */
  readonly remove?: boolean
  /** Files that are dealt with at once; what is beyond waits until others are gone. Default 100,000. */
  readonly maxFiles?: number
}

/** Options, checked and complete. */
export interface CheckedIncoming {
  readonly id: string
  readonly path: ByteString
  readonly mountPoint: ByteString | undefined
  readonly patience: Patience
  readonly scanInterval: number
  readonly remove: boolean
  readonly maxFiles: number
}

const names = ['path', 'mountPoint', 'id', 'settle', 'sure', 'scanInterval', 'remove', 'maxFiles'] as const
const HOUR = 3_600_000
const DAY = 24 * HOUR

/** @throws SustenError `ERR_SUSTEN_OPTION` */
export function checkIncoming(options: IncomingOptions): CheckedIncoming {
  checkNames('openIncoming', options, names)
  const path = checkPath('path', options.path)
  const { mountPoint } = options
  const id = options.id ?? textOfBytes(path)
  if (typeof id !== 'string' || id === '') throw optionError(`option 'id' must be some text, not ${inspect(id)}`)
  const settle = checkInteger('settle', options.settle ?? 1000, 0, DAY)
  return {
    id,
    path,
    mountPoint: mountPoint === undefined ? undefined : checkPath('mountPoint', mountPoint),
    patience: { settle, sure: checkInteger('sure', options.sure ?? Math.max(2000, settle), settle, DAY) },
    scanInterval: checkInteger('scanInterval', options.scanInterval ?? 1000, 1, DAY),
    remove: checkBoolean('remove', options.remove ?? true),
    maxFiles: checkInteger('maxFiles', options.maxFiles ?? 100_000, 1, 10_000_000),
  }
}

function checkPath(name: string, path: unknown): ByteString {
  const isPath = (typeof path === 'string' || path instanceof Uint8Array) && path.length > 0
  if (!isPath) throw optionError(`option '${name}' must be a directory, not ${inspect(path)}`)
  return absolutePath(bytesOfPath(path, name))
}
