/** `grimsel stop`, `grimsel restart`. */
import { closeSync, constants, openSync } from 'node:fs'
import { callControl } from '../../control/index.js'
import { SustenError } from '../../errors.js'
import { type Arguments, type Command, CommandError, type Streams, UsageError } from '../command.js'
import { inWords, isAbsent } from './daemon-client.js'
import {
  configFile,
  configHelp,
  configOption,
  noPositionals,
  placeHelp,
  placeOptions,
  readConfig,
  socketOf,
} from './place.js'
import { birthOf, hasEnded } from './processes.js'
import { startDaemon } from './start.js'

const nowHelp = `  --now               don't wait for copies under way; the next start makes them anew
  --timeout SECONDS   for how long its end is waited for (default 60)`
const stopOptions = { now: { type: 'boolean' }, timeout: { type: 'string' } } as const

export const stop: Command = {
  name: ['stop'],
  summary: 'stop the daemon, and wait until it has ended',
  usage: '[-c FILE] [--now] [--timeout SECONDS]',
  help: `Copies that move are finished, for 20 s at most. It is no error if it doesn't run.

Options:
${placeHelp}
${nowHelp}`,
  options: { ...placeOptions, ...stopOptions },
  async run(args, streams) {
    noPositionals(args)
    const socket = await socketOf(args)
    const wasRunning = await stopDaemon(socket, args)
    await streams.out.write(wasRunning ? 'grimsel has stopped\n' : "grimsel isn't running\n")
    await streams.out.end()
    return 0
  },
}

export const restart: Command = {
  name: ['restart'],
  summary: 'stop the daemon, if it runs, and start it',
  usage: '[-c FILE] [--now] [--timeout SECONDS]',
  help: `Writers of the file pipe wait meanwhile; the shift and all that is pending go on.
Under systemd use 'systemctl restart grimsel' instead.

Options:
${configHelp}
${nowHelp}`,
  options: { ...configOption, ...stopOptions },
  async run(args, streams: Streams) {
    noPositionals(args)
    const file = configFile(args)
    // A configuration that is wrong doesn't stop the daemon that runs by the former one.
    const { controlSocket, filePipe } = (await readConfig(file)).config
    await checkUnsupervised(controlSocket)
    const held = holdPipe(filePipe)
    try {
      await stopDaemon(controlSocket, args)
      return await startDaemon(file, streams)
    } finally {
      if (held !== undefined) closeSync(held)
    }
  },
}

/** With somebody at its reading end, writers of the pipe wait, and what is in it stays. */
function holdPipe(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW)
  } catch {
    // There is none yet, or somebody else's: the daemon will say what is wrong with it.
    return undefined
  }
}

/** Whoever started it would start it once more, beside the new one. */
async function checkUnsupervised(socket: string): Promise<void> {
  const status = await callControl(socket, 'status').catch(() => undefined)
  if (typeof status === 'object' && status !== null && 'supervised' in status && status.supervised === true) {
    throw new CommandError("systemd runs it: use 'systemctl restart grimsel'", { exitCode: 1 })
  }
}

/** @returns whether it was running */
async function stopDaemon(socket: string, { values }: Arguments): Promise<boolean> {
  const patience = seconds(values['timeout']) * 1000
  let pid: number
  let birth: string | undefined
  try {
    pid = pidOf(await callControl(socket, 'version'))
    birth = birthOf(pid)
    await callControl(socket, 'stop', { now: values['now'] === true }).catch(unlessGone)
  } catch (error) {
    if (isAbsent(error)) return false
    throw inWords(error)
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
