/**
 * A simulated detector server whose files come at a steady pace:  node dcu.mjs SIZE PER_SECOND
 *
 * Prints its address in a line. For each number that it reads in a line it makes so many files complete, one after the
 * other; prints when, in nanoseconds of the clock that `hrtime` reads, and the name. Ends with its input.
 */
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { simulateDcu } from '#lib/simulate/dcu/index.js'
import { dataFile } from './data-file.mjs'

const [, , size = '', perSecond = ''] = process.argv
/** Bytes that it never needs: a server that is almost full is another matter. */
const memory = 2 ** 36
// Digests are the tests': nobody asks for them here.
const digests = `data:text/javascript,${encodeURIComponent("export const digestOf = () => ''")}`
const dcu = await simulateDcu({ memory, digests, maxRequests: 0 })
const { bytes, number } = await dataFile(Number(size))
const print = (/** @type {string} */ line) => void process.stdout.write(`${line}\n`)
dcu.on('file', ({ name }) => print(`${process.hrtime.bigint()} ${name}`))

print(dcu.url)
let series = 0
for await (const files of createInterface({ input: process.stdin })) {
  series++
  const start = performance.now()
  for (let index = 0; index < Number(files); index++) {
    const early = start + (index * 1000) / Number(perSecond) - performance.now()
    if (early > 0) await sleep(early)
    number(index) // no two alike
    await dcu.add(`series_${series}_data_${String(index + 1).padStart(6, '0')}.h5`, bytes)
  }
}
await dcu.close()
