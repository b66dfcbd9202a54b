/**
 * Receives files with what Node itself has, in a Node of its own:
 * node http-pipeline.mjs HOST PORT LIST WARM_UP DEST CONNECTIONS
 *
 * See `receive.mjs`, but for digest, owner, time and temporary name: it has none of these.
 */
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { watchSelf } from '../self.mjs'
import { readList } from './names.mjs'

const [, , host = '', port = '', list = '', warmUp = '', dest = '', connections = ''] = process.argv
const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) })

/** @param {string} target @param {string} path */
async function receive(target, path) {
  const [response] = await once(get({ host, port, path: target, agent }), 'response')
  if (response.statusCode !== 200) throw new Error(`${target}: ${response.statusCode}`)
  await pipeline(response, createWriteStream(path, { mode: 0o640 }))
}

/** One lane for each connection, one file after the other. @param {string[]} targets @param {string} directory */
async function receiveAll(targets, directory) {
  await mkdir(directory)
  const rest = targets.values()
  const lane = async () => {
    for (const target of rest) await receive(target, join(directory, basename(target)))
  }
  await Promise.all(Array.from({ length: Number(connections) }, lane))
}

await receiveAll(readList(warmUp), `${dest}-warm-up`)
await rm(`${dest}-warm-up`, { recursive: true })
const targets = readList(list)
const stop = await watchSelf()
await receiveAll(targets, dest)
process.stdout.write(JSON.stringify(stop()))
agent.destroy()
