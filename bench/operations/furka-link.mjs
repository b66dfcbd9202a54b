/** Files over a link of 10 Gbit/s with some delay: how much of it is used, by Furka's receiving and by others. */
import { execFile } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { chosen } from '../bench.mjs'
import { checkCounts } from '../check.mjs'
import { shortOfMemory } from '../file-systems.mjs'
import { curl, furkaVersion, iperf3, susten } from '../furka/contenders.mjs'
import { makeDownload, receiveSets } from '../furka/download.mjs'
import { openLink } from '../furka/link.mjs'
import { nginxVersion, startNginx } from '../furka/nginx.mjs'
import { startServer } from '../furka/server.mjs'
import { runTrials } from '../trials.mjs'

/** @typedef {import('../bench.mjs').Bench} Bench */
/** @typedef {import('../bench.mjs').Section} Section */
/** @typedef {import('../furka/link.mjs').Link} Link */

const execute = promisify(execFile)
const fileSystem = 'tmpfs'
const sets = ['large', 'small']
const of = 'susten-receive'
const iperfPort = 5201

/** @param {Bench} bench @returns {Promise<Section>} */
export async function run(bench) {
  /** @type {Section} */
  const section = {
    name: 'furka-link',
    title: 'Furka: receiving over a link of 10 Gbit/s',
    per: 'bytes',
    groups: [],
    skipped: [],
    goals: [
      { what: 'linkUse', of, sets, fileSystem, atLeast: 95 },
      { what: 'speed', of, to: 'iperf3', sets, fileSystem, atLeast: 0.95 },
      { what: 'speed', of, to: 'curl', sets, fileSystem, atLeast: 1 },
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
  const link = await openLink(bench.tools)
  if ('skipped' in link) {
    skip(`all: ${link.skipped}`)
    return section
  }
  try {
    for (const set of chosen(receiveSets(bench.options.quick), bench.options.sets)) {
      const short = shortOfMemory(bench.scratch.memory, set.files * set.fileSize * 2.1, set.files * 2)
      if (short) skip(`${set.name}: ${short}`)
      else section.groups.push(await measureSet(bench, set, link, skip))
    }
    return section
  } finally {
    link.close()
  }
}

/**
 * @param {Bench} bench
 * @param {import('../sets.mjs').SourceSet} set
 * @param {Link} link
 * @param {(why: string) => void} skip
 */
async function measureSet(bench, set, link, skip) {
  const { scratch, signal } = bench
  const directory = join(scratch.memory, 'served')
  const dest = join(scratch.memory, 'received')
  const bytes = set.files * set.fileSize
  const servers = []
  try {
    const nginx = await startNginx({
      own: join(scratch.disk, 'nginx'),
      files: join(directory, 'files'),
      host: link.host,
      within: link.server,
    })
    servers.push(nginx)
    bench.progress(`${set.name}: making ${set.title}`)
    const { download } = await makeDownload(bench, set, directory, { ...nginx, within: link.client })
    const trials = [susten, curl]
      .map((contender) => contender(download))
      .filter(({ label, version }) => version() !== undefined || skip(`${label}: not installed`))
      .map((contender) => ({
        contender: { ...contender, command: () => contender.command('', dest, undefined) },
        check: () => checkCounts(dest, set.files, bytes),
        clear: async () => void (await execute('rm', ['-rf', dest], { signal })),
      }))
    /** @type {import('../trials.mjs').Trial[]} */
    const capacity = []
    if (furkaVersion('iperf3') === undefined) skip('iperf3: not installed')
    else {
      const command = ['iperf3', '--server', '--bind', link.host, '--port', String(iperfPort)]
      servers.push(await startServer('iperf3', iperfPort, [...link.server, ...command]))
      capacity.push({ contender: iperf3({ ...download, port: iperfPort }, bytes) })
    }
    const about = { set, fileSystem, description: `tmpfs; nginx behind a link: ${link.description}` }
    return await runTrials(bench, about, [...trials, ...capacity])
  } finally {
    for (const server of servers) await server.close()
    for (const path of [directory, dest]) rmSync(path, { recursive: true, force: true })
  }
}
