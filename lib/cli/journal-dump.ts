/** `susten journal dump`: everything that a journal holds, as lines of JSON. docs/JOURNAL.md describes them. */
import { type ByteString, bufferOfBytes, textOfBytes } from '../bytes.js'
import type { CopyRecord, Failure, FileRecord, TierRecord } from '../core/record.js'
import { type Journal, openJournal, salvageJournal } from '../journal/index.js'
import { jsonLine } from '../json-lines.js'
import { type Command, UsageError } from './command.js'

export const journalDump: Command = {
  name: ['journal', 'dump'],
  summary: 'print a journal as lines of JSON',
  usage: '[--salvage] DIRECTORY',
  help: `Prints what the journal in DIRECTORY holds: a line about the journal, one for each
value, one for each file in the order of announcement. Works beside a process that
has the journal open.

Options:
  --salvage   print what can still be read of a damaged journal; what is wrong goes
              to standard error, and the exit code is 1`,
  options: { salvage: { type: 'boolean' } },
  async run({ values, positionals }, { out, warn }) {
    const [directory, ...more] = positionals
    if (directory === undefined || more.length > 0) throw new UsageError('one directory is needed')
    const damages: string[] = []
    const journal = values['salvage']
      ? await salvageJournal(directory, (damage) => damages.push(damage.message))
      : await openJournal({ directory, readOnly: true })
    for (const damage of damages) await warn(damage)
    for await (const line of linesOf(journal)) {
      if (!(await out.write(line))) break
    }
    await out.end()
    return damages.length === 0 ? 0 : 1
  },
}

async function* linesOf(journal: Journal): AsyncGenerator<string> {
  const { records, bytes, live, segments } = journal.stats()
  yield jsonLine({ type: 'journal', id: journal.id, directory: journal.directory, records, bytes, live, segments })
  for (const key of journal.keys()) yield jsonLine({ type: 'value', key, value: journal.value(key) })
  for await (const record of journal.files()) yield jsonLine(fileLine(record))
}

function fileLine(record: FileRecord): object {
  const { seq, path, cut, shift, announced, copies, tiers } = record
  const lines = { copies: copies.map(stateLine), ...(tiers !== undefined && { tiers: tiers.map(stateLine) }) }
  return { type: 'file', seq, ...named('path', path), cut, shift, announced, ...lines }
}

function stateLine(state: CopyRecord | TierRecord): object {
  return state.failure === undefined ? state : { ...state, failure: failureLine(state.failure) }
}

function failureLine(failure: Failure): object {
  const { path, dest, ...rest } = failure
  return { ...rest, ...named('path', path), ...(dest !== undefined && named('dest', dest)) }
}

/** A path as text, and as Base64 where text can't say it. */
function named(key: 'path' | 'dest', path: ByteString): object {
  const text = textOfBytes(path)
  const isExact = Buffer.from(text, 'utf8').equals(bufferOfBytes(path))
  return { [key]: text, ...(!isExact && { [`${key}Base64`]: bufferOfBytes(path).toString('base64') }) }
}
