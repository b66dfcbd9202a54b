/** What an open Grimsel costs that has nothing to do: default intervals, two storages. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { grimsel } from '../grimsel/contenders.mjs'
import { openPlace, sectionAt } from '../grimsel/place.mjs'
import { runTrials } from '../trials.mjs'

/** @typedef {import('../bench.mjs').Bench} Bench */
/** @typedef {import('../bench.mjs').Section} Section */

const mostRounds = 3

/** @param {Bench} bench @returns {Promise<Section>} */
export async function run(bench) {
  const seconds = bench.options.quick ? 3 : 20
  const set = {
    name: 'idle',
    title: `An idle Grimsel with two storages, ${seconds} s`,
    files: 0,
    fileSize: 0,
    directoryOf: () => '',
  }
  const about = {
    name: 'grimsel-idle',
    title: 'Grimsel: nothing to do',
    per: /** @type {const} */ ('cpu'),
    goals: [
      {
        what: /** @type {const} */ ('cpu'),
        of: 'grimsel-idle',
        sets: [set.name],
        fileSystem: 'ext4',
        atMost: 0.5,
      },
    ],
  }
  const place = openPlace(bench, { storage: 'ext4', bytes: 0, inodes: 100, buffer: 2 ** 24 })
  return sectionAt(bench, about, place, async (at) => {
    const other = join(at.target, '../other')
    const prepare = async () => {
      await at.begin()
      mkdirSync(at.buffer)
      mkdirSync(other, { recursive: true })
    }
    const args = [at.buffer, at.target, at.journal, other, String(seconds)]
    const contender = grimsel('idle', 'Grimsel, all intervals at their defaults', 'idle', () => args)
    const group = { set, fileSystem: at.fileSystem, description: at.description }
    const rounds = Math.min(bench.options.rounds, mostRounds)
    return [await runTrials(bench, group, [{ contender, prepare, clear: at.end }], { rounds })]
  })
}
