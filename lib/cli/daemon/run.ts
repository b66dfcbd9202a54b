/** `run`: the daemon itself, in the foreground. */
import { closeSync, writeSync } from 'node:fs'
import type { Daemon, DaemonBasics } from '../../daemon/index.js'
import { SustenError } from '../../errors.js'
import { openNotifier, openStore } from '../../systemd/index.js'
import { packageVersion } from '../../version.js'
import { type Command, CommandError, UsageError } from '../command.js'
import { noPositionals } from '../positionals.js'
import { exitCodeOf, linesOf } from './exit-codes.js'
import { configOption } from './place.js'
import { exitSoon } from './processes.js'
import type { DaemonProgram } from './program.js'

export function runCommand<C, S extends DaemonBasics>({ name, place, extra, begin }: DaemonProgram<C, S>): Command {
  return {
    name: ['run'],
    summary: 'run in the foreground, for systemd',
    usage: `[-c FILE]${extra.usage} [--notify-fd N]`,
    help: `Runs until SIGTERM or SIGINT: then it takes nothing new, finishes what moves (20 s at
most), and ends. A second signal ends it at once; the next start goes on either way.
SIGHUP opens the log anew. Tells systemd when it is ready (Type=notify) and alive.

Options:
${extra.help}${place.configHelp}
  --notify-fd N       writes a line feed to this descriptor when it is ready`,
    options: { ...extra.options, ...configOption, 'notify-fd': { type: 'string' } },
    async run(args) {
      noPositionals(args)
      const fd = notifyFd(args.values['notify-fd'])
      const { file, ...loaded } = await place.readConfig(args)
      process.title = name
      process.umask(0o022)
      process.chdir('/')
      const supervised = process.env['NOTIFY_SOCKET'] !== undefined
      const warn = ({ message }: SustenError): void => process.emitWarning(message)
      const notifier = openNotifier(process.env, warn)
      const store = openStore(process.env, warn)
      const daemon = await begin(loaded, args, { file, version: packageVersion(), notifier, store, supervised })
      obeySignals(name, daemon)
      try {
        await daemon.ready
        if (fd !== undefined) tellReady(fd)
        await daemon.ended
      } catch (error) {
        await daemon.ended.catch(() => {})
        if (!(error instanceof SustenError)) throw error
        if (error.code !== 'ABORT_ERR')
          throw new CommandError(linesOf(error), { exitCode: exitCodeOf(error), cause: error })
      } finally {
        // Whatever was under way is in the journal.
        if (daemon.isStuck) process.kill(process.pid, 'SIGKILL')
        exitSoon()
      }
      return 0
    },
  }
}

function obeySignals(name: string, daemon: Daemon): void {
  let told = 0
  const stop = (): void => daemon.stop(++told > 1)
  process.on('SIGTERM', stop).on('SIGINT', stop)
  process.on('SIGHUP', () => daemon.reopenLog())
  // Whoever read it may be gone.
  process.stderr.on('error', () => {})
  process.on('uncaughtException', (error) => {
    daemon.crash(error)
    process.stderr.write(`${name}: ${error instanceof Error ? error.stack : String(error)}\n`)
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
