/** A tree of a million empty files: what the memory does when there is nothing but names. */
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { chosen } from '../bench.mjs'
import { copyContenders } from '../contenders.mjs'
import { openFileSystem, shortOfMemory } from '../file-systems.mjs'
import { runRounds } from '../rounds.mjs'
import { emptyFiles, makeSet } from '../sets.mjs'

/** @typedef {import('../bench.mjs').Bench} Bench */
/** @typedef {import('../bench.mjs').Section} Section */

/** The others would take many minutes and tell nothing about us. */
const few = ['susten-inline-none', 'susten-inline-batch', 'cp', 'rsync']
const rounds = 1

/** @param {Bench} bench @returns {Promise<Section>} */
export async function run(bench) {
  const { scratch, signal } = bench
  const options = { ...bench.options, rounds }
  const set = emptyFiles(options.quick)
  /** @type {Section} */
  const section = {
    name: 'million-files',
    title: 'A million empty files',
    per: 'files',
    groups: [],
    skipped: [],
    goals: ['susten-inline-none', 'susten-inline-batch'].flatMap((of) => [
      { what: 'peakRss', of, sets: [set.name], fileSystem: 'tmpfs', atMost: 300 },
      { what: 'loopDelay', of, sets: [set.name], fileSystem: 'tmpfs', atMost: 2 },
    ]),
  }
  if (chosen([set], options.sets).length === 0) return section
  const contenders = chosen(copyContenders(bench.tools.raw), options.contenders).filter(
    ({ name, version }) => few.includes(name) && version() !== undefined,
  )
  const short = shortOfMemory(scratch.memory, 0, set.files * 2)
  const target = openFileSystem('tmpfs', scratch, 0)
  if (short !== undefined || 'skipped' in target) {
    const why = `${set.name}: ${short ?? ('skipped' in target ? target.skipped : '')}`
    section.skipped.push(why)
    bench.say(`left out: ${why}`)
    return section
  }
  const src = join(scratch.memory, 'source')
  mkdirSync(src)
  try {
    bench.progress(`${set.name}: making ${set.title}`)
    await makeSet(set, join(src, set.name), signal)
    const source = join(src, set.name)
    section.groups.push(
      await runRounds({ ...bench, options }, set, source, target, contenders, { checkContent: false }),
    )
  } finally {
    rmSync(src, { recursive: true, force: true })
    target.close()
  }
  return section
}
