/** What is copied: sets of files with incompressible content that is the same in every run. */
import { createCipheriv } from 'node:crypto'
import { chown, mkdir, open, utimes } from 'node:fs/promises'
import { join } from 'node:path'

const KiB = 1024
const MiB = 1024 * KiB

/**
 * @typedef {object} SourceSet
 * @property {string} name
 * @property {string} title
 * @property {number} files
 * @property {number} fileSize Bytes.
 * @property {(index: number) => string} directoryOf Below the set's root; empty for the root.
 */

const flat = () => ''

/**
 * Three directories in each directory, some nine files in each: 1,093 directories, six levels, for 10,000 files.
 *
 * @param {number} index
 * @param {number} directories
 */
function deep(index, directories) {
  let node = index % directories
  const names = []
  for (; node > 0; node = Math.floor((node - 1) / 3)) names.push(`level_${'abc'[(node - 1) % 3]}`)
  return names.reverse().join('/')
}

/** @param {number} index */
const thousands = (index) => `series_${String(Math.floor(index / 1000)).padStart(4, '0')}`

/** @param {boolean} quick @returns {SourceSet[]} */
export function copySets(quick) {
  const part = quick ? 8 : 1
  /** @type {(name: string, title: string, files: number, size: number, of: (index: number) => string) => SourceSet} */
  const set = (name, title, files, fileSize, directoryOf) => ({ name, title, files, fileSize, directoryOf })
  const small = (10_000 / part).toLocaleString('en')
  return [
    set('large', `4 × ${256 / part} MiB`, 4, (256 / part) * MiB, flat),
    set('medium', `${200 / part} × 6 MiB`, 200 / part, 6 * MiB, flat),
    set('small', `${small} × 64 KiB, one directory`, 10_000 / part, 64 * KiB, flat),
    set('deep', `${small} × 64 KiB, deep tree`, 10_000 / part, 64 * KiB, (index) => deep(index, quick ? 121 : 1093)),
  ]
}

/** A thousand to a directory. @param {boolean} quick @returns {SourceSet} */
export function emptyFiles(quick) {
  const files = quick ? 100_000 : 1_000_000
  return {
    name: 'million',
    title: `${files.toLocaleString('en')} empty files`,
    files,
    fileSize: 0,
    directoryOf: thousands,
  }
}

/**
 * As a beamline has them: another user's, not world-readable, modified in the past. The owner is left alone without
 * the privilege to change it.
 */
export const owner = { uid: 1234, gid: 1234, mode: 0o640, modified: 1_700_000_000.123456 }

/** What the file of this number is called. @param {number} index */
export const fileName = (index) => `image_${String(index).padStart(7, '0')}.cbf`

/**
 * Makes a set's files below `root`, which must not exist.
 *
 * @param {SourceSet} set
 * @param {string} root
 * @param {AbortSignal} signal
 */
export async function makeSet(set, root, signal) {
  const keystream = createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), Buffer.alloc(16))
  const zeros = Buffer.alloc(Math.min(set.fileSize, MiB))
  const privileged = process.getuid?.() === 0
  const made = new Set()
  for (let index = 0; index < set.files; index++) {
    signal.throwIfAborted()
    const directory = join(root, set.directoryOf(index))
    if (!made.has(directory)) await mkdir(directory, { recursive: true })
    made.add(directory)
    const path = join(directory, fileName(index))
    const file = await open(path, 'wx', owner.mode)
    for (let left = set.fileSize; left > 0; left -= zeros.length) {
      await file.write(keystream.update(left < zeros.length ? zeros.subarray(0, left) : zeros))
    }
    if (privileged) await file.chown(owner.uid, owner.gid)
    await file.utimes(owner.modified, owner.modified)
    await file.close()
  }
  for (const directory of made) {
    if (privileged) await chown(directory, owner.uid, owner.gid)
    await utimes(directory, owner.modified, owner.modified)
  }
}
