/** A daemon as its users have it: a program, a configuration, and what it says. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { callControl } from '#lib/control/index.js'
import { until } from './pipe-world.js'

const packageFile = createRequire(import.meta.url).resolve('susten/package.json')

export interface Ended {
  /** Null if a signal ended it. */
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** Where a daemon is. */
interface Places {
  readonly config: string
  readonly socket: string
  readonly log: string
}

export interface DaemonProcess<S> extends Places {
  /** Runs the program with `--config` and something on its standard input, to its end. */
  fed(input: string | Buffer, ...args: string[]): Promise<Ended>
  /** Starts the program, which ends with the test. `by`: a command that runs it, with its options. */
  begin(args: readonly string[], env?: NodeJS.ProcessEnv, by?: readonly string[]): ChildProcess
  /** What the daemon says of itself. */
  status(): Promise<S>
  /** Lines of the log. */
  lines(): Record<string, unknown>[]
  pid(): number | undefined
}

/** Ends the daemon of a control socket with the test, before what is undone later. `socket` is asked for by then. */
export const endWith = (t: TestContext, socket: () => string): void => t.after(() => end(pidIn(`${socket()}.pid`)))

export function daemonProcess<S>(t: TestContext, name: 'grimsel' | 'furka', places: Places): DaemonProcess<S> {
  const { config, socket, log } = places
  const program = join(dirname(packageFile), `dist/cli/${name}.js`)

  function begin(args: readonly string[], env: NodeJS.ProcessEnv = {}, by: readonly string[] = []): ChildProcess {
    const [command = '', ...rest] = [...by, process.execPath, program, ...args]
    const child = spawn(command, rest, { stdio: 'pipe', env: { ...process.env, ...env } })
    t.after(() => child.kill('SIGKILL'))
    return child
  }

  async function fed(input: string | Buffer, ...args: string[]): Promise<Ended> {
    const [command = '', ...rest] = args
    const child = begin([command, '--config', config, ...rest])
    const output = { out: '', err: '' }
    child.stdout?.setEncoding('utf8').on('data', (some: string) => {
      output.out += some
    })
    child.stderr?.setEncoding('utf8').on('data', (some: string) => {
      output.err += some
    })
    child.stdin?.on('error', () => {}).end(input)
    const [code] = (await once(child, 'close')) as [number | null]
    return { code, ...output }
  }

  return {
    ...places,
    fed,
    begin,
    status: async () => (await callControl(socket, 'status')) as S,
    lines: () =>
      readFileSync(log, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    pid: () => pidIn(`${socket}.pid`),
  }
}

function pidIn(file: string): number | undefined {
  try {
    return Number(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}

async function end(pid: number | undefined): Promise<void> {
  if (pid === undefined || !isThere(pid)) return
  process.kill(pid, 'SIGKILL')
  await until(() => !isThere(pid))
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/^\d+ \(.*\) Z/s.test(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return false
  }
}
