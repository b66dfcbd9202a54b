/** `grimsel run`: the daemon itself, in the foreground. */
import { closeSync, writeSync } from 'node:fs'
import { SustenError } from '../../errors.js'
import type { Daemon } from '../../grimsel/daemon/index.js'
import { openNotifier } from '../../systemd/index.js'
import { packageVersion } from '../../version.js'
import { type Command, CommandError, UsageError } from '../command.js'
import { exitCodeOf } from './exit-codes.js'
import { configFile, configHelp, configOption, noPositionals, readConfig } from './place.js'

/** Milliseconds after which nothing keeps the process any longer. */
const patience = 2000

export const run: Command = {
  name: ['run'],
  summary: 'run in the foreground, for systemd',
  usage: '[-c FILE] [--notify-fd N]',
  help: `Runs until SIGTERM or SIGINT: then it takes nothing new, copies what moves (20 s at
most), and ends. A second signal ends it at once; the next start goes on either way.
SIGHUP opens the log anew. Tells systemd when it is ready (Type=notify) and alive.

Options:
${configHelp}
  --notify-fd N       writes a line feed to this descriptor when it is ready`,
  options: { ...configOption, 'notify-fd': { type: 'string' } },
  async run(args) {
    noPositionals(args)
    const fd = notifyFd(args.values['notify-fd'])
    const file = configFile(args)
    const loaded = await readConfig(file)
    // Not before: the others need none of it.
    const { runDaemon } = await import('../../grimsel/daemon/index.js')
    process.title = 'grimsel'
    process.umask(0o022)
    process.chdir('/')
    const supervised = process.env['NOTIFY_SOCKET'] !== undefined
    const notifier = openNotifier(process.env, ({ message }) => process.emitWarning(message))
    const daemon = runDaemon({ loaded, file, version: packageVersion(), notifier, supervised })
    obeySignals(daemon)
    try {
      await daemon.ready
      if (fd !== undefined) tellReady(fd)
      await daemon.ended
    } catch (error) {
      await daemon.ended.catch(() => {})
      if (!(error instanceof SustenError)) throw error
      if (error.code !== 'ABORT_ERR')
        throw new CommandError(error.message, { exitCode: exitCodeOf(error), cause: error })
    } finally {
      // Whatever was under way is in the journal.
      if (daemon.isStuck) process.kill(process.pid, 'SIGKILL')
      setTimeout(() => process.exit(), patience).unref()
    }
    return 0
  },
}

function obeySignals(daemon: Daemon): void {
  let told = 0
  const stop = (): void => daemon.stop(++told > 1)
  process.on('SIGTERM', stop).on('SIGINT', stop)
  process.on('SIGHUP', () => daemon.reopenLog())
  // Whoever read it may be gone.
  process.stderr.on('error', () => {})
  process.on('uncaughtException', (error) => {
    daemon.crash(error)
    process.stderr.write(`grimsel: ${error instanceof Error ? error.stack : String(error)}\n`)
    process.exit(1)
  })
}

function notifyFd(value: string | boolean | undefined): number | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string' && /^\d{1,4}$/.test(value)) return Number(value)
  throw new UsageError("--notify-fd takes a descriptor's number")
}

function tellReady(fd: number): void {
  try {
    writeSync(fd, '\n')
    if (fd > 2) closeSync(fd)
  } catch {
    // Who wanted to know has gone.
  }
}
