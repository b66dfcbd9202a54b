/** Files from an HTTP server on loopback: what Furka receives with against programs and Node's own means. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { chosen } from '../bench.mjs'
import { openFileSystem, shortOfMemory } from '../file-systems.mjs'
import { curl, httpPipeline, susten, wget2 } from '../furka/contenders.mjs'
import { makeDownload, receiveSets } from '../furka/download.mjs'
import { openLoopback } from '../furka/loopback.mjs'
import { nginxVersion, startNginx } from '../furka/nginx.mjs'
import { runRounds } from '../rounds.mjs'

/** @typedef {import('../bench.mjs').Bench} Bench */
/** @typedef {import('../bench.mjs').Section} Section */

const of = 'susten-receive'
const fileSystem = 'tmpfs'

/** @param {Bench} bench @returns {Promise<Section>} */
export async function run(bench) {
  const { options, scratch } = bench
  /** @type {Section} */
  const section = {
    name: 'furka-receive',
    title: 'Furka: receiving from nginx on loopback',
    per: 'bytes',
    groups: [],
    skipped: [],
    goals: [
      { what: 'speed', of, to: 'curl', sets: ['large'], fileSystem, atLeast: 1 },
      { what: 'speed', of, to: 'curl', sets: ['small'], fileSystem, atLeast: 1.5 },
      { what: 'speed', of, to: 'http-pipeline', sets: ['large', 'small'], fileSystem, atLeast: 2 },
    ],
  }
  const skip = (/** @type {string} */ why) => {
    section.skipped.push(why)
    bench.say(`left out: ${why}`)
  }
  if (nginxVersion() === undefined) {
    skip('all: nginx is not installed')
    return section
  }
  const loopback = openLoopback()
  try {
    for (const set of chosen(receiveSets(options.quick), options.sets)) {
      const short = shortOfMemory(scratch.memory, set.files * set.fileSize * 2.1, set.files * 2)
      if (short) skip(`${set.name}: ${short}`)
      else section.groups.push(await measureSet(bench, set, loopback, skip))
    }
    return section
  } finally {
    loopback.close()
  }
}

/**
 * @param {Bench} bench
 * @param {import('../sets.mjs').SourceSet} set
 * @param {ReturnType<typeof openLoopback>} loopback
 * @param {(why: string) => void} skip
 */
async function measureSet(bench, set, { within, description }, skip) {
  const { options, scratch } = bench
  const directory = join(scratch.memory, 'served')
  const target = openFileSystem('tmpfs', scratch, 0)
  if ('skipped' in target) throw new Error(target.skipped)
  /** @type {import('../furka/nginx.mjs').Nginx | undefined} */
  let nginx
  try {
    nginx = await startNginx({ own: join(scratch.disk, 'nginx'), files: join(directory, 'files'), within })
    bench.progress(`${set.name}: making ${set.title}`)
    const { download, src } = await makeDownload(bench, set, directory, { ...nginx, within })
    const contenders = [susten, curl, wget2, httpPipeline]
      .map((contender) => contender(download))
      .filter(({ label, version }) => version() !== undefined || skip(`${label}: not installed`))
    // The server and the kernel's network work for the contender: what they do isn't others' work.
    const place = { ...target, description: `${target.description}; nginx on ${description}`, inMemory: false }
    return await runRounds(bench, set, src, place, chosen(contenders, options.contenders))
  } finally {
    await nginx?.close()
    target.close()
    rmSync(directory, { recursive: true, force: true })
  }
}
