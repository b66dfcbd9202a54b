/** Interleaved rounds of contenders that don't copy one tree: each has its own things made ready before every run. */
import { attempt, order, startSeconds } from './attempts.mjs'
import { chosen } from './bench.mjs'

/** @typedef {import('./bench.mjs').Bench} Bench */
/** @typedef {import('./contenders.mjs').Contender} Contender */
/** @typedef {import('./rounds.mjs').Group} Group */
/** @typedef {import('./rounds.mjs').Row} Row */

/**
 * @typedef {object} Trial
 * @property {Contender} contender Its command is given no directories.
 * @property {() => Promise<void>} [prepare] Before each run; not timed.
 * @property {() => Promise<void>} [check] After each run: throws unless all is as it should be.
 * @property {() => Promise<void>} [clear] After each run, even one that failed.
 */

/**
 * @param {Bench} bench
 * @param {Pick<Group, 'set' | 'fileSystem' | 'description'>} about
 * @param {Trial[]} trials
 * @param {{ rounds?: number }} [options] Default: as the command line says.
 * @returns {Promise<Group>}
 */
export async function runTrials(bench, about, trials, { rounds = bench.options.rounds } = {}) {
  const { set } = about
  const start = await startSeconds(bench)
  const wanted = chosen(
    trials.map((trial) => ({ name: trial.contender.name, trial })),
    bench.options.contenders,
  ).map(({ trial }) => trial)
  const both = wanted.map((trial) => {
    const { name, label, side, durable } = trial.contender
    return { trial, row: /** @type {Row} */ ({ name, label, side, durable, runs: [] }) }
  })
  for (let round = 0; round < rounds; round++) {
    for (const { trial, row } of order(both, round)) {
      if (row.failed !== undefined) continue
      bench.progress(`${set.name}: round ${round + 1} of ${rounds}, ${row.label}`)
      const { contender, prepare = async () => {}, check = async () => {}, clear = async () => {} } = trial
      try {
        row.runs.push(
          await attempt(bench, contender, {
            src: '',
            dest: '',
            loop: undefined,
            touch: set.files * set.fileSize,
            startSeconds: start,
            // The kernel's own threads write for the contender.
            countKernel: false,
            prepare,
            check,
            clear,
          }),
        )
      } catch (error) {
        if (bench.signal.aborted) throw error
        row.failed = error instanceof Error ? error.message : String(error)
        bench.say(`${set.name}: ${row.label} failed: ${row.failed}`)
      }
    }
  }
  return { ...about, rows: both.map(({ row }) => row) }
}
