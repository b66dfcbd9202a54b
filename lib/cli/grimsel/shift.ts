/** `grimsel shift`: the next user's turn. */
import { type Command, UsageError } from '../command.js'
import { ask } from './daemon-client.js'
import { noPositionals, placeHelp, placeOptions, socketOf } from './place.js'

export const shift: Command = {
  name: ['shift'],
  summary: "begin the next user's shift",
  usage: '-u UID:GID[:DIRECTORY] [-c FILE]',
  help: `Files that are announced from now on belong to the new shift. Those of the former one
leave the buffer as soon as they are safe.

Options:
  -u, --user UID:GID[:DIRECTORY]
                      the user's numbers, and a directory below the buffer
${placeHelp}`,
  options: { ...placeOptions, user: { type: 'string', short: 'u' } },
  async run(args, { out }) {
    noPositionals(args)
    const user = parseUser(args.values['user'])
    const answer = (await ask(await socketOf(args), 'shift', user)) as { shift: number }
    await out.write(`shift ${answer.shift} has begun\n`)
    await out.end()
    return 0
  },
}

function parseUser(value: string | boolean | undefined): object {
  const [, uid, gid, userDirectory] = /^(\d{1,10}):(\d{1,10})(?::(.*))?$/s.exec(String(value ?? '')) ?? []
  if (uid === undefined || gid === undefined) throw new UsageError('-u UID:GID[:DIRECTORY] is needed, with numbers')
  const numbers = { uid: Number(uid), gid: Number(gid) }
  return userDirectory === undefined || userDirectory === '' ? numbers : { ...numbers, userDirectory }
}
