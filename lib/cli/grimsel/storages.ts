/** `grimsel pause`, `resume`, `accept`: what concerns a storage. */
import { type Command, UsageError } from '../command.js'
import { ask } from './daemon-client.js'
import { optionalOne, placeHelp, placeOptions, socketOf } from './place.js'

export const pause = switching('pause', 'paused', 'begin no more copies, on one storage or on all')
export const resume = switching('resume', 'resumed', 'go on after a pause')

function switching(method: 'pause' | 'resume', done: string, summary: string): Command {
  return {
    name: [method],
    summary,
    usage: '[STORAGE]',
    help: `Announcements are still taken, and space is still made. A restart resumes.

Options:
${placeHelp}`,
    options: placeOptions,
    async run(args, { out }) {
      const storage = optionalOne(args)
      await ask(await socketOf(args), method, storage === undefined ? {} : { storage })
      await out.write(`${done}\n`)
      await out.end()
      return 0
    },
  }
}

export const accept: Command = {
  name: ['accept'],
  summary: "take another file system for a storage's, after a disk was exchanged",
  usage: '[--no-recopy] STORAGE',
  help: `Copies what the buffer still has to it once more.

Options:
  --no-recopy         copy nothing again
${placeHelp}`,
  options: { ...placeOptions, 'no-recopy': { type: 'boolean' } },
  async run(args, { out }) {
    const storage = optionalOne(args)
    if (storage === undefined) throw new UsageError('a storage is needed')
    const recopy = args.values['no-recopy'] !== true
    await ask(await socketOf(args), 'accept', { storage, recopy }, { timeout: 600_000 })
    await out.write('accepted\n')
    await out.end()
    return 0
  },
}
