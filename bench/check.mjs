/** Whether a copy is one, and what it carried over besides the content. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, opendir } from 'node:fs/promises'
import { join } from 'node:path'

/** What an inventory notes of one file. `digest` is absent in a quick one. @typedef {object} Entry
 * @property {number} size
 * @property {string} owner
 * @property {number} mode
 * @property {number} mtimeMs
 * @property {string} [digest]
 */

/** @param {string} path */
async function sha256(path) {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk)
  return hash.digest('hex')
}

/** Regular files below `root`, depth first. @param {string} root @param {string} below @returns {AsyncGenerator<string>} */
async function* filesBelow(root, below = '') {
  for await (const entry of await opendir(join(root, below), { bufferSize: 1024 })) {
    const name = join(below, entry.name)
    if (entry.isDirectory()) yield* filesBelow(root, name)
    else yield name
  }
}

/**
 * @param {string} root
 * @param {AbortSignal} signal
 * @returns {Promise<Map<string, Entry>>}
 */
export async function inventory(root, signal) {
  const entries = new Map()
  for await (const name of filesBelow(root)) {
    signal.throwIfAborted()
    const path = join(root, name)
    const { size, uid, gid, mode, mtimeMs } = await lstat(path)
    entries.set(name, { size, owner: `${uid}:${gid}`, mode, mtimeMs, digest: await sha256(path) })
  }
  return entries
}

/** Throws unless `root` holds that many files and bytes. @param {string} root @param {number} files @param {number} bytes */
export async function checkCounts(root, files, bytes) {
  let foundFiles = 0
  let foundBytes = 0
  for await (const name of filesBelow(root)) {
    foundFiles++
    if (bytes > 0) foundBytes += (await lstat(join(root, name))).size
  }
  if (foundFiles !== files || foundBytes !== bytes) {
    throw new Error(`copied ${foundFiles} files, ${foundBytes} bytes; ${files} files, ${bytes} bytes were to be copied`)
  }
}

/**
 * Throws if a file is missing, too many, or has other content.
 *
 * @param {Map<string, Entry>} source
 * @param {Map<string, Entry>} copy
 * @returns {string[]} What all files kept, of `owner`, `mode`, `times` (to the microsecond).
 */
export function compare(source, copy) {
  const kept = new Set(['owner', 'mode', 'times'])
  for (const [name, wanted] of source) {
    const found = copy.get(name)
    if (!found) throw new Error(`${name}: not copied`)
    if (found.size !== wanted.size || found.digest !== wanted.digest) throw new Error(`${name}: content differs`)
    if (found.owner !== wanted.owner) kept.delete('owner')
    if (found.mode !== wanted.mode) kept.delete('mode')
    if (Math.abs(found.mtimeMs - wanted.mtimeMs) > 0.001) kept.delete('times')
  }
  if (copy.size !== source.size) throw new Error(`${copy.size - source.size} files more than were to be copied`)
  return [...kept]
}
