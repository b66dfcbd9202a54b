/** What every kind of rounds has in common: their order, and runs that are repeated when others disturbed them. */
import { isDisturbed, measure, runTimed, waitForQuiet } from './measure.mjs'
import { median } from './statistics.mjs'

/** @typedef {import('./bench.mjs').Bench} Bench */
/** @typedef {import('./contenders.mjs').Contender} Contender */
/** @typedef {import('./measure.mjs').Run} Run */

const programStarts = 15
/** Seconds to wait for a quiet machine before a run. */
const longestWait = 120

/**
 * The order of a round: begun one further each time, and backwards every other time.
 *
 * @template T
 * @param {readonly T[]} rows
 * @param {number} round
 */
export function order(rows, round) {
  const turned = rows.map((_, index) => /** @type {T} */ (rows[(index + round) % rows.length]))
  return round % 2 === 0 ? turned : turned.reverse()
}

/** What it takes to start and end a program that does nothing. @param {Bench} bench */
export async function startSeconds(bench) {
  const times = []
  for (let i = 0; i < programStarts; i++) {
    times.push((await runTimed(bench.tools.stopwatch, ['true'], bench)).stop.seconds)
  }
  return median(times)
}

/**
 * The least disturbed of as many runs as the patience is for.
 *
 * @param {Bench} bench
 * @param {Contender} contender
 * @param {Omit<Parameters<typeof measure>[1], 'stopwatch' | 'signal'> & {
 *   prepare?: () => Promise<void>,
 *   check: () => Promise<void>,
 *   clear: () => Promise<void>,
 * }} how Before, after, and at the end of each run.
 * @returns {Promise<Run>}
 */
export async function attempt(bench, contender, { prepare, check, clear, ...how }) {
  const { patience, signal } = bench
  const spend = (/** @type {number} */ begin) => {
    patience.left = Math.max(0, patience.left - (performance.now() - begin) / 1000)
  }
  let best
  for (let number = 0; number === 0 || patience.left > 0; number++) {
    const begin = performance.now()
    try {
      await prepare?.()
      const wait = performance.now()
      await waitForQuiet(Math.min(patience.left, longestWait), signal)
      // A first attempt costs no patience but the wait before it.
      if (number === 0) spend(wait)
      const run = await measure(contender, { ...how, stopwatch: bench.tools.stopwatch, signal })
      await check()
      if (best === undefined || run.othersCpu < best.othersCpu) best = run
    } finally {
      if (!signal.aborted) await clear()
    }
    if (number > 0) spend(begin)
    if (!isDisturbed(best)) break
  }
  return /** @type {Run} */ (best)
}
