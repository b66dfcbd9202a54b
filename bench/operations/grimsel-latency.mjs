/** Files that come one by one: how long after its close each is visible and durable, with a Grimsel and without. */
import { mkdirSync } from 'node:fs'
import { bare, grimsel } from '../grimsel/contenders.mjs'
import { openPlace, sectionAt } from '../grimsel/place.mjs'
import { runTrials } from '../trials.mjs'

/** @typedef {import('../bench.mjs').Bench} Bench */
/** @typedef {import('../bench.mjs').Section} Section */

const MiB = 2 ** 20
const size = 6 * MiB
const perSecond = 100
const of = 'grimsel-latency'
/** As many as a Grimsel's storage has by default on two processors; and one, for a copy after the other. */
const threads = [4, 1]

/** @param {Bench} bench @returns {Promise<Section>} */
export async function run(bench) {
  const { tools } = bench
  const files = bench.options.quick ? 60 : 500
  const set = {
    name: 'paced',
    title: `${files} × 6 MiB, ${perSecond} a second`,
    files,
    fileSize: size,
    directoryOf: () => '',
  }
  // So large that nothing has to be released meanwhile, nor is expected to.
  const buffer = files * size * 10
  const place = openPlace(bench, { storage: 'ext4', bytes: files * size, inodes: files, buffer })
  const fileSystem = 'ext4'
  const about = {
    name: 'grimsel-latency',
    title: 'Grimsel: from the close of a file until its copy is visible and durable',
    per: /** @type {const} */ ('files'),
    goals: threads.flatMap((count) => {
      const to = `bare-durable-${count}`
      return [
        { what: /** @type {const} */ ('latencyP50'), of, to, sets: [set.name], fileSystem, atMost: 1.5 },
        { what: /** @type {const} */ ('latencyP99'), of, to, sets: [set.name], fileSystem, atMost: 5 },
      ]
    }),
  }
  return sectionAt(bench, about, place, async (at) => {
    const { buffer, target, journal, begin, end: clear } = at
    const pace = [tools.pace, buffer, String(files), String(size), String(perSecond)]
    const prepare = async () => {
      await begin()
      mkdirSync(buffer)
    }
    const contenders = [
      grimsel('latency', 'Grimsel, verify inline, durability batch', 'latency', () => [
        buffer,
        target,
        journal,
        ...pace,
      ]),
      ...threads.map((count) =>
        bare(
          `durable-${count}`,
          `bare copy + fdatasync + rename + directory sync, ${count === 1 ? 'one after the other' : `${count} threads`}`,
          [tools.durable, target, String(count), ...pace],
        ),
      ),
    ]
    const group = { set, fileSystem: at.fileSystem, description: at.description }
    return [
      await runTrials(
        bench,
        group,
        contenders.map((contender) => ({ contender, prepare, clear })),
      ),
    ]
  })
}
