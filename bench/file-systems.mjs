/** Where sets are copied to. */
import { mkdirSync, rmSync, statfsSync } from 'node:fs'
import { freemem } from 'node:os'
import { join } from 'node:path'
import { system } from './scratch.mjs'

/** @typedef {import('./scratch.mjs').Scratch} Scratch */

/**
 * @typedef {object} FileSystem
 * @property {string} name
 * @property {string} path A directory to copy into.
 * @property {string} description
 * @property {boolean} inMemory Its work is done by the copying threads, none later by the kernel's own.
 * @property {() => void} settle Waits until nothing is left to be written.
 * @property {() => void} close
 */

/**
 * @typedef {object} Skip
 * @property {string} skipped Why.
 */

const TMPFS_MAGIC = 0x01021994
const GiB = 2 ** 30

/** @param {number} bytes */
export const gib = (bytes) => `${(bytes / GiB).toFixed(1)} GiB`

/**
 * Why `bytes` in `inodes` files and directories do not fit on the tmpfs at `path`, or undefined.
 *
 * @param {string} path
 * @param {number} bytes
 * @param {number} inodes
 */
export function shortOfMemory(path, bytes, inodes) {
  const at = statfsSync(path)
  if (at.type !== TMPFS_MAGIC) return `${path} is not on a tmpfs; choose one with --memory`
  const available = at.bavail * at.bsize
  if (available < bytes) return `needs ${gib(bytes)} at ${path}, which has ${gib(available)}`
  // An inode of a tmpfs takes about a KiB of kernel memory.
  const memory = bytes + inodes * 1024
  if (freemem() < memory) return `needs ${gib(memory)} of memory, ${gib(freemem())} are free`
  if (at.files > 0 && at.ffree < inodes) return `needs ${inodes} inodes at ${path}, which has ${at.ffree}`
  return undefined
}

/** @param {Scratch} scratch @returns {FileSystem} */
function openTmpfs(scratch) {
  const path = join(scratch.memory, 'tmpfs')
  mkdirSync(path)
  return {
    name: 'tmpfs',
    path,
    description: 'tmpfs, the one that holds the source',
    inMemory: true,
    settle: () => {},
    close: () => rmSync(path, { recursive: true, force: true }),
  }
}

/**
 * A fresh ext4 on a loop device. The device detaches itself, and its image goes, with the mount.
 *
 * @param {Scratch} scratch
 * @param {number} bytes What must fit.
 * @returns {FileSystem | Skip}
 */
function openExt4(scratch, bytes) {
  if (process.getuid?.() !== 0) return { skipped: 'needs root, to mount a loop device' }
  const size = Math.ceil((bytes * 1.3) / GiB + 0.5) * GiB
  const at = statfsSync(scratch.disk)
  const available = at.bavail * at.bsize
  if (available < size) return { skipped: `needs ${gib(size)} at ${scratch.disk}, which has ${gib(available)}` }

  const image = join(scratch.disk, 'ext4.img')
  const path = join(scratch.disk, 'ext4')
  mkdirSync(path)
  system('fallocate', '-l', String(size), image)
  // No initialisation left to a kernel thread that would run during the rounds.
  system('mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image)
  const device = system('losetup', '--find', '--show', image)
  let direct = true
  try {
    try {
      system('losetup', '--direct-io=on', device)
    } catch {
      direct = false
    }
    system('mount', device, path)
  } finally {
    system('losetup', '--detach', device)
    rmSync(image)
  }
  const below = system('findmnt', '--noheadings', '--output', 'FSTYPE,SOURCE', '--target', scratch.disk)
  return {
    name: 'ext4',
    path,
    description:
      `fresh ext4 (mkfs and mount defaults) of ${gib(size)} on a loop device` +
      `${direct ? ' with direct I/O' : ', buffered,'} over ${below.replace(/\s+/g, ' ')}`,
    inMemory: false,
    settle: () => void system('sync', '--file-system', path),
    close() {
      system('umount', path)
      rmSync(path, { recursive: true })
    },
  }
}

/**
 * @param {string} name `tmpfs` or `ext4`.
 * @param {Scratch} scratch
 * @param {number} bytes
 * @returns {FileSystem | Skip}
 */
export function openFileSystem(name, scratch, bytes) {
  return name === 'ext4' ? openExt4(scratch, bytes) : openTmpfs(scratch)
}
