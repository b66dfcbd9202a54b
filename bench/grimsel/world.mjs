/** A Grimsel as the bench opens it: one that copies to an internal storage, and has somebody who listens. */
import { readdirSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Grimsel } from 'susten'

/** @typedef {import('susten').GrimselOptions} GrimselOptions */
/** @typedef {import('susten').MirrorMessage} MirrorMessage */

/** Where it works: directories that exist, but for the journal. @typedef {{ buffer: string, target: string, journal: string }} Place */

/**
 * What came of an opened Grimsel's files. A file that fails, or an error, ends the process: there is nothing to measure.
 *
 * @typedef {object} Opened
 * @property {Grimsel} grimsel
 * @property {{ copied: number }} counts
 * @property {MirrorMessage[]} messages
 */

/** Paths announced in one call, as a pipe or a port hands them in. */
const list = 1000

/**
 * @param {Place} place
 * @param {Partial<GrimselOptions>} [more]
 * @returns {Promise<Opened>}
 */
export async function openGrimsel({ buffer, target, journal }, more) {
  const grimsel = await Grimsel.open({
    buffer: { directory: buffer },
    storages: [{ id: 'disk', type: 'internal', target }],
    journal,
    // All that is copied stays: releasing is measured alone.
    space: { limit: 0.98 },
    ...more,
  })
  const counts = { copied: 0 }
  /** @type {MirrorMessage[]} */
  const messages = []
  grimsel.on('copied', () => {
    counts.copied++
  })
  grimsel.on('message', (message) => void messages.push(message))
  grimsel.on('failed', ({ path, error }) => {
    throw new Error(`${path}: ${error.message}`)
  })
  grimsel.on('error', ({ error }) => {
    throw error
  })
  return { grimsel, counts, messages }
}

/** Announces files in lists, each when the one before was taken. @param {Grimsel} grimsel @param {string[]} paths */
export async function addAll(grimsel, paths) {
  for (let at = 0; at < paths.length; at += list) await grimsel.add(paths.slice(at, at + list))
}

/** All files below a directory, absolute. @param {string} directory @returns {string[]} */
export function filesBelow(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    return entry.isDirectory() ? filesBelow(path) : [path]
  })
}

/**
 * Grimsels that come before the one that is measured, and files that each copies and gives back. V8 throws away what it
 * compiled for the only one of its kind when there is another, and is done after a few of them.
 */
const before = 4
const warm = 5000

/**
 * Copies and gives back files with Grimsels of their own, so that loading and compiling isn't counted: who measures a
 * Grimsel means one that has run for long.
 *
 * @param {Place} place Another directory is used beside each of its directories.
 * @param {Partial<GrimselOptions>} [more]
 */
export async function warmUp(place, more) {
  const [buffer = '', target = '', journal = ''] = [place.buffer, place.target, place.journal].map(
    (path) => `${path}-warm-up`,
  )
  for (let round = 0; round < before; round++) {
    await mkdir(buffer)
    await mkdir(target)
    for (let i = 0; i < warm; i++) await writeFile(join(buffer, `${i}.cbf`), `file ${i}`)
    const { grimsel } = await openGrimsel({ buffer, target, journal }, more)
    await addAll(grimsel, filesBelow(buffer))
    await grimsel.idle()
    await grimsel.changeUser({ uid: 0, gid: 0 })
    await grimsel.idle()
    await grimsel.close()
    for (const path of [buffer, target, journal]) await rm(path, { recursive: true, force: true })
  }
}

/** @param {object} told */
export const tell = (told) => void process.stdout.write(JSON.stringify(told))
