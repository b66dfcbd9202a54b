/** The keys of a Furka configuration, by what they mean. docs/FURKA-CONFIG.md and schema/furka.schema.json list them. */
import { path, size, text, whole, word, yesNo } from '../../config/index.js'
import { largestId } from '../user.js'
import { apiVersion, detectorId, host, hostAndPort, moduleName, userDirectory } from './kinds.js'

const day = 86_400_000
// A socket's address holds 108 bytes, the last of them 0.
const socket = path({ most: 107 })
const port = whole(1, 65_535)

/** What both forms have for the whole file. */
const commonKinds = {
  logfile: path(),
  logfileMaxNumber: whole(0, 1000),
  logfileMaxSize: size(),
  uid: whole(0, largestId),
  gid: whole(0, largestId),
  userDirectory: userDirectory(),
  requiredMount: path(),
  journalDirectory: path(),
  controlSocket: socket,
  grimsel: word('control', 'pipe', 'none'),
  grimselSocket: socket,
  grimselPipe: path(),
  confirm: word('buffer', 'internal', 'external'),
} as const

/** How a filewriter is asked. */
const filewriterKinds = {
  https: yesNo(),
  apiVersion: apiVersion(),
  pollArriving: whole(10, 10_000),
  pollAcquiring: whole(10, 10_000),
  pollIdle: whole(10, 600_000),
  connections: whole(1, 16),
  stallTimeout: whole(1000, 3_600_000),
} as const

/** FURKA-EPU's JSON: one detector with a filewriter. */
export const epuKinds = {
  ...commonKinds,
  target: path({ marker: true }),
  host: hostAndPort(),
  ...filewriterKinds,
} as const

export const epuSpelling = {
  host: 'EIGER_HOST',
  gid: 'GID',
  logfile: 'LOG_FILE',
  target: 'TARGET_DIR',
  uid: 'UID',
  userDirectory: 'USER_DIR',
  logfileMaxNumber: 'LOG_FILE_MAX_NUMBER',
  logfileMaxSize: 'LOG_FILE_MAX_SIZE',
  requiredMount: 'REQUIRED_MOUNT',
  journalDirectory: 'JOURNAL_DIR',
  controlSocket: 'CONTROL_SOCKET',
  grimsel: 'GRIMSEL',
  grimselSocket: 'GRIMSEL_SOCKET',
  grimselPipe: 'GRIMSEL_PIPE',
  confirm: 'CONFIRM',
  https: 'HTTPS',
  apiVersion: 'API_VERSION',
  pollArriving: 'POLL_ARRIVING',
  pollAcquiring: 'POLL_ACQUIRING',
  pollIdle: 'POLL_IDLE',
  connections: 'CONNECTIONS',
  stallTimeout: 'STALL_TIMEOUT',
} as const satisfies Record<keyof typeof epuKinds, string>

/** FURKA's lines for the PPU, above the first detector. */
export const ppuKinds = { ...commonKinds, licensekey: text() } as const

export const ppuSpelling = {
  logfile: 'logfile',
  logfileMaxNumber: 'logfile_max_number',
  logfileMaxSize: 'logfile_max_size',
  uid: 'uid',
  gid: 'gid',
  userDirectory: 'usrdir',
  licensekey: 'licensekey',
  requiredMount: 'required_mount',
  journalDirectory: 'journal_directory',
  controlSocket: 'control_socket',
  grimsel: 'grimsel',
  grimselSocket: 'grimsel_socket',
  grimselPipe: 'grimsel_pipe',
  confirm: 'confirm',
} as const satisfies Record<keyof typeof ppuKinds, string>

/** A detector of the PPU. */
export const detectorKinds = {
  id: detectorId(),
  protocol: word('rsync', 'filewriter', 'directory'),
  target: path({ marker: true }),
  host: host(),
  port,
  module: moduleName(),
  path: path(),
  minPause: whole(0, 60_000),
  interrunPause: whole(0, 60_000),
  staging: path(),
  ...filewriterKinds,
  sourceMount: path(),
  settle: whole(10, day),
  scanInterval: whole(100, day),
} as const

export const detectorSpelling = {
  id: 'detectorID',
  host: 'remoteIP',
  path: 'source',
  target: 'target',
  minPause: 'minpause',
  interrunPause: 'interrun_pause',
  protocol: 'protocol',
  port: 'port',
  module: 'module',
  staging: 'staging',
  https: 'https',
  apiVersion: 'api_version',
  pollArriving: 'poll_arriving',
  pollAcquiring: 'poll_acquiring',
  pollIdle: 'poll_idle',
  connections: 'connections',
  stallTimeout: 'stall_timeout',
  sourceMount: 'source_mount',
  settle: 'settle',
  scanInterval: 'scan_interval',
} as const satisfies Record<keyof typeof detectorKinds, string>

/** The keys of a detector that belong to one protocol, or to two; all others are any detector's. */
export const keysOfProtocols: {
  readonly [P in 'rsync' | 'filewriter' | 'directory']: readonly (keyof typeof detectorKinds)[]
} = {
  rsync: ['host', 'port', 'module', 'path', 'minPause', 'interrunPause', 'staging', 'stallTimeout'],
  filewriter: ['host', 'port', ...(Object.keys(filewriterKinds) as (keyof typeof filewriterKinds)[])],
  directory: ['path', 'sourceMount', 'settle', 'scanInterval'],
}

/** What is used where a key isn't given, in both forms. */
export const defaults = {
  logfile: '/var/log/furka_dectris.log',
  logfileMaxNumber: 10,
  logfileMaxSize: 10 * 2 ** 20,
  journalDirectory: '/var/lib/susten/furka',
  controlSocket: '/var/run/furka_dectris_control',
  grimsel: 'control',
  grimselSocket: '/var/run/grimsel_dectris_control',
  grimselPipe: '/var/run/grimsel_dectris_files',
  https: false,
  pollArriving: 50,
  pollAcquiring: 100,
  pollIdle: 300,
  connections: 4,
  stallTimeout: 30_000,
} as const

/** As the vendor ships FURKA-EPU's file. */
export const epuDefaults = { ...defaults, uid: 0, gid: 0, userDirectory: '', target: '/mnt/data_buffer' } as const

/** As the PPU's manual has them. */
export const ppuDefaults = { ...defaults, uid: 500, gid: 500, userDirectory: '$UID_$GID' } as const

export const detectorDefaults = {
  protocol: 'rsync',
  target: '/ramdisk',
  rsyncPort: 49_371,
  module: 'ramdisk',
  path: '/',
  minPause: 10,
  // The slower of the manual's two values: right for detectors of both kinds.
  interrunPause: 500,
  // Where only root can make anything: in /dev/shm another user could have been there first.
  staging: '/run/furka_dectris',
  settle: 1000,
  scanInterval: 1000,
} as const

/** What both forms have, and how they call it. */
type SharedKey = Exclude<keyof typeof ppuSpelling, 'licensekey'> | 'target'

/** How a form of file calls the keys that both have. */
export const spellingOf = (form: 'conf' | 'json'): { readonly [K in SharedKey]: string } =>
  form === 'json' ? epuSpelling : { ...ppuSpelling, target: detectorSpelling.target }
