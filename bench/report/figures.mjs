/** What the reports show of a contender's runs. */
import { perRound } from '../goals.mjs'
import { isDisturbed } from '../measure.mjs'
import { median, spread } from '../statistics.mjs'

/** @typedef {import('../rounds.mjs').Group} Group */
/** @typedef {import('../rounds.mjs').Row} Row */
/** @typedef {import('../statistics.mjs').Spread} Spread */

/**
 * @typedef {object} Figures
 * @property {Spread} rate In the unit of {@link units}.
 * @property {Spread} [toReference] Speed over the {@link referenceOf} the group in the same round.
 * @property {number} cpuSeconds
 * @property {number} [cpuPerGB] The same for 10⁹ bytes, where bytes count.
 * @property {number} peakRssMiB
 * @property {{ p99: number, max: number }} [loopDelayMs] Median of the 99th percentiles; the worst of all.
 * @property {{ p50: number, p99: number, max: number }} [latencyMs] Medians; the worst of all.
 * @property {number} [restRssMiB]
 * @property {number} disturbed Runs during which others used the processors.
 */

/** @typedef {import('../bench.mjs').Section['per']} Per */

/** What the first column of figures shows. @type {Record<Per, string>} */
export const units = { bytes: 'GB/s', files: '1,000 files/s', cpu: 'CPU, % of a core' }

/** @param {import('../measure.mjs').Run} run @param {import('../sets.mjs').SourceSet} set @param {Per} per */
function rateOf({ seconds, cpuSeconds }, { files, fileSize }, per) {
  if (per === 'cpu') return (100 * cpuSeconds) / seconds
  return (per === 'bytes' ? (files * fileSize) / 1e9 : files / 1e3) / seconds
}

/** Whom the others are compared with: what anybody has. @param {Group} group */
export const referenceOf = ({ rows }) => rows.find(({ name }) => name === 'cp' || name === 'curl')

/**
 * @param {Group} group
 * @param {Row} row
 * @param {Per} per
 * @returns {Figures | undefined} Undefined if it never ran.
 */
export function figures(group, row, per) {
  const { runs } = row
  if (runs.length === 0) return undefined
  const reference = referenceOf(group)
  const toReference = reference && perRound(row, reference, (a, b) => b.seconds / a.seconds)
  const cpuSeconds = median(runs.map(({ cpuSeconds }) => cpuSeconds))
  const gigabytes = (group.set.files * group.set.fileSize) / 1e9
  const delays = runs.flatMap(({ loopDelayMs }) => loopDelayMs ?? [])
  const latencies = runs.flatMap(({ latencyMs }) => latencyMs ?? [])
  const rest = runs.flatMap(({ restRssBytes }) => restRssBytes ?? [])
  return {
    rate: spread(runs.map((run) => rateOf(run, group.set, per))),
    ...(toReference && toReference.length > 0 && { toReference: spread(toReference) }),
    cpuSeconds,
    ...(per === 'bytes' && { cpuPerGB: cpuSeconds / gigabytes }),
    peakRssMiB: median(runs.map(({ peakRssBytes }) => peakRssBytes / 2 ** 20)),
    ...(delays.length > 0 && {
      loopDelayMs: { p99: median(delays.map(({ p99 }) => p99)), max: Math.max(...delays.map(({ max }) => max)) },
    }),
    ...(latencies.length > 0 && {
      latencyMs: {
        p50: median(latencies.map(({ p50 }) => p50)),
        p99: median(latencies.map(({ p99 }) => p99)),
        max: Math.max(...latencies.map(({ max }) => max)),
      },
    }),
    ...(rest.length > 0 && { restRssMiB: median(rest) / 2 ** 20 }),
    disturbed: runs.filter(isDisturbed).length,
  }
}

/** `1.23`, `12.3`, `123`: three figures. @param {number} value */
export const three = (value) =>
  value >= 99.95 ? value.toFixed(0) : value >= 9.995 ? value.toFixed(1) : value.toFixed(2)

/** @param {Spread} value */
export const range = ({ min, max }) => `${three(min)}–${three(max)}`

/** @param {import('../contenders.mjs').Loop} loop */
export const loopText = ({ loop, buffer }) =>
  `${loop}, ${buffer >= 2 ** 30 ? `${buffer / 2 ** 30} GiB` : buffer >= 2 ** 20 ? `${buffer / 2 ** 20} MiB` : `${buffer / 2 ** 10} KiB`}`
