/** A Mirror's journal: opened, with a word of advice where its usual place can't be used. */
import { SustenError, withMessage } from '../errors.js'
import { type Journal, openJournal } from '../journal/index.js'

/** @param chosen The directory was given by the user, who knows where it comes from. */
export async function openMirrorJournal(directory: string, chosen: boolean): Promise<Journal> {
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
