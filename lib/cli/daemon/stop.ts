/** `stop`, `restart`. */
import { callControl } from '../../control/index.js'
import { type DaemonBasics, inFile } from '../../daemon/index.js'
import { SustenError } from '../../errors.js'
import { type Arguments, type Command, CommandError, UsageError } from '../command.js'
import { noPositionals } from '../positionals.js'
import { inWords, isAbsent } from './client.js'
import { exitCodeOf, linesOf } from './exit-codes.js'
import { configOption, type FoundConfig, placeOptions } from './place.js'
import { birthOf, exitSoon, hasEnded } from './processes.js'
import type { DaemonProgram } from './program.js'
import { startDaemon } from './start.js'

const nowHelp = `  --now               don't wait for what is under way; the next start makes it anew
  --timeout SECONDS   for how long its end is waited for (default 60)`
const stopOptions = { now: { type: 'boolean' }, timeout: { type: 'string' } } as const

export function stopCommand<C, S extends DaemonBasics>({ name, place }: DaemonProgram<C, S>): Command {
  return {
    name: ['stop'],
    summary: 'stop the daemon, and wait until it has ended',
    usage: '[-c FILE] [--now] [--timeout SECONDS]',
    help: `What moves is finished, for 20 s at most. It is no error if it doesn't run.

Options:
${place.placeHelp}
${nowHelp}`,
    options: { ...placeOptions, ...stopOptions },
    async run(args, { out }) {
      noPositionals(args)
      const wasRunning = await stopDaemon(name, await place.socketOf(args), args)
      await out.write(wasRunning ? `${name} has stopped\n` : `${name} isn't running\n`)
      await out.end()
      return 0
    },
  }
}

export function restartCommand<C extends { readonly controlSocket: string }, S extends DaemonBasics>(
  program: DaemonProgram<C, S>,
): Command {
  const { name, place, extra, restartHelp, hold } = program
  return {
    name: ['restart'],
    summary: 'stop the daemon, if it runs, and start it',
    usage: `[-c FILE]${extra.usage} [--now] [--timeout SECONDS]`,
    help: `${restartHelp}
Under systemd use 'systemctl restart ${name}' instead.

Options:
${extra.help}${place.configHelp}
${nowHelp}`,
    options: { ...extra.options, ...configOption, ...stopOptions },
    async run(args, streams) {
      noPositionals(args)
      const { found, words } = await before(program, args)
      const { controlSocket } = found.config
      const release = hold(found.config)
      try {
        await stopDaemon(name, controlSocket, args)
        return await startDaemon(program, found, words, streams)
      } finally {
        release()
      }
    },
  }
}

/** A daemon that runs isn't stopped where the next one couldn't start. */
async function before<C extends { readonly controlSocket: string }, S extends DaemonBasics>(
  { name, place, extra, check }: DaemonProgram<C, S>,
  args: Arguments,
): Promise<{ readonly found: FoundConfig<C>; readonly words: readonly string[] }> {
  try {
    const found = await place.readConfig(args)
    const words = extra.words(found.config, args, true)
    await checkUnsupervised(name, found.config.controlSocket, words.length > 0 ? `; ${extra.instead}` : '')
    await check(found, words).catch((error: unknown) => {
      exitSoon()
      throw inFile(found.file, error)
    })
    return { found, words }
  } catch (error) {
    if (!(error instanceof SustenError || error instanceof CommandError)) throw error
    const isTold = error instanceof CommandError
    const [lines, exitCode] = isTold ? [error.lines, error.exitCode] : [linesOf(error), exitCodeOf(error)]
    throw new CommandError([...lines, 'nothing was stopped'], { exitCode, cause: error })
  }
}

/** Whoever started it would start it once more, beside the new one. */
async function checkUnsupervised(name: string, socket: string, hint: string): Promise<void> {
  const status = await callControl(socket, 'status').catch(() => undefined)
  if (typeof status === 'object' && status !== null && 'supervised' in status && status.supervised === true) {
    throw new CommandError(`systemd runs it: use 'systemctl restart ${name}'${hint}`, { exitCode: 1 })
  }
}

/** @returns whether it was running */
async function stopDaemon(name: string, socket: string, { values }: Arguments): Promise<boolean> {
  const patience = seconds(values['timeout']) * 1000
  let pid: number
  let birth: string | undefined
  try {
    pid = pidOf(await callControl(socket, 'version'))
    birth = birthOf(pid)
    await callControl(socket, 'stop', { now: values['now'] === true }).catch(unlessGone)
  } catch (error) {
    if (isAbsent(error)) return false
    throw inWords(name, error)
  }
  if (await hasEnded(pid, birth, patience)) return true
  const why = `process ${pid} hasn't ended within ${patience / 1000} s; 'kill -9 ${pid}' ends it safely`
  throw new CommandError(why, { exitCode: 1 })
}

/** It may be on its way out already. */
function unlessGone(error: unknown): void {
  if (isAbsent(error) || (error instanceof SustenError && error.code === 'ECONNRESET')) return
  throw error
}

function pidOf(answer: unknown): number {
  if (typeof answer === 'object' && answer !== null && 'pid' in answer && typeof answer.pid === 'number') {
    return answer.pid
  }
  throw new CommandError('the daemon gives no process number', { exitCode: 1 })
}

function seconds(value: string | boolean | undefined): number {
  const given = value === undefined ? 60 : Number(value)
  if (given > 0 && given <= 86_400) return given
  throw new UsageError('--timeout takes a number of seconds')
}
