/** What a process finds out about itself: time, processors, memory, and how long its event loop was held up. */
import { readFileSync, writeFileSync } from 'node:fs'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * @typedef {object} Told
 * @property {number} seconds
 * @property {number} cpuSeconds
 * @property {number} peakRssBytes
 * @property {{ p50: number, p99: number, max: number }} loopDelayMs
 */

/** @param {'VmHWM' | 'VmRSS'} what Peak since it was reset, or now. @returns {number} Bytes. */
function memory(what) {
  const kib = new RegExp(`^${what}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  return Number(kib) * 1024
}

/** Resident memory, once what isn't needed any more was collected (with `--expose-gc`). In bytes. */
export async function restingMemory() {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.()
    await sleep(50)
  }
  return memory('VmRSS')
}

/** Begins to watch this process; what is returned ends it and tells. @returns {Promise<() => Told>} */
export async function watchSelf() {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  await sleep(50)
  // See proc_pid_clear_refs(5).
  writeFileSync('/proc/self/clear_refs', '5')
  delay.reset()
  const cpu = process.cpuUsage()
  const start = performance.now()
  return () => {
    const seconds = (performance.now() - start) / 1000
    const used = process.cpuUsage(cpu)
    delay.disable()
    const milliseconds = (/** @type {number} */ nanoseconds) => nanoseconds / 1e6
    return {
      seconds,
      cpuSeconds: (used.user + used.system) / 1e6,
      peakRssBytes: memory('VmHWM'),
      loopDelayMs: {
        p50: milliseconds(delay.percentile(50)),
        p99: milliseconds(delay.percentile(99)),
        max: milliseconds(delay.max),
      },
    }
  }
}
