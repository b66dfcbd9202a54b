/** What a Furka configuration amounts to, in a few lines. */
import { isIPv6 } from 'node:net'
import type { FurkaConfig, FurkaSource, GrimselLink } from '../../furka/config/index.js'
import { bytes, type Row, summary } from '../config-rows.js'

export function summaryOf(config: FurkaConfig): string[] {
  const { user, requiredMount, confirm } = config
  const rows: Row[] = config.detectors.map(({ id, source, target }) => [
    'detector',
    `${id}: ${inWords(source)}, to ${target}`,
  ])
  if (requiredMount !== undefined) rows.push(['buffer', `only with ${requiredMount} mounted`])
  const directory = user.userDirectory === '' ? 'no user directory' : `user directory ${user.userDirectory}`
  rows.push(
    ['user', `uid ${user.uid}, gid ${user.gid}, ${directory}`],
    ['grimsel', linkInWords(config.grimsel)],
    ['delete', `at the detector once the file is durable on ${tiers[confirm]}`],
    ['control', config.controlSocket],
    ['journal', config.journalDirectory],
    ['log', `${config.logfile}, and ${config.logfileMaxNumber} older of ${bytes(config.logfileMaxSize)}`],
  )
  return summary(rows)
}

const tiers = {
  buffer: 'the buffer',
  internal: "Grimsel's internal storage",
  external: "Grimsel's external storage",
} as const satisfies Record<FurkaConfig['confirm'], string>

function inWords(source: FurkaSource): string {
  if (source.protocol === 'directory') {
    const words = [
      `directory ${source.path}`,
      `complete after ${source.settle} ms`,
      `seen every ${source.scanInterval} ms`,
    ]
    if (source.sourceMount !== undefined) words.push(`only with ${source.sourceMount} mounted`)
    return words.join(', ')
  }
  const host = `${isIPv6(source.host) ? `[${source.host}]` : source.host}:${source.port}`
  const stall = `stalled after ${source.stallTimeout} ms`
  if (source.protocol === 'rsync') {
    const pauses = `pauses ${source.minPause} ms and ${source.interrunPause} ms`
    return [`rsync://${host}/${source.module}${source.path}`, `by way of ${source.staging}`, pauses, stall].join(', ')
  }
  const { arriving, acquiring, idle } = source.poll
  return [
    `filewriter ${source.https ? 'https' : 'http'}://${host}`,
    source.apiVersion === undefined ? 'API version found out' : `API version ${source.apiVersion}`,
    `asked every ${arriving}, ${acquiring} or ${idle} ms`,
    `${source.connections} connections`,
    stall,
  ].join(', ')
}

function linkInWords(link: GrimselLink): string {
  if (link.by === 'none') return 'none'
  return link.by === 'control' ? `by its control socket ${link.path}` : `by its file pipe ${link.path}`
}
