/**
 * Files that come at a steady pace:  node latency.mjs BUFFER TARGET JOURNAL COMMAND [ARG…]
 *
 * Runs the command, which prints what `native/pace.cc` prints, and announces each file as soon as its line is read.
 * Tells how long after its close each one was told to be copied: then it is visible and durable.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { watchSelf } from '../self.mjs'
import { percentile } from '../statistics.mjs'
import { openGrimsel, tell, warmUp } from './world.mjs'

const [, , buffer = '', target = '', journal = '', command = '', ...args] = process.argv
const place = { buffer, target, journal }
await warmUp(place)
const { grimsel } = await openGrimsel(place)
/** When files were closed, in nanoseconds of the clock that `hrtime` reads too. @type {Map<string, bigint>} */
const closed = new Map()
/** @type {number[]} */
const latencies = []
grimsel.on('copied', ({ path }) => {
  const at = closed.get(path)
  if (at !== undefined) latencies.push(Number(process.hrtime.bigint() - at) / 1e6)
})

const stop = await watchSelf()
const detector = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
const ended = once(detector, 'exit')
/** @type {Promise<void>[]} */
const announcements = []
for await (const line of createInterface({ input: detector.stdout })) {
  const blank = line.indexOf(' ')
  const path = line.slice(blank + 1)
  closed.set(path, BigInt(line.slice(0, blank)))
  announcements.push(grimsel.add(path))
}
await Promise.all(announcements)
await grimsel.idle()
const told = stop()

const [status] = await ended
if (status !== 0) throw new Error(`${command}: exit ${status}`)
await grimsel.close()
await rm(journal, { recursive: true })
if (latencies.length !== closed.size) throw new Error(`${latencies.length} of ${closed.size} files were told as copied`)
latencies.sort((a, b) => a - b)
tell({
  ...told,
  latencyMs: { p50: percentile(latencies, 50), p99: percentile(latencies, 99), max: latencies.at(-1) },
})
