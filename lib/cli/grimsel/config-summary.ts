/** What a Grimsel configuration amounts to, in a few lines. */
import { counted } from '../../counted.js'
import type { GrimselConfig, GrimselStorage } from '../../grimsel/config/index.js'
import { bytes, type Row, summary } from '../config-rows.js'

export function summaryOf(config: GrimselConfig): string[] {
  const { fillstateLimit, fillstateLowWater, createLinks, bindAddresses, statusPort, messagePort } = config
  const release = createLinks ? 'replaced by links' : 'deleted'
  const rows: Row[] = [
    ['buffer', `${config.bufferDirectory} on ${config.ramdiskMountpoint}`],
    ['release', `copied files are ${release} at ${percent(fillstateLimit)}, down to ${percent(fillstateLowWater)}`],
    ...config.storages.map((storage): Row => [storage.type, inWords(storage)]),
    ['owner', `uid ${kept(config.preserveUid)}, gid ${kept(config.preserveGid)}`],
    ['ports', `status ${statusPort}, messages ${messagePort}, on ${bindAddresses.join(' ')}`],
    ['pipe', config.filePipe],
    ['control', config.controlSocket],
    ['journal', config.journalDirectory],
    ['log', `${config.logfile}, and ${config.logfileMaxNumber} older of ${bytes(config.logfileMaxSize)}`],
    ['history', `${config.historyMaxEntries} user shifts`],
  ]
  return summary(rows)
}

function inWords({
  id,
  target,
  nCopyProcesses,
  mountpoint,
  requiredMount,
  verify,
  durability,
}: GrimselStorage): string {
  const words = [
    `${id}: ${target}`,
    `${counted(nCopyProcesses, 'file')} at once`,
    `verify ${verify}`,
    `durability ${durability}`,
  ]
  if (mountpoint !== undefined) words.push(`fill state of ${mountpoint}`)
  if (requiredMount !== undefined) words.push(`only with ${requiredMount} mounted`)
  return words.join(', ')
}

const kept = (isKept: boolean): string => (isKept ? 'kept' : "the system's")
const percent = (fraction: number): string => `${Math.round(fraction * 1e6) / 1e4} %`
