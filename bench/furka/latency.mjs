/**
 * Files that become complete at a steady pace at a simulated detector server:
 * node latency.mjs BUFFER TARGET JOURNAL SIZE FILES PER_SECOND
 *
 * A Furka fetches them into the buffer of a Grimsel in the same process. Tells how long after its completion each one was
 * told to be announced: then it is in the buffer, whole and journaled, and Grimsel has it in its journal.
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Furka, openSimplon } from 'susten'
import { openGrimsel, tell } from '../grimsel/world.mjs'
import { watchSelf } from '../self.mjs'
import { percentile } from '../statistics.mjs'
import { startDcu } from './paced.mjs'

const [, , buffer = '', target = '', journal = '', ...numbers] = process.argv
const [size = 0, files = 0, perSecond = 0] = numbers.map(Number)
const warm = 50

await mkdir(journal)
const dcu = await startDcu(size, perSecond)
const { grimsel } = await openGrimsel({ buffer, target, journal: join(journal, 'grimsel') })
const furka = await Furka.open({
  sources: [{ source: openSimplon({ host: dcu.url }), target: buffer }],
  journal: join(journal, 'furka'),
  grimsel,
})
furka.on('message', ({ severity, text }) => {
  if (severity === 'error') throw new Error(text)
})
furka.on('error', ({ error }) => {
  throw error
})
/** When each file was told to be announced. @type {Map<string, bigint>} */
const announced = new Map()
furka.on('announced', ({ name }) => void announced.set(name, process.hrtime.bigint()))

/** @param {number} count */
async function take(count) {
  /** @type {import('./paced.mjs').Complete[]} */
  const complete = []
  for await (const file of dcu.series(count)) complete.push(file)
  await furka.idle()
  return complete
}

await take(warm)
const stop = await watchSelf()
const complete = await take(files)
const told = stop()

await furka.close()
await grimsel.close('stop')
await dcu.close()
await rm(journal, { recursive: true })
const latencies = complete.map(({ at, name }) => {
  const then = announced.get(name)
  if (then === undefined) throw new Error(`${name}: was not announced`)
  return Number(then - at) / 1e6
})
latencies.sort((a, b) => a - b)
tell({
  ...told,
  latencyMs: { p50: percentile(latencies, 50), p99: percentile(latencies, 99), max: latencies.at(-1) },
})
