/**
 * Receives files as Furka does, in a Node of its own:  node receive.mjs HOST PORT LIST WARM_UP DEST CONNECTIONS
 *
 * Digest, owner, mode and time of change, a final name only for a whole file, durable unless the file system is in
 * memory. Warms up on files of its own.
 */
import { mkdir, rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { openEngine } from 'susten'
import { bytesOfText } from '#lib/bytes.js'
import { watchSelf } from '../self.mjs'
import { owner } from '../sets.mjs'
import { readList } from './names.mjs'

const [, , host = '', port = '', list = '', warmUp = '', dest = '', connections = ''] = process.argv
const engine = openEngine({ threads: Number(connections) })

/** @param {string[]} targets @param {string} destRoot */
async function receive(targets, destRoot) {
  await mkdir(destRoot)
  const results = await engine.receive({
    host,
    port: Number(port),
    destRoot: bytesOfText(destRoot),
    // As Furka runs: for another user, if it may.
    ...(process.getuid?.() === 0 && { uid: owner.uid, gid: owner.gid }),
    mode: owner.mode,
    directoryMode: 0o750,
    durability: 'batch',
    digest: true,
    timeouts: { connect: 2000, header: 10_000, stall: 10_000, leastBytes: 1 },
    resumes: 5,
    files: targets.map((target) => ({ target, dest: bytesOfText(basename(target)), existing: 'version' })),
  })
  for (const { outcome, digest, error } of results) {
    if (outcome !== 'created' || digest === undefined) throw new Error(`${outcome}: ${error?.code ?? 'no digest'}`)
  }
}

await receive(readList(warmUp), `${dest}-warm-up`)
await rm(`${dest}-warm-up`, { recursive: true })
const targets = readList(list)
const stop = await watchSelf()
await receive(targets, dest)
process.stdout.write(JSON.stringify(stop()))
await engine.close()
