/** The keys of a Grimsel configuration. docs/GRIMSEL-CONFIG.md and schema/grimsel.schema.json list the same. */
import { identifier, path, size, text, whole, word, yesNo } from '../../config/index.js'
import { addresses, fillState } from './kinds.js'

const port = whole(1, 65_535)

/** Keys of the whole file. */
export const globalKeys = {
  logfile: path(),
  logfile_max_number: whole(0, 1000),
  logfile_max_size: size(),
  history_max_entries: whole(1, 100_000),
  fillstate_limit: fillState(),
  fillstate_low_water: fillState(),
  status_port: port,
  message_port: port,
  bind_address: addresses(),
  licensekey: text(),
  ramdisk_mountpoint: path(),
  buffer_directory: path(),
  create_links: yesNo(),
  preserve_uid: yesNo(),
  preserve_gid: yesNo(),
  preserve_uid_gid: yesNo(),
  target: path({ marker: true }),
  journal_directory: path(),
  file_pipe: path(),
  // A socket's address holds 108 bytes, the last of them 0.
  control_socket: path({ most: 107 }),
  verify: word('inline', 'readback', 'none'),
  durability: word('batch', 'each'),
} as const

/** Keys of a storage. */
export const storageKeys = {
  storageID: identifier(),
  type: word('internal', 'external', 'optional'),
  target: path({ marker: true }),
  n_copy_processes: whole(1, 256),
  mountpoint: path(),
  required_mount: path(),
  verify: globalKeys.verify,
  durability: globalKeys.durability,
} as const

/** What is used where a key isn't given. */
export const defaults = {
  logfile: '/var/log/grimsel_dectris.log',
  logfile_max_number: 10,
  logfile_max_size: 10 * 2 ** 20,
  history_max_entries: 100,
  fillstate_limit: 0.8,
  status_port: 47_199,
  message_port: 47_198,
  bind_address: ['127.0.0.1'],
  ramdisk_mountpoint: '/mnt/data_buffer',
  create_links: true,
  preserve_uid: true,
  preserve_gid: true,
  journal_directory: '/var/lib/susten/grimsel',
  file_pipe: '/var/run/grimsel_dectris_files',
  control_socket: '/var/run/grimsel_dectris_control',
  verify: 'inline',
  durability: 'batch',
} as const
