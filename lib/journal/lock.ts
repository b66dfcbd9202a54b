/** The lock that keeps a second process, or a second opening in this one, away from a journal. */
import { type ByteString, bytesOfText } from '../bytes.js'

/** Takes the lock; the function gives it back. Rejects with `ERR_SUSTEN_LOCKED`, which names the holder. */
export async function lockJournal(directory: string): Promise<() => void> {
  // Loaded here, so that only who writes needs the addon.
  const { lockWith } = await import('../file-lock.js')
  const path = bytesOfText(directory)
  return lockWith(`${path}/lock` as ByteString, path, 'the journal')
}
