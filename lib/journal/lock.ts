/** The lock that keeps a second process, or a second opening in this one, away from a journal. */
import { readFile } from 'node:fs/promises'
import { bytesOfText } from '../bytes.js'
import { fromThrown, SustenError } from '../errors.js'

/** Takes the lock; the function gives it back. Rejects with `ERR_SUSTEN_LOCKED`, which names the holder. */
export async function lockJournal(directory: string): Promise<() => void> {
  // Loaded here, so that only who writes needs the addon.
  const { native } = await import('../native.js')
  const path = `${directory}/lock`
  try {
    const lock = native.lockFile(bytesOfText(path))
    return () => native.unlockFile(lock)
  } catch (error) {
    const cause = fromThrown(error)
    if (cause.code !== 'EWOULDBLOCK') throw cause
    const holder = (await readFile(path, 'latin1').catch(() => '')).trim()
    const who = /^\d+$/.test(holder) ? `process ${holder}` : 'another process'
    const whose = holder === String(process.pid) ? `${who}, this one,` : who
    throw new SustenError(`the journal '${directory}' is in use: ${whose} has it open`, {
      code: 'ERR_SUSTEN_LOCKED',
      path: directory,
      cause: error,
    })
  }
}
