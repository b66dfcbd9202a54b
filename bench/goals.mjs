/** What is to be reached, and whether it was. */
import { linkUse } from './furka/link.mjs'
import { isDisturbed } from './measure.mjs'
import { spread } from './statistics.mjs'

/** @typedef {import('./rounds.mjs').Group} Group */
/** @typedef {import('./rounds.mjs').Row} Row */
/** @typedef {import('./sets.mjs').SourceSet} SourceSet */
/** @typedef {import('./statistics.mjs').Spread} Spread */

/**
 * - `speed`: `of`'s speed over `to`'s, in the same round;
 * - `loopDelay`: the 99th percentile in milliseconds;
 * - `loopDelayRatio`: `of`'s 99th percentile over `to`'s;
 * - `time`: `of`'s time over `to`'s, in the same round;
 * - `seconds`: `of`'s time;
 * - `latencyP50`, `latencyP99`: that percentile of `of` over `to`'s, in the same round;
 * - `latencyP50Beyond`, `latencyP99Beyond`: what that percentile of `of`, in milliseconds, has beyond 1.5 times `to`'s
 *   median, and beyond three times that;
 * - `peakRss`, `restRss`: in MiB, at its peak and when all is done;
 * - `cpu`: processor time over time, in percent;
 * - `linkUse`: the part of a link of 10 Gbit/s that was used, headers included, in percent.
 *
 * @typedef {object} Goal
 * @property {keyof typeof measures} what
 * @property {string} of A contender's name.
 * @property {string} [to] Another's.
 * @property {string[]} sets
 * @property {string} fileSystem
 * @property {number} [atLeast]
 * @property {number} [atMost]
 */

/**
 * @typedef {object} Outcome
 * @property {Goal} goal
 * @property {string} set
 * @property {string} of Label.
 * @property {string} [to] Label.
 * @property {Spread} value
 * @property {boolean} reached
 * @property {boolean} disturbed More than half of the runs that it rests on were: it says nothing.
 */

/** Pairs two rows' runs of the same rounds. @param {Row} a @param {Row} b @param {(a: import('./measure.mjs').Run, b: import('./measure.mjs').Run) => number} ratio */
export function perRound(a, b, ratio) {
  return a.runs.flatMap((run, round) => {
    const other = b.runs[round]
    return other ? [ratio(run, other)] : []
  })
}

/** @typedef {import('./measure.mjs').Run} Run */

/** One figure for each run. @typedef {(row: Row, other: Row | undefined, set: SourceSet) => number[]} Measure */

/** @param {(run: Run, set: SourceSet) => number} value @returns {Measure} */
const single = (value) => (row, _, set) => row.runs.map((run) => value(run, set))

/** @param {(of: Run, to: Run) => number} value @returns {Measure} */
const ratio = (value) => (row, other) => (other ? perRound(row, other, value) : [])

const MiB = 2 ** 20

/** Every kind of goal's figures, one for each run. */
const measures = {
  speed: ratio((of, to) => to.seconds / of.seconds),
  time: ratio((of, to) => of.seconds / to.seconds),
  seconds: single(({ seconds }) => seconds),
  loopDelay: single(({ loopDelayMs }) => loopDelayMs?.p99 ?? Number.NaN),
  loopDelayRatio: ratio((of, to) => (of.loopDelayMs?.p99 ?? 0) / (to.loopDelayMs?.p99 ?? Infinity)),
  latencyP50: ratio((of, to) => (of.latencyMs?.p50 ?? Number.NaN) / (to.latencyMs?.p50 ?? Number.NaN)),
  latencyP99: ratio((of, to) => (of.latencyMs?.p99 ?? Number.NaN) / (to.latencyMs?.p99 ?? Number.NaN)),
  latencyP50Beyond: ratio((of, to) => (of.latencyMs?.p50 ?? Number.NaN) - 1.5 * (to.latencyMs?.p50 ?? Number.NaN)),
  latencyP99Beyond: ratio((of, to) => (of.latencyMs?.p99 ?? Number.NaN) - 4.5 * (to.latencyMs?.p50 ?? Number.NaN)),
  peakRss: single(({ peakRssBytes }) => peakRssBytes / MiB),
  restRss: single(({ restRssBytes }) => (restRssBytes ?? Number.NaN) / MiB),
  cpu: single(({ cpuSeconds, seconds }) => (100 * cpuSeconds) / seconds),
  linkUse: single(({ seconds }, { files, fileSize }) => 100 * linkUse(files * fileSize, seconds)),
}

/**
 * The outcome of each goal for each set that it speaks of and that was run.
 *
 * @param {Goal[]} goals
 * @param {Group[]} groups
 * @returns {Outcome[]}
 */
export function judge(goals, groups) {
  return goals.flatMap((goal) =>
    groups
      .filter(({ set, fileSystem }) => goal.sets.includes(set.name) && fileSystem === goal.fileSystem)
      .flatMap(({ set, rows }) => {
        const row = rows.find(({ name }) => name === goal.of)
        const other = rows.find(({ name }) => name === goal.to)
        const found = row ? measures[goal.what](row, other, set) : []
        if (!row || found.length === 0) return []
        const value = spread(found)
        const reached =
          value.median >= (goal.atLeast ?? Number.NEGATIVE_INFINITY) &&
          value.median <= (goal.atMost ?? Number.POSITIVE_INFINITY)
        const runs = [...row.runs, ...(other?.runs ?? [])]
        const disturbed = runs.filter(isDisturbed).length > runs.length / 2
        return [{ goal, set: set.name, of: row.label, ...(other && { to: other.label }), value, reached, disturbed }]
      }),
  )
}
