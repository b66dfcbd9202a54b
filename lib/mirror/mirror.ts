/** A source directory, copied to any number of storages, continuously. */
import { abortError } from '../engine/index.js'
import { faceOf } from './face.js'
import { openSessionJournal } from './journal.js'
import { completeMirrorOptions } from './options.js'
import { openSession } from './session.js'
import type { Mirror, MirrorOptions } from './types.js'

/**
 * Opens a Mirror: locks its journal, goes on with what is pending there, and begins to watch.
 * @throws SustenError `ERR_SUSTEN_OPTION`: a wrong option; `ERR_SUSTEN_LOCKED`: another process has the journal;
 *   the journal's other errors; `ENOENT` or `ENOTDIR`: there is no source directory; `ABORT_ERR`
 */
export async function openMirror(options: MirrorOptions): Promise<Mirror> {
  const complete = completeMirrorOptions(options)
  if (complete.signal?.aborted) throw abortError(complete.signal)
  const { journal, claim } = await openSessionJournal(complete, options.journal !== undefined)
  const session = await openSession(complete, journal, claim)
  const mirror: Mirror = { ...faceOf(session, () => mirror), scan: session.scan }
  return mirror
}
