/** What is to be reached, and whether it was. */
import { isDisturbed } from './measure.mjs'
import { spread } from './statistics.mjs'

/** @typedef {import('./rounds.mjs').Group} Group */
/** @typedef {import('./rounds.mjs').Row} Row */
/** @typedef {import('./statistics.mjs').Spread} Spread */

/**
 * - `speed`: `of`'s speed over `to`'s, in the same round;
 * - `loopDelay`: the 99th percentile in milliseconds;
 * - `loopDelayRatio`: `of`'s 99th percentile over `to`'s;
 * - `peakRss`: in MiB.
 *
 * @typedef {object} Goal
 * @property {'speed' | 'loopDelay' | 'loopDelayRatio' | 'peakRss'} what
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

/** @param {Goal} goal @param {Row} row @param {Row | undefined} other @returns {number[]} */
function values(goal, row, other) {
  switch (goal.what) {
    case 'speed':
      return other ? perRound(row, other, (a, b) => b.seconds / a.seconds) : []
    case 'loopDelay':
      return row.runs.flatMap((run) => run.loopDelayMs?.p99 ?? [])
    case 'loopDelayRatio':
      return other ? perRound(row, other, (a, b) => (a.loopDelayMs?.p99 ?? 0) / (b.loopDelayMs?.p99 ?? Infinity)) : []
    case 'peakRss':
      return row.runs.map((run) => run.peakRssBytes / 2 ** 20)
  }
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
        const found = row ? values(goal, row, other) : []
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
