/** Everything that the bench puts on the machine, and its removal, whatever way the bench ends. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const prefix = 'susten-bench-'

/** @param {string} command @param {string[]} args @returns {string} Its output. */
export function system(command, ...args) {
  const done = spawnSync(command, args, { encoding: 'utf8' })
  if (done.error) throw new Error(`${command}: ${done.error.message}`)
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.stderr.trim() || `exit ${done.status}`}`)
  return done.stdout.trim()
}

/** Mount points below `directory`, innermost first. @param {string} directory */
function mountsBelow(directory) {
  return readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((point) => point.startsWith(`${directory}/`))
    .reverse()
}

/** @param {string} directory */
function clear(directory) {
  for (const point of mountsBelow(directory)) system('umount', point)
  rmSync(directory, { recursive: true, force: true })
}

/** What an earlier bench left that was killed before it could tidy up. @param {string} parent */
function clearLeftovers(parent) {
  for (const name of readdirSync(parent)) {
    const pid = name.startsWith(prefix) ? Number(name.slice(prefix.length)) : Number.NaN
    if (Number.isInteger(pid) && !existsSync(`/proc/${pid}`)) clear(join(parent, name))
  }
}

/**
 * @typedef {object} Scratch
 * @property {string} memory A directory of our own on the tmpfs.
 * @property {string} disk A directory of our own on the disk.
 * @property {() => void} close Unmounts and removes everything. May be called again.
 */

/**
 * @param {string} memory
 * @param {string} disk
 * @returns {Scratch}
 */
export function openScratch(memory, disk) {
  for (const parent of [memory, disk]) {
    if (!existsSync(parent)) throw new Error(`${parent}: no such directory; choose another with --memory or --disk`)
    clearLeftovers(parent)
  }
  const own = { memory: join(memory, `${prefix}${process.pid}`), disk: join(disk, `${prefix}${process.pid}`) }
  mkdirSync(own.memory, { mode: 0o700, recursive: true })
  mkdirSync(own.disk, { mode: 0o700, recursive: true })
  const close = () => {
    clear(own.memory)
    clear(own.disk)
  }
  process.on('exit', close)
  return { ...own, close }
}
