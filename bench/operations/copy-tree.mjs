/** Copying a tree: `copyTree` against programs, libraries and the raw loops. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { chosen } from '../bench.mjs'
import { copyContenders } from '../contenders.mjs'
import { openFileSystem, shortOfMemory } from '../file-systems.mjs'
import { runRounds } from '../rounds.mjs'
import { copySets, makeSet } from '../sets.mjs'

/** @typedef {import('../bench.mjs').Bench} Bench */
/** @typedef {import('../bench.mjs').Section} Section */
/** @typedef {import('../goals.mjs').Goal} Goal */

const all = ['large', 'medium', 'small', 'deep']
const small = ['small', 'deep']
const fileSystem = 'tmpfs'

/** @type {Goal[]} */
const goals = [
  { what: 'speed', of: 'susten-none-none', to: 'raw-kernel', sets: ['large', 'medium'], fileSystem, atLeast: 0.95 },
  { what: 'speed', of: 'susten-none-none', to: 'raw-kernel', sets: small, fileSystem, atLeast: 0.85 },
  { what: 'speed', of: 'susten-inline-none', to: 'raw-digest', sets: all, fileSystem, atLeast: 0.85 },
  ...[
    { to: 'cp', atLeast: 1.3 },
    { to: 'fs-extra', atLeast: 3 },
    { to: 'fs.cp', atLeast: 10 },
    { to: 'rsync', atLeast: 1 },
    { to: 'rclone', atLeast: 1 },
  ].map(
    ({ to, atLeast }) =>
      /** @type {Goal} */ ({ what: 'speed', of: 'susten-inline-none', to, sets: small, fileSystem, atLeast }),
  ),
  ...['susten-none-none', 'susten-inline-none'].flatMap((of) => [
    /** @type {Goal} */ ({ what: 'loopDelay', of, sets: all, fileSystem, atMost: 2 }),
    ...['fs.cp', 'fs-extra'].map(
      (to) => /** @type {Goal} */ ({ what: 'loopDelayRatio', of, to, sets: all, fileSystem, atMost: 1 }),
    ),
  ]),
]

/** @param {Bench} bench @returns {Promise<Section>} */
export async function run(bench) {
  const { options, scratch, signal } = bench
  /** @type {Section} */
  const section = { name: 'copy-tree', title: 'Copying a tree', per: 'bytes', groups: [], skipped: [], goals }
  const skip = (/** @type {string} */ why) => {
    section.skipped.push(why)
    bench.say(`left out: ${why}`)
  }
  const sets = chosen(copySets(options.quick), options.sets)
  const contenders = chosen(copyContenders(bench.tools.raw), options.contenders).filter(({ label, version }) => {
    const installed = version() !== undefined
    if (!installed) skip(`${label}: not installed`)
    return installed
  })
  const largest = Math.max(0, ...sets.map(({ files, fileSize }) => files * fileSize))

  for (const name of options.fileSystems) {
    const target = openFileSystem(name, scratch, largest)
    if ('skipped' in target) {
      skip(`all sets → ${name}: ${target.skipped}`)
      continue
    }
    try {
      for (const set of sets) {
        const bytes = set.files * set.fileSize
        const short = shortOfMemory(scratch.memory, bytes * 2.1, set.files * 2)
        if (short) {
          skip(`${set.name} → ${name}: ${short}`)
          continue
        }
        const home = join(scratch.memory, 'source')
        mkdirSync(home)
        try {
          bench.progress(`${set.name}: making ${set.title}`)
          await makeSet(set, join(home, set.name), signal)
          // On a tmpfs a sync does nothing: those who differ by it only from others are left out.
          const fitting = contenders.filter(({ durable, side }) => !target.inMemory || !durable || side === 'ours')
          section.groups.push(await runRounds(bench, set, join(home, set.name), target, fitting))
        } finally {
          rmSync(home, { recursive: true, force: true })
        }
      }
    } finally {
      target.close()
    }
  }
  return section
}
