/** `grimsel failures`, `retry`, `dismiss`: files that were given up. */
import { printable } from '../../config/index.js'
import { counted } from '../../counted.js'
import { jsonLine } from '../../json-lines.js'
import type { Arguments, Command } from '../command.js'
import { ask, follow } from './daemon-client.js'
import { optionalOne, placeHelp, placeOptions, socketOf } from './place.js'

const filterHelp = `  -s, --storage ID    only those of one storage
${placeHelp}`
const filterOptions = { ...placeOptions, storage: { type: 'string', short: 's' } } as const

interface Failure {
  readonly storage: string
  readonly path: string
  readonly dest: string
  readonly attempts: number
  readonly error: { readonly message: string }
}

export const failures: Command = {
  name: ['failures'],
  summary: 'list files whose copies were given up',
  usage: '[-s STORAGE] [--json] [FILE]',
  help: `One a line: storage, file and reason.

Options:
  --json              as lines of JSON
${filterHelp}`,
  options: { ...filterOptions, json: { type: 'boolean' } },
  async run(args, { out }) {
    const filter = filterOf(args)
    for await (const item of follow(await socketOf(args), 'failures', filter)) {
      const isRead = await out.write(args.values['json'] === true ? jsonLine(item) : line(item as Failure))
      if (!isRead) break
    }
    await out.end()
    return 0
  },
}

const line = ({ storage, path, attempts, error }: Failure): string =>
  `${printable(`${storage}: ${path}: ${error.message} (${counted(attempts, 'attempt')})`)}\n`

export const retry = treatment('retry', 'retried', 'try failed files again')
export const dismiss = treatment('dismiss', 'dismissed', 'forget failed files: their copies are not wanted any more')

function treatment(method: 'retry' | 'dismiss', done: string, summary: string): Command {
  return {
    name: [method],
    summary,
    usage: '[-s STORAGE] [FILE]',
    help: `All of them, or those of one storage, or one file.

Options:
${filterHelp}`,
    options: filterOptions,
    async run(args, { out }) {
      const answer = (await ask(await socketOf(args), method, filterOf(args))) as Record<string, number>
      await out.write(`${answer[done]} ${done}\n`)
      await out.end()
      return 0
    },
  }
}

function filterOf(args: Arguments): object {
  const path = optionalOne(args)
  const { storage } = args.values
  return { ...(storage === undefined ? {} : { storage }), ...(path === undefined ? {} : { path }) }
}
