/** The status of a daemon, for people. */
import { counted } from '../../counted.js'
import type { DaemonStatus } from '../../grimsel/daemon/index.js'
import type { GrimselStatus } from '../../grimsel/types.js'
import { statusBlocks } from '../daemon/status-blocks.js'
import { localTime, percent, size, table } from '../table.js'

/** Shifts that are shown; `--json` has all. */
const mostShifts = 5
/** Seconds for which a forecast is worth a word. */
const soon = 3600

export function statusText(status: DaemonStatus): string {
  const { pipe, grimsel } = status
  const figures = grimsel === undefined ? [] : [tiers(grimsel), storages(grimsel), shifts(grimsel)]
  return statusBlocks('grimsel', status, [...figures, [...outages(grimsel), ...oddities(pipe)]])
}

function tiers({ tiers, source }: GrimselStatus): string[] {
  const rows = tiers.map(({ id, mountPoint, fill, limit, held, links, inflow, outflow, releasing, secondsLeft }) => {
    const words = releasing ? ['releasing'] : []
    if (id === 'buffer' && !source.available) words.push('not there')
    if (secondsLeft !== undefined && secondsLeft < soon) words.push(`full in ${Math.round(secondsLeft)} s`)
    const rates = [`${size(inflow)}/s`, `${size(outflow)}/s`]
    return [id, mountPoint, percent(fill), percent(limit), held, links, ...rates, words.join(', ')]
  })
  return table(['Tier', 'Mount point', 'Full', 'Limit', 'Files', 'Links', 'In', 'Out', ''], rows)
}

function storages({ storages }: GrimselStatus): string[] {
  const rows = storages.map((storage) => {
    const { id, type, state, reason, paused, pending, copied, failed, rates, volume } = storage
    const words = [state, ...(reason === undefined ? [] : [reason]), ...(paused ? ['paused'] : [])]
    return [id, type, words.join(' '), pending, copied, failed, `${size(rates.bytes)}/s`, percent(volume?.fill)]
  })
  return table(['Storage', 'Type', 'State', 'Pending', 'Copied', 'Failed', 'Rate', 'Full'], rows)
}

function shifts({ shifts }: GrimselStatus): string[] {
  const rows = shifts.slice(0, mostShifts).flatMap(({ number, started, uid, gid, userDirectory, storages }) =>
    storages.map(({ storage, pending, copied, failed }, index) => {
      const whose = [number, localTime(started), uid, gid, userDirectory ?? '']
      const shown = index === 0 ? whose : ['', '', '', '', '']
      return [...shown, storage, pending, copied, failed]
    }),
  )
  if (rows.length === 0) return []
  const lines = table(['Shift', 'Began', 'uid', 'gid', 'Directory', 'Storage', 'Pending', 'Copied', 'Failed'], rows)
  const earlier = shifts.length - mostShifts
  if (earlier > 0) lines.push(`and ${counted(earlier, 'earlier shift')}: --json shows all`)
  return lines
}

/** Why storages can't be copied to. */
function outages(grimsel: GrimselStatus | undefined): string[] {
  return (grimsel?.storages ?? []).flatMap(({ id, reasonText }) =>
    reasonText === undefined ? [] : [`${id}: ${reasonText}`],
  )
}

function oddities({ refused, bad }: DaemonStatus['pipe']): string[] {
  const lines: string[] = []
  const reasons = Object.entries(bad).filter(([, count]) => count > 0)
  if (refused > 0) lines.push(`file pipe: ${counted(refused, 'path was', 'paths were')} refused`)
  if (reasons.length > 0) {
    lines.push(`file pipe: bad lines: ${reasons.map(([reason, count]) => `${count} ${reason}`).join(', ')}`)
  }
  return lines
}
