/** A buffer on a tmpfs of its own, an internal storage on ext4, and a journal on the machine's disk. */
import { execFile } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { openFileSystem, shortOfMemory } from '../file-systems.mjs'
import { system } from '../scratch.mjs'

/** @typedef {import('../bench.mjs').Bench} Bench */
/** @typedef {import('../bench.mjs').Section} Section */
/** @typedef {import('../file-systems.mjs').Skip} Skip */

/**
 * @typedef {object} Place
 * @property {string} buffer A directory that is there between `begin` and `end`.
 * @property {string} beside Another path on the buffer's file system.
 * @property {string} target
 * @property {string} journal
 * @property {string} fileSystem
 * @property {string} description Of the storage's file system.
 * @property {() => Promise<void>} begin
 * @property {() => Promise<void>} end
 * @property {() => void} close
 */

const execute = promisify(execFile)

/**
 * @param {Bench} bench
 * @param {{ storage: 'ext4' | 'tmpfs', bytes: number, inodes: number, buffer: number }} needs What is copied, and the
 *   size of the buffer's file system in bytes.
 * @returns {Place | Skip}
 */
export function openPlace({ scratch, signal }, { storage, bytes, inodes, buffer: size }) {
  if (process.getuid?.() !== 0) return { skipped: 'needs root, to mount a buffer' }
  const inMemory = storage === 'tmpfs' ? 2 : 1
  const short = shortOfMemory(scratch.memory, bytes * inMemory, inodes * inMemory)
  if (short) return { skipped: short }
  const disk = openFileSystem(storage, scratch, bytes)
  if ('skipped' in disk) return disk
  const mounted = join(scratch.memory, 'buffer')
  mkdirSync(mounted)
  system('mount', '-t', 'tmpfs', '-o', `size=${size},nr_inodes=${4 * inodes + 20_000}`, 'tmpfs', mounted)
  const [buffer, target] = [join(mounted, 'data'), join(disk.path, 'copy')]
  const journal = join(scratch.disk, 'journal')
  return {
    buffer,
    beside: join(mounted, 'filler'),
    target,
    journal,
    fileSystem: disk.name,
    description: disk.description,
    async begin() {
      mkdirSync(target)
    },
    async end() {
      await execute('rm', ['-rf', buffer, target, journal], { signal })
      disk.settle()
    },
    close() {
      system('umount', mounted)
      rmSync(mounted, { recursive: true })
      disk.close()
    },
  }
}

/**
 * A section of groups that are all made at one place, which is closed whatever happens.
 *
 * @param {Bench} bench
 * @param {Omit<Section, 'groups' | 'skipped'>} about
 * @param {Place | Skip} place
 * @param {(place: Place) => Promise<Section['groups']>} measure
 * @returns {Promise<Section>}
 */
export async function sectionAt(bench, about, place, measure) {
  if ('skipped' in place) {
    bench.say(`left out: ${about.name}: ${place.skipped}`)
    return { ...about, groups: [], skipped: [`${about.name}: ${place.skipped}`] }
  }
  try {
    return { ...about, groups: await measure(place), skipped: [] }
  } finally {
    place.close()
  }
}
