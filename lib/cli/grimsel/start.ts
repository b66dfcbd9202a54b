/** `grimsel start`: the daemon in the background. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { callControl } from '../../control/index.js'
import { type Command, CommandError, type Streams } from '../command.js'
import { inWords, isAbsent } from './daemon-client.js'
import { configFile, configHelp, configOption, noPositionals, readConfig } from './place.js'

export const start: Command = {
  name: ['start'],
  summary: 'start the daemon, and wait until it runs',
  usage: '[-c FILE]',
  help: `Starts the daemon in the background and waits until it is ready. It is no error if it
runs already. Under systemd use 'systemctl start grimsel' instead.

Options:
${configHelp}`,
  options: configOption,
  async run(args, streams) {
    noPositionals(args)
    return await startDaemon(configFile(args), streams)
  },
}

/** Characters of the daemon's errors that are told. */
const mostErrors = 65_536

export async function startDaemon(file: string, { out, warn }: Streams): Promise<number> {
  const { config, notes } = await readConfig(file)
  if (await isThere(config.controlSocket)) return tell('is running already')
  for (const { text } of notes) await warn(text)
  const { code, pid, errors } = await launch(file)
  if (code === undefined) return tell(`is running (process ${pid})`)
  // Somebody else was quicker.
  if (await isThere(config.controlSocket)) return tell('is running already')
  const lines = errors
    .trim()
    .replaceAll(/^grimsel: /gm, '')
    .split('\n')
  throw new CommandError(lines[0] === '' ? `it ended at once, with code ${code}` : lines, { exitCode: code })

  async function tell(what: string): Promise<number> {
    await out.write(`grimsel ${what}\n`)
    await out.end()
    return 0
  }
}

async function isThere(socket: string): Promise<boolean> {
  try {
    await callControl(socket, 'version')
    return true
  } catch (error) {
    if (isAbsent(error)) return false
    throw inWords(error)
  }
}

interface Launched {
  /** Undefined if it runs. */
  readonly code: number | undefined
  readonly pid: number
  readonly errors: string
}

async function launch(file: string): Promise<Launched> {
  const { NOTIFY_SOCKET: _, WATCHDOG_USEC: __, WATCHDOG_PID: ___, ...env } = process.env
  const entry = fileURLToPath(new URL('../grimsel.js', import.meta.url))
  const child = spawn(process.execPath, [...process.execArgv, entry, 'run', '--config', file, '--notify-fd', '3'], {
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
