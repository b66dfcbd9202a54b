/** How things are, in one line for the supervisor, and how much was done, now and then, for the log. */
import { counted } from '../../counted.js'
import type { Log } from '../../log/index.js'
import type { FurkaSourceStatus, FurkaStatus } from '../types.js'

/** One line on how things are. */
export function summaryOf({ user, sources, grimsel }: FurkaStatus): string {
  const sum = (count: (source: FurkaSourceStatus) => number): number =>
    sources.reduce((total, source) => total + count(source), 0)
  const out = sources.filter(({ available }) => !available).map(({ id }) => id)
  const blocked = sources.filter((source) => source.blocked !== undefined).map(({ id }) => id)
  const failing = sum((source) => source.failing)
  const unsafe = sum(({ unannounced, unconfirmed }) => unannounced + unconfirmed)
  const words = [
    `${counted(
      sum(({ waiting, receiving }) => waiting + receiving),
      'file',
    )} to receive`,
    ...(unsafe > 0 ? [`${unsafe} not yet safe`] : []),
    ...(failing > 0 ? [`${failing} failing`] : []),
    `${(sum(({ rate }) => rate) / 1e6).toFixed(1)} MB/s`,
    `files of uid ${user.uid}`,
    ...(out.length > 0 ? [`unavailable: ${out.join(', ')}`] : []),
    ...(blocked.length > 0 ? [`nowhere to write to for: ${blocked.join(', ')}`] : []),
    ...(grimsel.by === 'none' || grimsel.available ? [] : ["Grimsel isn't there"]),
  ]
  return words.join('; ')
}

const counters = ['received', 'bytes', 'removed', 'lost', 'refused'] as const
const lasting = ['waiting', 'receiving', 'unannounced', 'unconfirmed', 'removing', 'kept', 'failing'] as const

/** Milliseconds between two of the log's lines about a source that does something. */
const interval = 60_000

/**
 * Writes what every source has done since the last line, if it has done anything.
 * @returns ends it, with a last line
 */
export function logFigures(status: () => FurkaStatus, log: Log): () => void {
  const before = new Map<string, FurkaSourceStatus>()

  function tell(): void {
    for (const source of status().sources) {
      const last = before.get(source.id)
      const done = counters.map((key) => [key, source[key] - (last?.[key] ?? 0)] as const)
      if (done.every(([, count]) => count === 0)) continue
      before.set(source.id, source)
      const left = lasting.filter((key) => source[key] > 0).map((key) => [key, source[key]] as const)
      const fields = { event: 'figures', source: source.id, ...Object.fromEntries([...done, ...left]) }
      log.info({ ...fields, latency: source.latency }, `${source.id}: what was done since the last such line`)
    }
  }

  const timer = setInterval(tell, interval).unref()
  return () => {
    clearInterval(timer)
    tell()
  }
}
