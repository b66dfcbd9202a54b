/** Giving back many small files: a user change against `rm -rf`, and links in their place against a bare loop. */
import { rmSync } from 'node:fs'
import { bare, grimsel } from '../grimsel/contenders.mjs'
import { openPlace, sectionAt } from '../grimsel/place.mjs'
import { system } from '../scratch.mjs'
import { runTrials } from '../trials.mjs'

/** @typedef {import('../bench.mjs').Bench} Bench */
/** @typedef {import('../bench.mjs').Section} Section */
/** @typedef {import('../contenders.mjs').Contender} Contender */

const size = 4096
const perDirectory = 1000
const mostRounds = 3

/** @param {string} buffer @returns {Contender} */
const rm = (buffer) => ({
  name: 'rm',
  label: 'rm -rf',
  kind: 'external',
  side: 'peer',
  durable: false,
  version: () => 'coreutils',
  command: () => ['rm', '-rf', buffer],
})

/** @param {Bench} bench @returns {Promise<Section>} */
export async function run(bench) {
  const { tools, options } = bench
  const files = options.quick ? 5000 : 100_000
  const bytes = files * size
  /** @param {string} name @param {string} what */
  const set = (name, what) => ({
    name,
    title: `${files.toLocaleString('en')} × 4 KiB, ${what}`,
    files,
    fileSize: size,
    directoryOf: () => '',
  })
  /** Half full with all files, over the limit with what is put beside them. */
  const buffer = 2 * bytes
  const about = {
    name: 'grimsel-clearing',
    title: 'Grimsel: giving space back',
    per: /** @type {const} */ ('files'),
    goals: [
      {
        what: /** @type {const} */ ('time'),
        of: 'grimsel-clear',
        to: 'rm',
        sets: ['cleared'],
        fileSystem: 'ext4',
        atMost: 3,
      },
      {
        what: /** @type {const} */ ('speed'),
        of: 'grimsel-links',
        to: 'bare-links',
        sets: ['linked'],
        fileSystem: 'ext4',
        atLeast: 0.5,
      },
    ],
  }
  const place = openPlace(bench, { storage: 'ext4', bytes: bytes * 2, inodes: files, buffer })
  return sectionAt(bench, about, place, async (at) => {
    const directories = [at.buffer, at.target, at.journal]
    const prepare = async () => {
      await at.begin()
      system(tools.make, at.buffer, String(files), String(size), String(perDirectory))
    }
    const clear = async () => {
      rmSync(at.beside, { force: true })
      await at.end()
    }
    const group = { fileSystem: at.fileSystem, description: at.description }
    const rounds = Math.min(options.rounds, mostRounds)
    /** @param {string} name @param {string} what @param {Contender[]} contenders */
    const trial = (name, what, contenders) =>
      runTrials(
        bench,
        { ...group, set: set(name, what) },
        contenders.map((contender) => ({ contender, prepare, clear })),
        { rounds },
      )
    return [
      await trial('cleared', 'deleted after a user change', [
        grimsel('clear', 'Grimsel, from the user change to SHIFT_CLEARED', 'clear', () => directories),
        rm(at.buffer),
      ]),
      await trial('linked', 'links in their place', [
        grimsel('links', 'Grimsel, from the full buffer to the last link', 'links', () => [
          ...directories,
          at.beside,
          String(Math.floor(buffer * 0.3)),
        ]),
        bare('links', 'bare symlink + exchange + compare + unlink', [tools.links, at.buffer, at.target]),
      ]),
    ]
  })
}
