/** The daemon `grimsel` as its users have it: a configuration, the program, and what it does. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { callControl } from '#lib/control/index.js'
import { mount, whyNot } from './mounts.js'
import { openRoot, until } from './pipe-world.js'

const packageFile = createRequire(import.meta.url).resolve('susten/package.json')
const program = join(dirname(packageFile), 'dist/cli/grimsel.js')

/** Why there can't be a daemon here; undefined if there can. For `skip`. */
export const whyNoDaemon = (): string | undefined => whyNot('tmpfs')

export interface Ended {
  /** Null if a signal ended it. */
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface DaemonWorld {
  readonly root: string
  /** Where files arrive. */
  readonly buffer: string
  /** Targets. */
  readonly disk: string
  readonly other: string
  readonly config: string
  readonly pipe: string
  readonly socket: string
  readonly log: string
  readonly statusPort: number
  readonly messagePort: number
  /** Runs the program with `--config`, to its end. */
  grimsel(...args: string[]): Promise<Ended>
  /** The same with something on its standard input. */
  fed(input: string | Buffer, ...args: string[]): Promise<Ended>
  /** Starts the program, which ends with the test. */
  begin(args: readonly string[], env?: NodeJS.ProcessEnv): ChildProcess
  /** What the daemon says of itself. */
  status(): Promise<Status>
  /** Lines of the log. */
  lines(): Record<string, unknown>[]
  pid(): number | undefined
}

/** As much of a status as tests look at. */
export interface Status {
  readonly phase: string
  readonly pid: number
  readonly pipe: { readonly announced: number; readonly refused: number; readonly bad: Record<string, number> }
  readonly grimsel: {
    readonly storages: readonly { readonly id: string; readonly state: string; readonly copied: number }[]
    readonly shifts: readonly { readonly number: number; readonly uid: number; readonly gid: number }[]
  }
}

/** A configuration of two storages in a directory of its own. `more`: further global lines. */
export async function daemonWorld(t: TestContext, more = ''): Promise<DaemonWorld> {
  let socket = ''
  const pid = (): number | undefined => pidIn(`${socket}.pid`)
  // Before its directories go.
  t.after(() => end(pid()))
  const root = await openRoot(t)
  const ramdisk = mount('tmpfs', 128 << 20)
  t.after(() => ramdisk.unmount())
  const buffer = join(ramdisk.path, 'buffer')
  const [disk, other] = [join(root, 'disk'), join(root, 'other')]
  for (const directory of [buffer, disk, other]) mkdirSync(directory)
  const [pipe, log] = [join(root, 'files'), join(root, 'log')]
  socket = join(root, 'control')
  const config = join(root, 'grimsel.conf')
  const [statusPort, messagePort] = await freePorts()
  writeFileSync(
    config,
    `${more}
logfile ${log}
ramdisk_mountpoint ${ramdisk.path}
buffer_directory ${buffer}
journal_directory ${join(root, 'journal')}
file_pipe ${pipe}
control_socket ${socket}
status_port ${statusPort}
message_port ${messagePort}
storageID disk
type INTERNAL
target ${disk}
n_copy_processes 2
storageID über:2
type OPTIONAL
target ${other}
n_copy_processes 2
`,
    { mode: 0o600 },
  )

  function begin(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
    const child = spawn(process.execPath, [program, ...args], { stdio: 'pipe', env: { ...process.env, ...env } })
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
    root,
    buffer,
    disk,
    other,
    config,
    pipe,
    socket,
    log,
    statusPort,
    messagePort,
    grimsel: (...args) => fed('', ...args),
    fed,
    begin,
    status: async () => (await callControl(socket, 'status')) as Status,
    lines: () =>
      readFileSync(log, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    pid,
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

/** Two ports that nobody has, as far as anyone can know. */
export async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()]
  const ports = await Promise.all(
    servers.map(async (server) => {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      return (server.address() as { port: number }).port
    }),
  )
  for (const server of servers) {
    server.close()
    await once(server, 'close')
  }
  return [ports[0] ?? 0, ports[1] ?? 0]
}
