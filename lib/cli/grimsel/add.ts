/** `grimsel add`: announces files. */
import { lstatSync } from 'node:fs'
import { counted } from '../../counted.js'
import { type Command, type Streams, UsageError } from '../command.js'
import { ask } from './daemon-client.js'
import { placeHelp, placeOptions, socketOf } from './place.js'
import { readRecords } from './records.js'

export const add: Command = {
  name: ['add'],
  summary: 'announce files, so that they are copied',
  usage: '[-c FILE] [-0] FILE… | -',
  help: `Returns when they are journaled: they will be copied, whatever happens. What follows a
/./ in a path is recreated below a target. Relative paths begin at the working directory.
'-' takes them from standard input, one a line. Files that aren't there, and paths that
can't be taken, are told; the others are announced, and the exit code is 1.

Options:
  -0, --null          paths on standard input end with a NUL byte, not with a line feed
${placeHelp}`,
  options: { ...placeOptions, null: { type: 'boolean', short: '0' } },
  async run(args, streams) {
    const { positionals, values } = args
    if (positionals.length === 0) throw new UsageError("files are needed, or '-' for standard input")
    const socket = await socketOf(args)
    const end = values['null'] === true ? 0 : 10
    const given =
      positionals.length === 1 && positionals[0] === '-' ? readRecords(process.stdin, end) : texts(positionals)
    const { added, refused, missing } = await announceAll(socket, given, streams)
    await streams.out.write(`${counted(added, 'file')} announced\n`)
    await streams.out.end()
    return refused + missing === 0 ? 0 : 1
  },
}

/** Characters and paths of a request: what the daemon works on at a stretch. */
const mostCharacters = 100_000
const mostPaths = 1000
/** Missing files that are told by name. */
const mostNamed = 100

async function announceAll(
  socket: string,
  given: AsyncIterable<Buffer> | Iterable<Buffer>,
  { warn }: Streams,
): Promise<{ added: number; refused: number; missing: number }> {
  const total = { added: 0, refused: 0, missing: 0 }
  let isAsked = false
  let batch: (string | { base64: string })[] = []
  let characters = 0

  async function send(): Promise<void> {
    // Whether there is a daemon is asked in any case.
    if (batch.length === 0 && isAsked) return
    isAsked = true
    const answer = (await ask(socket, 'add', { paths: batch }, { timeout: 600_000 })) as Answer
    batch = []
    characters = 0
    total.added += answer.added
    total.refused += answer.refused
    for (const { message } of answer.reasons) await warn(message)
    const more = answer.refused - answer.reasons.length
    if (more > 0) await warn(`${counted(more, 'more was', 'more were')} refused`)
  }

  for await (const path of given) {
    if (path.length === 0) continue
    const whole = absolute(path)
    const wire = wirePath(whole)
    if (isMissing(whole)) {
      total.missing += 1
      if (total.missing <= mostNamed) await warn(`${whole.toString()}: there is no such file; it was not announced`)
      continue
    }
    batch.push(wire)
    characters += 16 + JSON.stringify(wire).length
    if (characters > mostCharacters || batch.length >= mostPaths) await send()
  }
  await send()
  const unnamed = total.missing - mostNamed
  if (unnamed > 0) await warn(`${counted(unnamed, 'more is', 'more are')} missing, and not announced`)
  return total
}

/** What can't be looked at for another reason is the daemon's to judge. */
function isMissing(path: Buffer): boolean {
  try {
    lstatSync(path)
    return false
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    return code === 'ENOENT' || code === 'ENOTDIR'
  }
}

interface Answer {
  readonly added: number
  readonly refused: number
  readonly reasons: readonly { readonly message: string }[]
}

function* texts(positionals: readonly string[]): Generator<Buffer> {
  for (const text of positionals) {
    // Node has lost the bytes by now.
    if (text.includes('\ufffd'))
      throw new UsageError(`'${text}' isn't UTF-8: give it by standard input, 'grimsel add -'`)
    yield Buffer.from(text)
  }
}

/** The daemon has another working directory. A `./` at the beginning says nothing of a replicate root. */
function absolute(path: Buffer): Buffer {
  const bytes = path.toString('latin1')
  if (bytes.startsWith('/')) return path
  return Buffer.concat([Buffer.from(`${process.cwd()}/`), Buffer.from(bytes.replace(/^(\.\/+)+/, ''), 'latin1')])
}

function wirePath(path: Buffer): string | { base64: string } {
  const text = path.toString('utf8')
  return text.includes('\ufffd') ? { base64: path.toString('base64') } : text
}
