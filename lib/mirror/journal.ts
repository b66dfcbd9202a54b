/** A session's journal: opened, with a word of advice where its usual place can't be used, and checked to be its own. */
import { SustenError, withMessage } from '../errors.js'
import { type Journal, openJournal } from '../journal/index.js'
import { checkOwner, claimJournal, type JournalOwner } from '../journal-owner.js'
import type { CompleteMirrorOptions } from './options.js'

/**
 * @param chosen The directory was given by the user, who knows where it comes from.
 * @returns `claim` takes the journal for this session, if it is nobody's
 */
export async function openSessionJournal(
  { journal: directory, source, space }: CompleteMirrorOptions,
  chosen: boolean,
): Promise<{ readonly journal: Journal; readonly claim: () => Promise<void> }> {
  const journal = await open(directory, chosen)
  // Its paths are below one source, and whether space is made decides what it knows of them.
  const owner: JournalOwner = space === undefined ? { source } : { source, kind: 'grimsel' }
  try {
    checkOwner(journal, owner)
  } catch (error) {
    await journal.close()
    throw error
  }
  return { journal, claim: () => claimJournal(journal, owner) }
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
