/** What the source for rsync daemons can be told. */
import { isIP } from 'node:net'
import { inspect } from 'node:util'
import type { ByteString } from '../../bytes.js'
import { checkInteger, checkNames, optionError } from '../../options.js'
import { absolutePath, bytesOfPath } from '../../paths.js'
import type { Patience } from '../complete.js'
import type { PaceTimes } from '../pace.js'

/** Options of {@link openRsync}. Times are milliseconds. */
export interface RsyncOptions {
  /** The server: a host name or an IP address, IPv6 without brackets. */
  readonly host: string
  /** Default 49371. */
  readonly port?: number
  /** The daemon's module: letters, digits, `_`, `.` and `-`. Default `ramdisk`. */
  readonly module?: string
  /** The directory in the module, beginning with a slash; without `*`, `?`, `[` and `\`, which daemons expand. Default `/`. */
  readonly path?: string
  /**
   * A directory of this computer for files that were fetched, until {@link FileSource.release}. Made whenever it is
   * missing. Nobody else may get into it; the directories that lead to it must be this user's or root's, and writable by
   * nobody else, or sticky. Sources may share it.
   */
  readonly staging: string | Uint8Array
  /** A `staging` that lies here is made, and used, only while a file system is mounted exactly here. Default: not asked. */
  readonly requiredMount?: string | Uint8Array | undefined
  /** Default: host, port, module and path. */
  readonly id?: string
  /** Between two lists while files arrive, 0…60,000. Default 10. */
  readonly minPause?: number
  /** Between two lists when nothing has happened for long; at least `minPause`. Default 500. */
  readonly idlePause?: number
  /** Between two transfers, 0…60,000. Default 500. */
  readonly interrunPause?: number
  /** For which the daemon may stop answering. Default 30,000. */
  readonly stallTimeout?: number
  /** For which a file must look the same to be offered. Below 1000 it isn't `exact`, and is read twice. Default 1000. */
  readonly settle?: number
  /**
   * For which a file must look the same to be removed; and to be offered, once it was seen to change. Default 2000; at
   * least `settle`.
   */
  readonly sure?: number
  /** Files that are dealt with at once; what is beyond waits until others are removed. Default 100,000. */
  readonly maxFiles?: number
}

/** Options, checked and complete. */
export interface CheckedRsync {
  readonly id: string
  /** Of the module, with a slash at its end. */
  readonly module: string
  /** The directory in it: empty, or with a slash at its end. */
  readonly directory: string
  readonly staging: ByteString
  readonly requiredMount: ByteString | undefined
  readonly interrunPause: number
  readonly stallTimeout: number
  readonly patience: Patience
  readonly poll: PaceTimes
  readonly maxFiles: number
}

const names = [
  'host',
  'port',
  'module',
  'path',
  'staging',
  'requiredMount',
  'id',
  'minPause',
  'idlePause',
  'interrunPause',
  'stallTimeout',
  'settle',
  'sure',
  'maxFiles',
] as const
const HOUR = 3_600_000
const MINUTE = 60_000
/** The longest wait while the server fails. */
const LONGEST = 5000

/** @throws SustenError `ERR_SUSTEN_OPTION` */
export function checkRsync(options: RsyncOptions): CheckedRsync {
  checkNames('openRsync', options, names)
  const { host, module = 'ramdisk', path = '/' } = options
  const port = checkInteger('port', options.port ?? 49_371, 1, 65_535)
  if (typeof host !== 'string' || (isIP(host) === 0 && !/^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/.test(host))) {
    throw optionError(`option 'host' must be a host name or an IP address, not ${inspect(host)}`)
  }
  if (typeof module !== 'string' || !/^[A-Za-z0-9_.-]+$/.test(module) || /^\.+$/.test(module)) {
    throw optionError(`option 'module' must be letters, digits, '_', '.' and '-', not ${inspect(module)}`)
  }
  const directory = checkDirectory(path)
  const { staging, requiredMount } = options
  if (typeof staging !== 'string' && !(staging instanceof Uint8Array)) {
    throw optionError(`option 'staging' must be a directory of this computer, not ${inspect(staging)}`)
  }
  if (requiredMount !== undefined && typeof requiredMount !== 'string' && !(requiredMount instanceof Uint8Array)) {
    throw optionError(`option 'requiredMount' must be a directory of this computer, not ${inspect(requiredMount)}`)
  }
  const address = isIP(host) === 6 ? `[${host}]` : host
  const id = options.id ?? `${address}:${port}/${module}${directory.replace(/\/$/, '')}`
  if (typeof id !== 'string' || id === '') throw optionError(`option 'id' must be some text, not ${inspect(id)}`)
  const minPause = checkInteger('minPause', options.minPause ?? 10, 0, MINUTE)
  const settle = checkInteger('settle', options.settle ?? 1000, 0, HOUR)
  const idle = checkInteger('idlePause', options.idlePause ?? Math.max(500, minPause), minPause, HOUR)
  return {
    id,
    module: `rsync://${address}:${port}/${module}/`,
    directory: directory.slice(1),
    staging: absolutePath(bytesOfPath(staging, 'staging')),
    requiredMount: requiredMount === undefined ? undefined : absolutePath(bytesOfPath(requiredMount, 'requiredMount')),
    interrunPause: checkInteger('interrunPause', options.interrunPause ?? 500, 0, MINUTE),
    stallTimeout: checkInteger('stallTimeout', options.stallTimeout ?? 30_000, 1000, HOUR),
    patience: { settle, sure: checkInteger('sure', options.sure ?? Math.max(2000, settle), settle, HOUR) },
    poll: { arriving: minPause, acquiring: minPause, idle, longest: Math.max(LONGEST, idle) },
    maxFiles: checkInteger('maxFiles', options.maxFiles ?? 100_000, 1, 1_000_000),
  }
}

/** With a slash at both ends. */
function checkDirectory(path: unknown): string {
  const parts =
    typeof path === 'string' && path.startsWith('/') ? path.split('/').filter((part) => part !== '') : ['..']
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
  const isOdd = parts.some((part) => part === '.' || part === '..' || /[*?[\\\x00-\x1f\x7f]/.test(part))
  if (isOdd) {
    const rule = "must begin with a slash, without '.', '..', '*', '?', '[', '\\' and control characters"
    throw optionError(`option 'path' ${rule}, not ${inspect(path)}`)
  }
  return parts.length === 0 ? '/' : `/${parts.join('/')}/`
}
