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

/** Copies a few files with a Grimsel of their own, so that loading and compiling isn't counted. @param {Place} place */
export async function warmUp({ target, journal }) {
  const root = `${journal}-warm-up`
  const place = { buffer: join(root, 'buffer'), target: `${target}-warm-up`, journal: join(root, 'journal') }
  await mkdir(place.buffer, { recursive: true })
  await mkdir(place.target)
  for (let i = 0; i < 200; i++) await writeFile(join(place.buffer, `${i}.cbf`), Buffer.alloc(10_000, i))
  const { grimsel } = await openGrimsel(place)
  await addAll(grimsel, filesBelow(place.buffer))
  await grimsel.idle()
  await grimsel.close()
  await rm(root, { recursive: true })
  await rm(place.target, { recursive: true })
}

/** @param {object} told */
export const tell = (told) => void process.stdout.write(JSON.stringify(told))
