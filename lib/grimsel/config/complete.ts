/** From what stands in a file to a complete configuration. */
import { type PlacedPath, type Problems, type RawConfig, readSection, type Section } from '../../config/index.js'
import { defaults, globalKeys, storageKeys } from './keys.js'
import { rounded } from './kinds.js'
import { checkPlaces } from './places.js'
import { readStorages } from './storages.js'
import type { GrimselConfig } from './types.js'

type Globals = Section<typeof globalKeys>

/** @throws SustenError `ERR_SUSTEN_CONFIG` with all that is wrong */
export function completeConfig(raw: RawConfig, problems: Problems): GrimselConfig {
  const words = { prefix: '', misplaced: (key: string) => misplaced(key, raw.form) }
  const globals = readSection(raw.globals, globalKeys, words, problems)
  const storages = readStorages(raw, globals, problems)
  checkOwners(globals, problems)
  checkPorts(globals, problems)
  checkFillStates(globals, problems)
  checkPlaces(placesOf(globals), storages, problems)
  if (globals.given.licensekey) problems.note(globals.given.licensekey.at, 'licensekey is ignored: none is needed')
  problems.check()
  return frozen(
    build(
      globals.given,
      storages.flatMap(({ storage }) => storage ?? []),
    ),
  )
}

function build(given: Globals['given'], storages: GrimselConfig['storages']): GrimselConfig {
  const { value: both } = given.preserve_uid_gid ?? {}
  const ramdiskMountpoint = given.ramdisk_mountpoint?.value ?? defaults.ramdisk_mountpoint
  const fillstateLimit = given.fillstate_limit?.value ?? defaults.fillstate_limit
  return {
    logfile: given.logfile?.value ?? defaults.logfile,
    logfileMaxNumber: given.logfile_max_number?.value ?? defaults.logfile_max_number,
    logfileMaxSize: given.logfile_max_size?.value ?? defaults.logfile_max_size,
    historyMaxEntries: given.history_max_entries?.value ?? defaults.history_max_entries,
    fillstateLimit,
    fillstateLowWater: given.fillstate_low_water?.value ?? defaultLowWater(fillstateLimit),
    statusPort: given.status_port?.value ?? defaults.status_port,
    messagePort: given.message_port?.value ?? defaults.message_port,
    bindAddresses: [...(given.bind_address?.value ?? defaults.bind_address)],
    ramdiskMountpoint,
    bufferDirectory: given.buffer_directory?.value ?? ramdiskMountpoint,
    createLinks: given.create_links?.value ?? defaults.create_links,
    preserveUid: given.preserve_uid?.value ?? both ?? defaults.preserve_uid,
    preserveGid: given.preserve_gid?.value ?? both ?? defaults.preserve_gid,
    journalDirectory: given.journal_directory?.value ?? defaults.journal_directory,
    filePipe: given.file_pipe?.value ?? defaults.file_pipe,
    controlSocket: given.control_socket?.value ?? defaults.control_socket,
    storages,
  }
}

/** A tenth of the file system below the limit; half of the limit if that is more. */
const defaultLowWater = (limit: number): number => rounded(Math.max(limit - 0.1, limit / 2))

function misplaced(key: string, form: RawConfig['form']): string | undefined {
  if (!Object.hasOwn(storageKeys, key)) return undefined
  const where = form === 'conf' ? 'below its storageID' : "to its object in the list 'storages'"
  return `${key} is a key of a storage; move it ${where}`
}

/** The older key of both owners, which the two newer ones replace. */
function checkOwners({ given, wrong }: Globals, problems: Problems): void {
  const old = given.preserve_uid_gid
  if (old === undefined) return
  const isBoth = [given.preserve_uid, given.preserve_gid].some((newer) => newer !== undefined)
  if (isBoth || wrong.has('preserve_uid') || wrong.has('preserve_gid')) {
    problems.add(
      old.at,
      "preserve_uid_gid can't be given together with preserve_uid and preserve_gid, which replace it",
    )
  } else problems.note(old.at, 'preserve_uid_gid is old: it counts, but preserve_uid and preserve_gid replace it')
}

function checkPorts({ given, wrong }: Globals, problems: Problems): void {
  if (wrong.has('status_port') || wrong.has('message_port')) return
  const status = given.status_port?.value ?? defaults.status_port
  if (status !== (given.message_port?.value ?? defaults.message_port)) return
  const at = given.message_port?.at ?? given.status_port?.at
  problems.add(at, `status_port and message_port are both ${status}; they must differ`)
}

function checkFillStates({ given, wrong }: Globals, problems: Problems): void {
  const low = given.fillstate_low_water
  if (low === undefined || wrong.has('fillstate_limit')) return
  const limit = given.fillstate_limit?.value ?? defaults.fillstate_limit
  if (low.value < limit) return
  const [lowShown, limitShown] = [low.value, limit].map((fraction) => `${rounded(fraction * 100)} %`)
  problems.add(low.at, `fillstate_low_water, ${lowShown}, must be below fillstate_limit, which is ${limitShown}`)
}

function placesOf({ given, wrong }: Globals): Parameters<typeof checkPlaces>[0] {
  const ramdisk = place('ramdisk_mountpoint')
  return {
    ramdisk,
    buffer: place('buffer_directory'),
    journal: place('journal_directory'),
    files: [place('logfile'), place('file_pipe'), place('control_socket')],
  }

  function place(key: keyof typeof globalKeys): PlacedPath | undefined {
    if (wrong.has(key)) return undefined
    const found = given[key]
    const path = found?.value ?? (Object.hasOwn(defaults, key) ? defaults[key as keyof typeof defaults] : undefined)
    return typeof path === 'string' ? { key, path, at: found?.at } : undefined
  }
}

function frozen(config: GrimselConfig): GrimselConfig {
  Object.freeze(config.bindAddresses)
  for (const storage of config.storages) Object.freeze(storage)
  Object.freeze(config.storages)
  return Object.freeze(config)
}
