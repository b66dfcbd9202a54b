/** A tree through a Grimsel, journal and messages included, against `copyTree` alone with the same options. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { chosen } from '../bench.mjs'
import { copyContenders } from '../contenders.mjs'
import { openFileSystem, shortOfMemory } from '../file-systems.mjs'
import { grimselCopy, onlooker } from '../grimsel/contenders.mjs'
import { runRounds } from '../rounds.mjs'
import { copySets, makeSet } from '../sets.mjs'

/** @typedef {import('../bench.mjs').Bench} Bench */
/** @typedef {import('../bench.mjs').Section} Section */

const names = ['large', 'medium', 'small']
const of = 'grimsel-copy'

/** @param {Bench} bench @returns {Promise<Section>} */
export async function run(bench) {
  const { options, scratch, tools, signal } = bench
  /** @type {Section} */
  const section = {
    name: 'grimsel-copy',
    title: 'Grimsel: throughput',
    per: 'bytes',
    groups: [],
    skipped: [],
    goals: [
      { what: 'speed', of, to: 'susten-inline-batch', sets: names, fileSystem: 'ext4', atLeast: 0.7 },
      { what: 'loopDelay', of, sets: names, fileSystem: 'ext4', atMost: 2 },
    ],
  }
  const skip = (/** @type {string} */ why) => {
    section.skipped.push(why)
    bench.say(`left out: ${why}`)
  }
  const sets = chosen(
    copySets(options.quick).filter(({ name }) => names.includes(name)),
    options.sets,
  )
  const contenders = chosen(
    [
      grimselCopy(join(scratch.disk, 'journal')),
      ...copyContenders(tools.raw).filter(({ name }) => name === 'susten-inline-batch'),
      onlooker(tools.raw),
    ],
    options.contenders,
  )
  const target = openFileSystem('ext4', scratch, Math.max(0, ...sets.map(({ files, fileSize }) => files * fileSize)))
  if ('skipped' in target) {
    skip(`all sets: ${target.skipped}`)
    return section
  }
  const home = join(scratch.memory, 'source')
  try {
    for (const set of sets) {
      const short = shortOfMemory(scratch.memory, set.files * set.fileSize * 1.1, set.files)
      if (short) {
        skip(`${set.name}: ${short}`)
        continue
      }
      mkdirSync(home)
      bench.progress(`${set.name}: making ${set.title}`)
      await makeSet(set, join(home, set.name), signal)
      section.groups.push(await runRounds(bench, set, join(home, set.name), target, contenders))
      rmSync(home, { recursive: true })
    }
  } finally {
    rmSync(home, { recursive: true, force: true })
    target.close()
  }
  return section
}
