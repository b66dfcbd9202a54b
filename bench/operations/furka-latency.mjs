/** Files of a simulated detector server: how long after it is complete each one is announced to Grimsel. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { curlLatency, furkaLatency } from '../furka/contenders.mjs'
import { openPlace, sectionAt } from '../grimsel/place.mjs'
import { runTrials } from '../trials.mjs'

/** @typedef {import('../bench.mjs').Bench} Bench */
/** @typedef {import('../bench.mjs').Section} Section */

const size = 2.5 * 2 ** 20
const perSecond = 100
/** A process for each file: at the full pace they would wait for each other. */
const curlPerSecond = 10
const of = 'furka-latency'
/** Milliseconds: the longest that a client of the file writer should wait between two looks while files arrive. */
const look = 100

/** @param {Bench} bench @returns {Promise<Section>} */
export async function run(bench) {
  const files = bench.options.quick ? 100 : 1000
  const set = {
    name: 'paced',
    title: `${files.toLocaleString('en')} × 2.5 MiB, ${perSecond} a second`,
    files,
    fileSize: size,
    directoryOf: () => '',
  }
  const fileSystem = 'tmpfs'
  const sets = [set.name]
  const about = {
    name: 'furka-latency',
    title: 'Furka: from the completion of a file at the server until it is announced to Grimsel',
    per: /** @type {const} */ ('files'),
    goals: [
      { what: /** @type {const} */ ('latencyP50Beyond'), of, to: 'curl-latency', sets, fileSystem, atMost: look },
      { what: /** @type {const} */ ('latencyP99Beyond'), of, to: 'curl-latency', sets, fileSystem, atMost: 3 * look },
    ],
  }
  const bytes = files * size
  // So large that nothing has to be released meanwhile, nor is expected to.
  const place = openPlace(bench, { storage: fileSystem, bytes, inodes: files, buffer: bytes * 10 })
  return sectionAt(bench, about, place, async (at) => {
    const prepare = async () => {
      await at.begin()
      mkdirSync(at.buffer)
    }
    const paced = [size, files, perSecond].map(String)
    const slow = [size, files / 10, curlPerSecond].map(String)
    const contenders = [
      furkaLatency([at.buffer, at.target, at.journal, ...paced]),
      curlLatency([join(at.buffer, 'curl'), ...slow]),
    ]
    const group = { set, fileSystem: at.fileSystem, description: at.description }
    return [
      await runTrials(
        bench,
        group,
        contenders.map((contender) => ({ contender, prepare, clear: at.end })),
      ),
    ]
  })
}
