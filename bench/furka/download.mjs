/** What an HTTP server has for the contenders, and the lists that they are given of it. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileName, makeSet } from '../sets.mjs'

/** @typedef {import('../bench.mjs').Bench} Bench */
/** @typedef {import('../sets.mjs').SourceSet} SourceSet */
/** @typedef {import('./contenders.mjs').Download} Download */

const MiB = 2 ** 20
/** As many connections as Furka has to a file writer by default. */
const connections = 4

/** @param {string} name @param {string} title @param {number} files @param {number} fileSize @returns {SourceSet} */
const set = (name, title, files, fileSize) => ({ name, title, files, fileSize, directoryOf: () => '' })

/** @param {boolean} quick @returns {SourceSet[]} */
export const receiveSets = (quick) => {
  const part = quick ? 8 : 1
  return [
    set('large', `4 × ${512 / part} MiB`, 4, (512 / part) * MiB),
    set('small', `${(2000 / part).toLocaleString('en')} × 1 MiB`, 2000 / part, MiB),
  ]
}

/**
 * Makes a set in `directory/files/NAME`, and something to warm up with beside it; the lists go to `directory`.
 *
 * @param {Bench} bench
 * @param {SourceSet} set
 * @param {string} directory Must not exist.
 * @param {{ host: string, port: number, within?: string[] }} server It serves `directory/files`.
 * @returns {Promise<{ download: Download, src: string }>}
 */
export async function makeDownload(bench, set, directory, { host, port, within = [] }) {
  const files = join(directory, 'files')
  mkdirSync(files, { recursive: true })
  const warming = { ...set, name: 'warm-up', files: connections, fileSize: MiB }
  /** @param {SourceSet} made */
  const make = async (made) => {
    await makeSet(made, join(files, made.name), bench.signal)
    return Array.from({ length: made.files }, (_, index) => `/${made.name}/${fileName(index)}`)
  }
  const targets = await make(set)
  const write = (/** @type {string} */ name, /** @type {string[]} */ lines) => {
    const path = join(directory, name)
    writeFileSync(path, lines.map((line) => `${line}\n`).join(''))
    return path
  }
  const urls = targets.map((target) => `http://${host}:${port}${target}`)
  return {
    src: join(files, set.name),
    download: {
      host,
      port,
      within,
      connections,
      list: write('list', targets),
      warmUp: write('warm-up', await make(warming)),
      urls: write('urls', urls),
      curl: write(
        'curl',
        urls.map((url) => `url = "${url}"\noutput = "${basename(url)}"`),
      ),
    },
  }
}
