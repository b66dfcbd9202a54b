/** `status`. */
import { callControl } from '../../control/index.js'
import { type DaemonBasics, pidFileOf, readPidFile } from '../../daemon/index.js'
import { jsonLine } from '../../json-lines.js'
import { type Command, CommandError, type Streams } from '../command.js'
import { noPositionals } from '../positionals.js'
import { daemonClient, isAbsent } from './client.js'
import { statusCodes } from './exit-codes.js'
import { placeOptions } from './place.js'
import type { DaemonProgram } from './program.js'

export function statusCommand<C, S extends DaemonBasics>({ name, place, statusText }: DaemonProgram<C, S>): Command {
  return {
    name: ['status'],
    summary: 'tell whether it runs, and how it is',
    usage: '[-c FILE] [--json] [--watch]',
    help: `Exit codes: 0 it runs, 1 it is dead and its pid file is there, 3 it doesn't run,
4 unknown.

Options:
${place.placeHelp}
  --json              as JSON, on one line
  -w, --watch         again every second, until it ends or is interrupted`,
    options: { ...placeOptions, json: { type: 'boolean' }, watch: { type: 'boolean', short: 'w' } },
    async run(args, streams) {
      noPositionals(args)
      const isJson = args.values['json'] === true
      const show = (status: unknown): string => (isJson ? jsonLine(status) : statusText(status as S))
      let socket: string
      try {
        socket = await place.socketOf(args)
      } catch (error) {
        // Where the daemon would be isn't known.
        if (!(error instanceof CommandError)) throw error
        throw new CommandError(error.lines, { exitCode: statusCodes.unknown, cause: error })
      }
      try {
        if (args.values['watch'] === true) return await watch(name, socket, show, !isJson, streams)
        await streams.out.write(show(await callControl(socket, 'status')))
        await streams.out.end()
        return statusCodes.running
      } catch (error) {
        if (isAbsent(error)) return absent(name, socket, streams)
        const { message } = error instanceof Error ? error : new Error(String(error))
        throw new CommandError(message, { exitCode: statusCodes.unknown, cause: error })
      }
    },
  }
}

async function absent(name: string, socket: string, { out }: Streams): Promise<number> {
  const pid = readPidFile(pidFileOf(socket))
  await out.write(
    pid === undefined ? `${name} isn't running\n` : `${name} is dead: process ${pid} didn't end as it should\n`,
  )
  await out.end()
  return pid === undefined ? statusCodes.notRunning : statusCodes.deadWithPidFile
}

async function watch(
  name: string,
  socket: string,
  show: (status: unknown) => string,
  isForPeople: boolean,
  { out, isTerminal }: Streams,
): Promise<number> {
  // Home, and away with what is below.
  const clear = isTerminal && isForPeople ? '\x1b[H\x1b[J' : ''
  for await (const status of daemonClient(name).follow(socket, 'watch')) {
    const isRead = await out.write(`${clear}${show(status)}`)
    await out.end()
    if (!isRead) break
  }
  return statusCodes.running
}
