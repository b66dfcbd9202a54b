/**
 * One copy by one library in a Node of its own:  node in-process.mjs LIBRARY SRC DEST OPTIONS
 *
 * Warms up on a small tree, so that loading and starting threads is not counted, then times the one call, watching the
 * event loop and the memory. Prints one JSON object.
 */
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { watchSelf } from './self.mjs'

/** @typedef {(src: string, dest: string, options: object) => Promise<unknown>} Copy */

/** @type {Record<string, () => Promise<Copy>>} */
const libraries = {
  susten: async () => (await import('susten')).copyTree,
  'fs.cp': async () => cp,
  'fs-extra': async () => (await import('fs-extra')).default.copy,
}

/** @param {Copy} copy @param {string} beside @param {object} options */
async function warmUp(copy, beside, options) {
  const directory = await mkdtemp(join(beside, 'warm-up-'))
  await mkdir(join(directory, 'from/below'), { recursive: true })
  for (const name of ['a', 'b', 'below/c']) await writeFile(join(directory, 'from', name), Buffer.alloc(100_000))
  await copy(join(directory, 'from'), join(directory, 'to'), options)
  await rm(directory, { recursive: true })
}

const [, , library = '', src = '', dest = '', json = '{}'] = process.argv
const load = libraries[library]
if (!load) throw new Error(`in-process.mjs ${library}: give one of ${Object.keys(libraries).join(', ')}`)
const copy = await load()
const options = /** @type {object} */ (JSON.parse(json))
await warmUp(copy, dirname(dest), options)

const stop = await watchSelf()
await copy(src, dest, options)
process.stdout.write(JSON.stringify(stop()))
