/** A session's journal: opened, with a word of advice where its usual place can't be used, and checked to be its own. */
import type { ByteString } from '../bytes.js'
import { SustenError, withMessage } from '../errors.js'
import { type Journal, openJournal } from '../journal/index.js'
import { optionError } from '../options.js'
import type { CompleteMirrorOptions } from './options.js'

/** Key of the journal value that says what the journal is for. */
const ownerKey = 'mirror'

/** Its paths are below one source, and whether space is made decides what it knows of them. */
interface Owner {
  readonly source: ByteString
  /** Absent for a Mirror. */
  readonly kind?: 'grimsel'
}

/**
 * @param chosen The directory was given by the user, who knows where it comes from.
 * @returns `claim` takes the journal for this session, if it is nobody's
 */
export async function openSessionJournal(
  { journal: directory, source, space }: CompleteMirrorOptions,
  chosen: boolean,
): Promise<{ readonly journal: Journal; readonly claim: () => Promise<void> }> {
  const journal = await open(directory, chosen)
  const owner: Owner = space === undefined ? { source } : { source, kind: 'grimsel' }
  try {
    check(journal, owner)
  } catch (error) {
    await journal.close()
    throw error
  }
  return {
    journal,
    async claim() {
      if (journal.value(ownerKey) === undefined) await journal.apply([{ type: 'set', key: ownerKey, value: owner }])
    },
  }
}

async function open(directory: string, chosen: boolean): Promise<Journal> {
  try {
    return await openJournal({ directory })
  } catch (error) {
    if (chosen || !(error instanceof SustenError) || error.errno === 0) throw error
    throw withMessage(
      error,
      `${error.message}: the journal's usual place can't be used; give another by option 'journal'`,
    )
  }
}

function check(journal: Journal, { source, kind }: Owner): void {
  const owner = journal.value(ownerKey) as Owner | undefined
  if (owner === undefined || (owner.source === source && owner.kind === kind)) return
  const where = Buffer.from(owner.source, 'latin1').toString('utf8')
  const whose =
    owner.kind === kind
      ? `${kind === undefined ? 'source' : 'buffer'} ${where}`
      : `a ${nameOf(owner.kind)}, not of a ${nameOf(kind)}`
  throw optionError(`journal ${journal.directory} is that of ${whose}; give this one a journal of its own`)
}

const nameOf = (kind: Owner['kind']): string => (kind === undefined ? 'Mirror' : 'Grimsel')
