/** The processes of a soak: begun, killed and begun again, and looked at. */
import { type ChildProcess, fork, type Serializable, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { callControl } from '#lib/control/index.js'

const clockTicks = 100
const pageSize = 4096

/** The most that a process had, and what it used, over all its lives. */
export interface Usage {
  /** Bytes. */
  memory: number
  descriptors: number
  threads: number
  /** Seconds of processors. */
  cpu: number
  lives: number
  /** Bytes of the life under way: in its first minute, and now. */
  early: number
  now: number
}

export interface Sampler {
  readonly usage: Usage
  sample(pid: number | undefined): void
}

function createSampler(): Sampler {
  const usage: Usage = { memory: 0, descriptors: 0, threads: 0, cpu: 0, lives: 0, early: 0, now: 0 }
  let last = { pid: 0, cpu: 0, samples: 0 }
  return {
    usage,
    sample(pid) {
      if (pid === undefined) return
      try {
        const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
          .replace(/^.*\) /s, '')
          .split(' ')
          .map(Number)
        const [user = 0, system = 0, threads = 0, pages = 0] = [fields[11], fields[12], fields[17], fields[21]]
        const cpu = (user + system) / clockTicks
        if (last.pid !== pid) {
          usage.lives++
          last = { pid, cpu: 0, samples: 0 }
        }
        usage.cpu += cpu - last.cpu
        last = { pid, cpu, samples: last.samples + 1 }
        usage.now = pages * pageSize
        if (last.samples <= 6) usage.early = usage.now
        usage.memory = Math.max(usage.memory, usage.now)
        usage.threads = Math.max(usage.threads, threads)
        usage.descriptors = Math.max(usage.descriptors, readdirSync(`/proc/${pid}/fd`).length)
      } catch {
        // It has just ended.
      }
    },
  }
}

export interface Worker {
  readonly pid: number | undefined
  /** Resolves when the process is ready for what it is told; after a kill, when the next one is. */
  ready(): Promise<void>
  /** Ends it by a signal; nobody begins it anew. */
  stop(signal: NodeJS.Signals): Promise<void>
  start(): void
  readonly sampler: Sampler
}

interface WorkerOptions {
  readonly name: string
  begin(): ChildProcess
  /** Rejects, or resolves to false, as long as it isn't ready. */
  isReady(child: ChildProcess): Promise<boolean>
  /** It ended though nobody had told it to. */
  onCrash(text: string): void
}

/** Begun anew whenever it ends by itself, which is a mistake. */
function createWorker({
  begin,
  isReady,
  onCrash,
  name,
}: WorkerOptions): Worker & { readonly child: ChildProcess | undefined } {
  const sampler = createSampler()
  let child: ChildProcess | undefined
  let wanted = false
  let errors = ''
  /** Since it was last ready. */
  let crashes = 0

  function start(): void {
    wanted = true
    const mine = begin()
    const kill = (): void => void mine.kill('SIGKILL')
    process.once('exit', kill)
    child = mine
    errors = ''
    mine.stderr?.setEncoding('utf8').on('data', (text: string) => {
      errors = (errors + text).slice(-4000)
    })
    mine.once('exit', (code, signal) => {
      process.removeListener('exit', kill)
      if (child === mine) child = undefined
      if (!wanted) return
      crashes++
      onCrash(`${name} ended by itself (${signal ?? code}): ${errors}`)
      setTimeout(() => wanted && child === undefined && start(), 1000)
    })
  }

  return {
    sampler,
    start,
    get pid() {
      return child?.pid
    },
    get child() {
      return child
    },
    async ready() {
      while (child === undefined || !(await isReady(child).catch(() => false))) {
        if (crashes >= 5) throw new Error(`${name} doesn't start`)
        await sleep(50)
      }
      crashes = 0
    },
    async stop(signal) {
      wanted = false
      const mine = child
      if (mine === undefined) return
      const ended = once(mine, 'exit')
      sampler.sample(mine.pid)
      mine.kill(signal)
      const late = setTimeout(() => {
        onCrash(`${name} didn't end within 60 s of ${signal}`)
        mine.kill('SIGKILL')
      }, 60_000)
      await ended
      clearTimeout(late)
    },
  }
}

/** A process of this program's own, with what it says. */
export interface Talker<In, Out> extends Worker {
  send(message: In): void
  onMessage(listener: (message: Out) => void): void
}

export function createTalker<In extends object, Out extends { readonly type: string }>(
  name: string,
  module: string,
  order: () => unknown,
  onCrash: (text: string) => void,
): Talker<In, Out> {
  const listeners: ((message: Out) => void)[] = []
  const ready = new WeakSet<ChildProcess>()
  const worker = createWorker({
    name,
    onCrash,
    begin() {
      const child = fork(new URL(module, import.meta.url), [JSON.stringify(order())], {
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
        execArgv: ['--enable-source-maps'],
      })
      child.on('message', (message: Out) => {
        if (message.type === 'ready') ready.add(child)
        for (const listener of listeners) listener(message)
      })
      return child
    },
    isReady: async (child) => ready.has(child),
  })
  return Object.assign(worker, {
    send(message: In) {
      // One that has just been killed hears nothing; who waits for an answer asks again.
      worker.child?.send(message as Serializable, () => {})
    },
    onMessage(listener: (message: Out) => void) {
      listeners.push(listener)
    },
  })
}

const packageFile = createRequire(import.meta.url).resolve('susten/package.json')
const grimsel = join(dirname(packageFile), 'dist/cli/grimsel.js')

/** The daemon. */
export function createGrimsel(config: string, control: string, onCrash: (text: string) => void): Worker {
  return createWorker({
    name: 'Grimsel',
    onCrash,
    begin: () => spawn(process.execPath, [grimsel, 'run', '--config', config], { stdio: ['ignore', 'ignore', 'pipe'] }),
    async isReady({ pid }) {
      const version = (await callControl(control, 'version')) as { readonly pid: number; readonly phase: string }
      return version.pid === pid && version.phase === 'running'
    },
  })
}
