/** `grimsel status`. */
import { callControl } from '../../control/index.js'
import { type DaemonStatus, pidFileOf, readPidFile } from '../../grimsel/daemon/index.js'
import { jsonLine } from '../../json-lines.js'
import { type Command, CommandError, type Streams } from '../command.js'
import { follow, isAbsent } from './daemon-client.js'
import { statusCodes } from './exit-codes.js'
import { noPositionals, placeHelp, placeOptions, socketOf } from './place.js'
import { statusText } from './status-text.js'

export const status: Command = {
  name: ['status'],
  summary: 'tell whether it runs, and how it is',
  usage: '[-c FILE] [--json] [--watch]',
  help: `Exit codes: 0 it runs, 1 it is dead and its pid file is there, 3 it doesn't run,
4 unknown.

Options:
${placeHelp}
  --json              as JSON, on one line
  -w, --watch         again every second, until it ends or is interrupted`,
  options: { ...placeOptions, json: { type: 'boolean' }, watch: { type: 'boolean', short: 'w' } },
  async run(args, streams) {
    noPositionals(args)
    const show = args.values['json'] === true ? jsonLine : statusText
    let socket: string
    try {
      socket = await socketOf(args)
    } catch (error) {
      // Where the daemon would be isn't known.
      if (!(error instanceof CommandError)) throw error
      throw new CommandError(error.lines, { exitCode: statusCodes.unknown, cause: error })
    }
    try {
      if (args.values['watch'] === true) return await watch(socket, show, streams)
      await streams.out.write(show((await callControl(socket, 'status')) as DaemonStatus))
      await streams.out.end()
      return statusCodes.running
    } catch (error) {
      if (isAbsent(error)) return absent(socket, streams)
      const { message } = error instanceof Error ? error : new Error(String(error))
      throw new CommandError(message, { exitCode: statusCodes.unknown, cause: error })
    }
  },
}

async function absent(socket: string, { out }: Streams): Promise<number> {
  const pid = readPidFile(pidFileOf(socket))
  await out.write(
    pid === undefined ? "grimsel isn't running\n" : `grimsel is dead: process ${pid} didn't end as it should\n`,
  )
  await out.end()
  return pid === undefined ? statusCodes.notRunning : statusCodes.deadWithPidFile
}

async function watch(
  socket: string,
  show: (status: DaemonStatus) => string,
  { out, isTerminal }: Streams,
): Promise<number> {
  // Home, and away with what is below.
  const clear = isTerminal && show === statusText ? '\x1b[H\x1b[J' : ''
  for await (const one of follow(socket, 'watch')) {
    const isRead = await out.write(`${clear}${show(one as DaemonStatus)}`)
    await out.end()
    if (!isRead) break
  }
  return statusCodes.running
}
