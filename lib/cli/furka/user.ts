/** `furka user`: whose the received files are. */
import type { DaemonStatus } from '../../furka/daemon/index.js'
import type { FurkaUser } from '../../furka/user.js'
import { jsonLine } from '../../json-lines.js'
import { type Command, CommandError } from '../command.js'
import { daemonClient } from '../daemon/client.js'
import { exitCodes } from '../daemon/exit-codes.js'
import { placeOptions } from '../daemon/place.js'
import { noPositionals } from '../positionals.js'
import { userHelp, userOf, userOption } from './given.js'
import { place } from './place.js'
import { userInWords } from './status-text.js'

const { ask } = daemonClient('furka')

export const user: Command = {
  name: ['user'],
  summary: "tell whose the files are, or begin another user's turn",
  usage: '[-u [UID]:[GID]:[DIRECTORY]] [-c FILE] [--json]',
  help: `Files that are complete at the detector by now belong to who was it until now, those
after it to the new one. Returns when that is journaled. Without -u it is told who it is.

Options:
${userHelp}  --json              as JSON, on one line
${place.placeHelp}`,
  options: { ...userOption, ...placeOptions, json: { type: 'boolean' } },
  async run(args, { out }) {
    noPositionals(args)
    const change = userOf(args)
    const socket = await place.socketOf(args)
    const now = change === undefined ? await current(socket) : await ask(socket, 'user', change, { timeout: 60_000 })
    await out.write(args.values['json'] === true ? jsonLine(now) : `${userInWords(now as FurkaUser)}\n`)
    await out.end()
    return 0
  },
}

async function current(socket: string): Promise<FurkaUser> {
  const { phase, furka } = (await ask(socket, 'status')) as DaemonStatus
  if (furka !== undefined) return furka.user
  throw new CommandError(`it is ${phase}; try again later`, { exitCode: exitCodes.failed })
}
