/** One run of one contender, and how quiet the machine was meanwhile. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

/** @typedef {import('./contenders.mjs').Contender} Contender */
/** @typedef {import('./contenders.mjs').Loop} Loop */

/**
 * What one run cost. Event-loop delays are Node's: the time between two ticks of a 1 ms timer, so an idle loop
 * shows about 1.1 ms.
 *
 * @typedef {object} Run
 * @property {number} seconds
 * @property {number} cpuSeconds User and system, of all threads and processes.
 * @property {number} peakRssBytes Of the largest single process.
 * @property {{ p50: number, p99: number, max: number }} [loopDelayMs] In-process contenders.
 * @property {{ p50: number, p99: number, max: number }} [latencyMs] Of the single files, where they came one by one.
 * @property {number} [restRssBytes] Memory that is kept when all is done.
 * @property {number} othersCpu Fraction of the machine's processors that others used meanwhile.
 */

/** @typedef {{ seconds: number, cpuSeconds: number, userSeconds: number, maxRssKib: number, status: number }} Stop */

const ticksPerSecond = 100

/** Whether others used so much of the processors that the run should be done again. @param {Run} run */
export const isDisturbed = ({ othersCpu }) => othersCpu > 0.1

/** Processor seconds that the whole machine spent since it started. `kernel` counts what the kernel did too. */
function machineSeconds(/** @type {boolean} */ kernel) {
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = (
    readFileSync('/proc/stat', 'utf8').split('\n')[0] ?? ''
  )
    .split(/\s+/)
    .slice(1)
    .map(Number)
  return (user + nice + steal + (kernel ? system + irq + softirq : 0)) / ticksPerSecond
}

/**
 * Waits until the machine has been almost idle for 0.2 s, or `seconds` are over.
 *
 * @param {number} seconds
 * @param {AbortSignal} signal
 */
export async function waitForQuiet(seconds, signal) {
  const end = performance.now() + seconds * 1000
  while (performance.now() < end) {
    const before = machineSeconds(true)
    await sleep(200, undefined, { signal })
    if (machineSeconds(true) - before <= 0.03) return
  }
}

/**
 * Runs a command under the stopwatch.
 *
 * @param {string} stopwatch
 * @param {string[]} command
 * @param {{ touch?: number, signal: AbortSignal }} options
 * @returns {Promise<{ stop: Stop, output: string }>}
 */
export async function runTimed(stopwatch, command, { touch = 0, signal }) {
  signal.throwIfAborted()
  const args = [...(touch > 0 ? ['--touch', String(touch)] : []), '--', ...command]
  // A process group of its own, so that an abort ends the command's children too.
  const child = spawn(stopwatch, args, { stdio: ['ignore', 'pipe', 'pipe', 'pipe'], detached: true })
  const kill = () => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, 'SIGKILL')
  }
  signal.addEventListener('abort', kill)
  try {
    const streams = /** @type {import('node:stream').Readable[]} */ (child.stdio.slice(1))
    const [output = '', errors = '', json = ''] = await Promise.all(streams.map(text))
    signal.throwIfAborted()
    const stop = json ? /** @type {Stop} */ (JSON.parse(json)) : undefined
    if (stop?.status !== 0) {
      throw new Error(`${command.join(' ')}: exit ${stop?.status ?? 'unknown'}: ${errors.trim().slice(-2000)}`)
    }
    return { stop, output }
  } finally {
    signal.removeEventListener('abort', kill)
  }
}

/**
 * @param {Contender} contender
 * @param {object} options
 * @param {string} options.stopwatch
 * @param {string} options.src
 * @param {string} options.dest
 * @param {Loop | undefined} options.loop
 * @param {number} options.touch Bytes of memory to touch before.
 * @param {number} options.startSeconds What starting any program takes.
 * @param {boolean} options.countKernel Whether processor time of the kernel's own threads is others' work.
 * @param {AbortSignal} options.signal
 * @returns {Promise<Run>}
 */
export async function measure(contender, options) {
  const own = process.cpuUsage()
  const start = performance.now()
  const before = machineSeconds(options.countKernel)
  const command = contender.command(options.src, options.dest, options.loop)
  const { stop, output } = await runTimed(options.stopwatch, command, options)
  const wall = (performance.now() - start) / 1000
  const used = process.cpuUsage(own)
  const ours =
    (options.countKernel ? stop.cpuSeconds : stop.userSeconds) +
    (used.user + (options.countKernel ? used.system : 0)) / 1e6 +
    // Touching memory is not the command's; all of the rest of the wall time is charged to it.
    (options.countKernel ? Math.max(0, wall - stop.seconds) : 0)
  const othersCpu = Math.max(0, machineSeconds(options.countKernel) - before - ours) / (wall * cpus().length)

  if (contender.kind === 'external') {
    return {
      seconds: stop.seconds - options.startSeconds,
      cpuSeconds: stop.cpuSeconds,
      peakRssBytes: stop.maxRssKib * 1024,
      othersCpu,
    }
  }
  const told = /** @type {Omit<Run, 'othersCpu'> & { maxRssKib?: number }} */ (JSON.parse(output))
  return {
    seconds: told.seconds,
    cpuSeconds: told.cpuSeconds,
    peakRssBytes: told.peakRssBytes ?? (told.maxRssKib ?? 0) * 1024,
    ...(told.loopDelayMs && { loopDelayMs: told.loopDelayMs }),
    ...(told.latencyMs && { latencyMs: told.latencyMs }),
    ...(told.restRssBytes !== undefined && { restRssBytes: told.restRssBytes }),
    othersCpu,
  }
}
