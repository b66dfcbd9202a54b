/** `start`: the daemon in the background. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { callControl } from '../../control/index.js'
import type { DaemonBasics } from '../../daemon/index.js'
import { type Command, CommandError, type Streams } from '../command.js'
import { noPositionals } from '../positionals.js'
import { inWords, isAbsent } from './client.js'
import { configOption, type FoundConfig } from './place.js'
import type { DaemonProgram } from './program.js'

interface Configured {
  readonly controlSocket: string
}

export function startCommand<C extends Configured, S extends DaemonBasics>(program: DaemonProgram<C, S>): Command {
  const { name, place, extra } = program
  return {
    name: ['start'],
    summary: 'start the daemon, and wait until it runs',
    usage: `[-c FILE]${extra.usage}`,
    help: `Starts the daemon in the background and waits until it is ready. It is no error if it
runs already. Under systemd use 'systemctl start ${name}' instead.

Options:
${extra.help}${place.configHelp}`,
    options: { ...extra.options, ...configOption },
    async run(args, streams) {
      noPositionals(args)
      const found = await place.readConfig(args)
      return await startDaemon(program, found, extra.words(found.config, args, false), streams)
    },
  }
}

/** Characters of the daemon's errors that are told. */
const mostErrors = 65_536

/** @param words What `run` is given besides the configuration. */
export async function startDaemon<C extends Configured, S extends DaemonBasics>(
  { name, entry, extra }: DaemonProgram<C, S>,
  { file, config, notes }: FoundConfig<C>,
  words: readonly string[],
  { out, warn }: Streams,
): Promise<number> {
  const isThere = (): Promise<boolean> => answers(name, config.controlSocket)
  if (await isThere()) return runsAlready()
  for (const { text } of notes) await warn(text)
  const { code, pid, errors } = await launch(entry, ['run', '--config', file, ...words])
  if (code === undefined) return tell(`is running (process ${pid})`)
  // Somebody else was quicker.
  if (await isThere()) return runsAlready()
  const lines = errors
    .trim()
    .split('\n')
    .map((line) => (line.startsWith(`${name}: `) ? line.slice(name.length + 2) : line))
  throw new CommandError(lines[0] === '' ? `it ended at once, with code ${code}` : lines, { exitCode: code })

  function runsAlready(): Promise<number> {
    if (words.length === 0) return tell('is running already')
    const why = `it is running already, and goes on as before; ${extra.instead}, '${name} restart' the rest`
    throw new CommandError(why, { exitCode: 1 })
  }

  async function tell(what: string): Promise<number> {
    await out.write(`${name} ${what}\n`)
    await out.end()
    return 0
  }
}

async function answers(program: string, socket: string): Promise<boolean> {
  try {
    await callControl(socket, 'version')
    return true
  } catch (error) {
    if (isAbsent(error)) return false
    throw inWords(program, error)
  }
}

interface Launched {
  /** Undefined if it runs. */
  readonly code: number | undefined
  readonly pid: number
  readonly errors: string
}

async function launch(entry: URL, args: readonly string[]): Promise<Launched> {
  const { NOTIFY_SOCKET: _, WATCHDOG_USEC: __, WATCHDOG_PID: ___, ...env } = process.env
  const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(entry), ...args, '--notify-fd', '3'], {
    cwd: '/',
    env,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  })
  const [errors, news] = [child.stderr, child.stdio[3]] as [Readable, Readable]
  let text = ''
  errors.setEncoding('utf8').on('data', (some: string) => {
    if (text.length < mostErrors) text += some
  })
  const code = await Promise.race([once(news, 'data').then(() => undefined), ending(child)])
  errors.destroy()
  news.destroy()
  child.unref()
  return { code, pid: child.pid ?? 0, errors: text }
}

/** Resolves to the exit code once all that it wrote is read. */
async function ending(child: ChildProcess): Promise<number> {
  const [code] = (await once(child, 'close')) as [number | null]
  return code === null || code === 0 ? 1 : code
}
