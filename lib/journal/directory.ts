/** The directory of a journal: made, or found to be safe. */
import type { Stats } from 'node:fs'
import { chmod, mkdir, open, readdir, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { bytesOfText } from '../bytes.js'
import { fromSystem, SustenError, withMessage } from '../errors.js'
import { noJournal, notAJournal } from './failures.js'
import { isSegmentFile, isUnfinished } from './format.js'

/**
 * Makes the directory if it isn't there, durably. Refuses one with other things in it, and one that others than this
 * user and root may change: who can change the journal decides what is copied and what is removed.
 * @param directory Absolute.
 */
export async function prepareDirectory(directory: string): Promise<void> {
  try {
    await makeDirectory(directory)
    const names = await readdir(directory)
    const isJournal = names.some(isSegmentFile)
    const foreign = names.find((name) => name !== 'lock' && !isUnfinished(name))
    if (!isJournal && foreign !== undefined) throw notAJournal(directory, foreign)
    const stats = await stat(directory)
    if (!isJournal && stats.uid === process.geteuid?.()) await chmod(directory, 0o700)
    else checkOwner(directory, stats)
  } catch (error) {
    const found = fromSystem(error, bytesOfText(directory))
    throw found instanceof SustenError && found.code === 'ENOTDIR' ? noDirectory(directory, found) : found
  }
}

/** Refuses a directory that holds no journal. */
export async function expectJournal(directory: string): Promise<void> {
  let names: string[]
  try {
    names = await readdir(directory)
  } catch (error) {
    throw fromSystem(error, bytesOfText(directory))
  }
  if (names.some(isSegmentFile)) return
  throw noJournal(directory)
}

export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Mode 0700, missing parents 0755; each name on stable storage before what is in it. */
async function makeDirectory(directory: string, mode = 0o700): Promise<void> {
  if (await isThere(directory)) return
  const parent = dirname(directory)
  if (parent !== directory) await makeDirectory(parent, 0o755)
  try {
    await mkdir(directory, { mode })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return
    throw error
  }
  await syncDirectory(parent)
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}

function noDirectory(directory: string, error: SustenError): SustenError {
  const text = `the journal '${directory}' must be a directory, but that, or one above it, is a file`
  return withMessage(error, `${text}; name another place, or move the file away`)
}

function checkOwner(directory: string, stats: Stats): void {
  const user = process.geteuid?.() ?? 0
  const isOurs = stats.uid === user || stats.uid === 0
  if (isOurs && (stats.mode & 0o022) === 0) return
  const mode = (stats.mode & 0o7777).toString(8)
  throw new SustenError(
    `the journal '${directory}' could be changed by others (owner ${stats.uid}, mode ${mode}): ` +
      `give it to user ${user} and take the others' right to write ('chmod 700')`,
    { code: 'ERR_SUSTEN_OPTION', path: directory },
  )
}
