/** Interleaved rounds: every contender once a round, in an order that changes from round to round. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { attempt, order, startSeconds } from './attempts.mjs'
import { checkCounts, compare, inventory } from './check.mjs'
import { median } from './statistics.mjs'

/** @typedef {import('./bench.mjs').Bench} Bench */
/** @typedef {import('./contenders.mjs').Contender} Contender */
/** @typedef {import('./contenders.mjs').Loop} Loop */
/** @typedef {import('./file-systems.mjs').FileSystem} FileSystem */
/** @typedef {import('./measure.mjs').Run} Run */
/** @typedef {import('./sets.mjs').SourceSet} SourceSet */

/**
 * A contender's runs of one set on one file system, the n-th from the n-th round.
 *
 * @typedef {object} Row
 * @property {string} name
 * @property {string} label
 * @property {'ours' | 'peer' | 'ceiling'} side
 * @property {boolean} durable
 * @property {Run[]} runs
 * @property {string[]} [kept] Of owner, mode and times.
 * @property {Loop} [loop] The best of the ceiling's loops, which it ran with.
 * @property {{ loop: Loop, seconds: number }[]} [tried] The median of each loop that worked.
 * @property {string} [failed] Why it has no further runs.
 */

/**
 * One set on one file system.
 *
 * @typedef {object} Group
 * @property {SourceSet} set
 * @property {string} fileSystem
 * @property {string} description Of the file system.
 * @property {Row[]} rows
 */

const execute = promisify(execFile)

/**
 * Runs the loops in turn, a few times, and returns those that worked, best first.
 *
 * @param {Loop[]} loops
 * @param {(loop: Loop) => Promise<number>} seconds
 * @param {Bench} bench
 * @returns {Promise<{ loop: Loop, seconds: number }[]>} With the median of each.
 */
async function tryLoops(loops, seconds, { options, signal }) {
  const tries = loops.map((loop) => ({ loop, times: /** @type {number[]} */ ([]), works: true }))
  for (let turn = 0; turn < (options.quick ? 2 : 3); turn++) {
    for (const one of tries.filter(({ works }) => works)) {
      try {
        one.times.push(await seconds(one.loop))
      } catch (error) {
        // Not every kernel copies between every pair of file systems with every call.
        if (signal.aborted) throw error
        one.works = false
      }
    }
  }
  return tries
    .filter(({ works }) => works)
    .map(({ loop, times }) => ({ loop, seconds: median(times) }))
    .sort((a, b) => a.seconds - b.seconds)
}

/**
 * @param {Bench} bench
 * @param {SourceSet} set
 * @param {string} src
 * @param {FileSystem} fileSystem
 * @param {Contender[]} contenders
 * @param {{ checkContent?: boolean }} [options]
 * @returns {Promise<Group>}
 */
export async function runRounds(bench, set, src, fileSystem, contenders, { checkContent = true } = {}) {
  const { signal, options } = bench
  const dest = join(fileSystem.path, 'copy')
  const bytes = set.files * set.fileSize
  const start = await startSeconds(bench)
  const source = checkContent ? await inventory(src, signal) : undefined
  const byName = new Map(contenders.map((contender) => [contender.name, contender]))
  /** @type {Row[]} */
  const rows = contenders.map(({ name, label, side, durable }) => ({ name, label, side, durable, runs: [] }))

  const clear = async () => {
    await execute('rm', ['-rf', dest], { signal })
    fileSystem.settle()
  }

  /** @param {Contender} contender @param {Loop | undefined} loop @param {() => Promise<void>} check */
  const once = (contender, loop, check) =>
    attempt(bench, contender, {
      src,
      dest,
      loop,
      touch: Math.ceil(bytes * 1.05),
      startSeconds: start,
      countKernel: fileSystem.inMemory,
      check,
      clear,
    })

  const counts = () => checkCounts(dest, set.files, bytes)

  for (const row of rows) {
    const contender = /** @type {Contender} */ (byName.get(row.name))
    if (!contender.loops) continue
    bench.progress(`${set.name} → ${fileSystem.name}: choosing the best loop for ${row.label}`)
    row.tried = await tryLoops(contender.loops, async (loop) => (await once(contender, loop, counts)).seconds, bench)
    const best = row.tried[0]
    if (best) row.loop = best.loop
    else row.failed = 'no loop worked'
  }

  for (let round = 0; round < options.rounds; round++) {
    for (const row of order(rows, round)) {
      if (row.failed !== undefined) continue
      bench.progress(`${set.name} → ${fileSystem.name}: round ${round + 1} of ${options.rounds}, ${row.label}`)
      const check = async () => {
        await counts()
        if (row.kept === undefined && source) row.kept = compare(source, await inventory(dest, signal))
      }
      try {
        row.runs.push(await once(/** @type {Contender} */ (byName.get(row.name)), row.loop, check))
      } catch (error) {
        if (signal.aborted) throw error
        row.failed = error instanceof Error ? error.message : String(error)
        bench.say(`${set.name} → ${fileSystem.name}: ${row.label} failed: ${row.failed}`)
      }
    }
  }
  return { set, fileSystem: fileSystem.name, description: fileSystem.description, rows }
}
