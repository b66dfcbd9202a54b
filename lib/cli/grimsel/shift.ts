/** `grimsel shift`: the next user's turn. */
import { SustenError } from '../../errors.js'
import { parseUser, type UserChange } from '../../user/index.js'
import { type Command, UsageError } from '../command.js'
import { ask } from './daemon-client.js'
import { noPositionals, placeHelp, placeOptions, socketOf } from './place.js'

export const shift: Command = {
  name: ['shift'],
  summary: "begin the next user's shift",
  usage: '-u [UID]:[GID]:[DIRECTORY] [-c FILE]',
  help: `Files that are announced from now on belong to the new shift. Those of the former one
leave the buffer as soon as they are safe.

Options:
  -u, --user [UID]:[GID]:[DIRECTORY]
                      the user's numbers, and a directory below the buffer. What is left
                      out stays as it is, the directory only if the UID does ('.': none)
${placeHelp}`,
  options: { ...placeOptions, user: { type: 'string', short: 'u' } },
  async run(args, { out }) {
    noPositionals(args)
    const user = userOf(args.values['user'])
    const answer = (await ask(await socketOf(args), 'shift', user)) as { readonly shift: number }
    await out.write(`shift ${answer.shift} has begun\n`)
    await out.end()
    return 0
  },
}

function userOf(value: string | boolean | undefined): UserChange {
  if (typeof value !== 'string') throw new UsageError('-u [UID]:[GID]:[DIRECTORY] is needed')
  try {
    return parseUser(value)
  } catch (error) {
    throw error instanceof SustenError ? new UsageError(error.message) : error
  }
}
