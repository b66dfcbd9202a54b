/** Running Python programs that use the clients. */
import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { scratch } from './tree.js'

/** The folder that is installed with pip. */
export const clientsFolder = fileURLToPath(new URL('../../../clients/python', import.meta.url))

/** Interpreters: `python3`, or those that the environment variable SUSTEN_PYTHONS lists, blanks between. */
export const pythons: readonly string[] = (process.env['SUSTEN_PYTHONS'] ?? 'python3').split(/\s+/)

/** A test for each interpreter. */
export function testPython(name: string, body: (t: TestContext, python: string) => Promise<void>): void {
  for (const python of pythons) {
    void test(pythons.length > 1 ? `${name} (${python})` : name, (t) => body(t, python))
  }
}

export interface Ended {
  /** Null if a signal ended it. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly ended: Promise<Ended>
  /** Resolves when the output has a text; rejects if the program ends without. */
  printed(text: string): Promise<void>
  /** Sends a line to its input. */
  tell(line: string): void
}

export interface Settings {
  /** Folders where modules are looked for. Default: the clients'. */
  readonly path?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Starts an interpreter, which ends with the test. */
export function startPython(t: TestContext, python: string, args: readonly string[], settings: Settings = {}): Running {
  const child = spawn(python, args, {
    stdio: 'pipe',
    env: {
      ...process.env,
      PYTHONPATH: settings.path ?? clientsFolder,
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONUNBUFFERED: '1',
      PYTHONIOENCODING: 'utf-8',
      ...settings.env,
    },
  })
  t.after(() => child.kill('SIGKILL'))
  const output = { stdout: '', stderr: '' }
  let look = (): void => {}
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (some: string) => {
      output[name] += some
      look()
    })
  }
  child.stdin.on('error', () => {})
  let isOver = false
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      isOver = true
      look()
      resolve({ code, ...output })
    })
  })
  return {
    ended,
    printed: (text) =>
      new Promise((resolve, reject) => {
        look = () => {
          if (output.stdout.includes(text)) resolve()
          else if (isOver) reject(new Error(`ended without '${text}': ${output.stdout}${output.stderr}`))
        }
        look()
      }),
    tell: (line) => child.stdin.write(`${line}\n`),
  }
}

/** Runs a program text to its end. */
export async function runPython(
  t: TestContext,
  python: string,
  program: string,
  args: readonly (string | number)[] = [],
  settings: Settings = {},
): Promise<Ended> {
  return startProgram(t, python, program, args, settings).ended
}

/** Starts a program text. */
export function startProgram(
  t: TestContext,
  python: string,
  program: string,
  args: readonly (string | number)[] = [],
  settings: Settings = {},
): Running {
  return startPython(t, python, ['-c', program, ...args.map(String)], settings)
}

/** A copy of the modules, with a program beside the examples: that imports them by `sys.path[0] + "/../"`. */
export async function besideExamples(t: TestContext, program: string): Promise<string> {
  const file = join(await scratch(t), 'grimsel/examples/program.py')
  cpSync(join(clientsFolder, 'dectris/grimsel'), dirname(dirname(file)), { recursive: true })
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, program)
  return file
}

/** A server of a test's own: one function for each connection, the last of them for all that follow. */
export async function oddServer(t: TestContext, ...turns: ((socket: Socket) => void)[]): Promise<number> {
  const sockets = new Set<Socket>()
  let count = 0
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    turns[Math.min(count++, turns.length - 1)]?.(socket)
  })
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
}
