/** A million files that wait: the memory that they take, how soon a new start knows them, and what stays of them. */
import { grimsel } from '../grimsel/contenders.mjs'
import { openPlace, sectionAt } from '../grimsel/place.mjs'
import { system } from '../scratch.mjs'
import { runTrials } from '../trials.mjs'

/** @typedef {import('../bench.mjs').Bench} Bench */
/** @typedef {import('../bench.mjs').Section} Section */

const perDirectory = 1000

/** @param {Bench} bench @returns {Promise<Section>} */
export async function run(bench) {
  const { tools } = bench
  const files = bench.options.quick ? 50_000 : 1_000_000
  const set = {
    name: 'pending',
    title: `${files.toLocaleString('en')} empty files that wait for a storage`,
    files,
    fileSize: 0,
    directoryOf: () => '',
  }
  const sets = [set.name]
  const fileSystem = 'tmpfs'
  const about = {
    name: 'grimsel-pending',
    title: 'Grimsel: many pending files',
    per: /** @type {const} */ ('files'),
    goals: [
      ...['grimsel-announce', 'grimsel-resume', 'grimsel-drain'].map((of) => ({
        what: /** @type {const} */ ('peakRss'),
        of,
        sets,
        fileSystem,
        atMost: 400,
      })),
      { what: /** @type {const} */ ('seconds'), of: 'grimsel-resume', sets, fileSystem, atMost: 15 },
      { what: /** @type {const} */ ('restRss'), of: 'grimsel-drain', sets, fileSystem, atMost: 150 },
    ],
  }
  const place = openPlace(bench, { storage: fileSystem, bytes: 0, inodes: files, buffer: 2 ** 28 })
  return sectionAt(bench, about, place, async (at) => {
    const args = [at.buffer, at.target, at.journal, String(files)]
    /** @param {string} name @param {string} label @param {string} step */
    const step = (name, label, step) => grimsel(name, label, 'pending', () => [step, ...args])
    const group = { set, fileSystem: at.fileSystem, description: at.description }
    try {
      await at.begin()
      bench.progress(`${set.name}: making ${set.title}`)
      system(tools.make, at.buffer, String(files), '0', String(perDirectory))
      // Each goes on where the one before it ended: one round, without repeats.
      const calm = { ...bench, patience: { left: 0 }, options: { ...bench.options, contenders: [] } }
      const trials = [
        step('announce', 'announced, the storage paused', 'announce'),
        step('resume', 'opened again, until all are known', 'resume'),
        step('drain', 'opened again, until all are copied', 'copy'),
      ].map((contender) => ({ contender }))
      return [await runTrials(calm, group, trials, { rounds: 1 })]
    } finally {
      if (!bench.signal.aborted) await at.end()
    }
  })
}
