/**
 * One copy by one library in a Node of its own:  node in-process.mjs LIBRARY SRC DEST OPTIONS
 *
 * Warms up on a small tree, so that loading and starting threads is not counted, then times the one call, watching the
 * event loop and the memory. Prints one JSON object.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

/** @typedef {(src: string, dest: string, options: object) => Promise<unknown>} Copy */

/** @type {Record<string, () => Promise<Copy>>} */
const libraries = {
  susten: async () => (await import('susten')).copyTree,
  'fs.cp': async () => cp,
  'fs-extra': async () => (await import('fs-extra')).default.copy,
}

/** Peak memory since `resetPeak`, in bytes. */
function peakMemory() {
  const kib = /^VmHWM:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return Number(kib) * 1024
}

/** See proc_pid_clear_refs(5). */
const resetPeak = () => writeFileSync('/proc/self/clear_refs', '5')

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

const delay = monitorEventLoopDelay({ resolution: 1 })
delay.enable()
await sleep(50)
resetPeak()
delay.reset()
const cpu = process.cpuUsage()
const start = performance.now()
await copy(src, dest, options)
const seconds = (performance.now() - start) / 1000
const used = process.cpuUsage(cpu)
delay.disable()

const milliseconds = (/** @type {number} */ nanoseconds) => nanoseconds / 1e6
process.stdout.write(
  JSON.stringify({
    seconds,
    cpuSeconds: (used.user + used.system) / 1e6,
    peakRssBytes: peakMemory(),
    loopDelayMs: {
      p50: milliseconds(delay.percentile(50)),
      p99: milliseconds(delay.percentile(99)),
      max: milliseconds(delay.max),
    },
  }),
)
