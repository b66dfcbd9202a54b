/** The status of a daemon, for people. */
import { counted } from '../../counted.js'
import type { DaemonStatus } from '../../furka/daemon/index.js'
import type { FurkaSourceStatus, FurkaStatus } from '../../furka/types.js'
import type { FurkaUser } from '../../furka/user.js'
import { statusBlocks } from '../daemon/status-blocks.js'
import { localTime, size, table } from '../table.js'

/** Seconds for which a forecast is worth a word. */
const soon = 3600

export function statusText(status: DaemonStatus): string {
  const { detectors, furka } = status
  const given = detectors.length === 0 ? [] : [`started with -d ${detectors.join(' -d ')}`]
  if (furka === undefined) return statusBlocks('furka', status, [given])
  return statusBlocks('furka', status, [
    [...whose(furka), grimselInWords(furka.grimsel), ...given],
    servers(furka),
    files(furka),
    oddities(furka),
  ])
}

/** `uid 500, gid 501, directory visit7`. */
export function userInWords({ uid, gid, userDirectory }: FurkaUser): string {
  return `uid ${uid}, gid ${gid}, ${userDirectory === '' ? 'no directory' : `directory ${userDirectory}`}`
}

function whose({ user, grimsel }: FurkaStatus): string[] {
  const isTold = user.told || grimsel.by === 'none' || grimsel.by === 'pipe'
  return [`user: ${userInWords(user)}, since ${localTime(user.since)}${isTold ? '' : "; Grimsel doesn't know yet"}`]
}

function grimselInWords({ by, path, available, failure }: FurkaStatus['grimsel']): string {
  if (by === 'none') return 'Grimsel: none'
  const way = by === 'process' ? 'in this process' : `by its ${by === 'control' ? 'control socket' : 'pipe'} ${path}`
  return `Grimsel: ${way}, ${available ? 'there' : `not there: ${failure?.message ?? 'no reason is known'}`}`
}

/** How the detector servers are. */
function servers({ sources }: FurkaStatus): string[] {
  const rows = sources.map(({ id, available, failure, busy, free, secondsToFull, details }) => {
    const state = available ? 'up' : `down ${failure?.code ?? ''}`.trimEnd()
    const full = secondsToFull !== undefined && secondsToFull < soon ? `in ${Math.round(secondsToFull)} s` : '-'
    const rest = Object.entries(details).map(([name, value]) => `${name} ${value}`)
    const activity = busy === undefined ? '-' : busy ? 'busy' : 'idle'
    return [id, state, activity, free === undefined ? '-' : size(free), full, rest.join(', ')]
  })
  return table(['Detector', 'State', 'Activity', 'Free', 'Full', ''], rows)
}

/** What became of their files. */
function files({ sources }: FurkaStatus): string[] {
  const rows = sources.map((source) => {
    const { id, waiting, receiving, unannounced, unconfirmed, removing, failing, received, bytes, rate } = source
    const under = [waiting, receiving, unannounced, unconfirmed, removing, failing]
    return [id, ...under, received, size(bytes), `${size(rate)}/s`, ...latencies(source)]
  })
  const under = ['Waiting', 'Receiving', 'To announce', 'To confirm', 'To remove', 'Failing']
  return table(['Detector', ...under, 'Received', 'Bytes', 'Rate', 'p50', 'p99'], rows)
}

const latencies = ({ latency }: FurkaSourceStatus): string[] =>
  latency === undefined ? ['-', '-'] : [latency.p50, latency.p99].map((time) => `${Math.round(time)} ms`)

function oddities({ sources }: FurkaStatus): string[] {
  return sources.flatMap(({ id, failure, blocked, kept, lost, refused }) => [
    ...(failure === undefined ? [] : [`${id}: ${failure.message}`]),
    ...(blocked === undefined ? [] : [`${id}: nothing can be written, files wait: ${blocked.message}`]),
    ...(kept > 0 ? [`${id}: ${counted(kept, 'file stays', 'files stay')} at the detector`] : []),
    ...(lost > 0
      ? [`${id}: ${counted(lost, 'file was', 'files were')} gone before being received, since the start`]
      : []),
    ...(refused > 0 ? [`${id}: ${counted(refused, 'name was', 'names were')} refused, since the start`] : []),
  ])
}
