/** Network namespaces of the bench's own, and their removal, whatever way the bench ends. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { system } from '../scratch.mjs'

const directory = '/run/netns'
const prefix = 'susten-bench-'

/** Debian's congestion control, whatever the machine's default is: to be asked for by routes. */
export const cubic = ['congctl', 'cubic']

/**
 * @typedef {object} Namespace
 * @property {string} name As `ip` knows it.
 * @property {string} path
 * @property {string[]} enter Runs the command that follows in it.
 */

/** Why there can't be any, or undefined. @param {string[]} programs What is needed besides. */
export function obstacle(...programs) {
  if (process.getuid?.() !== 0) return 'needs root, for network namespaces'
  const missing = ['ip', 'nsenter', 'setpriv', ...programs].find((program) => spawnSync(program, ['-V']).error)
  return missing && `${missing} is not installed`
}

/** Those of an earlier bench that was killed before it could tidy up. */
function clearLeftovers() {
  if (!existsSync(directory)) return
  for (const name of readdirSync(directory)) {
    const pid = name.startsWith(prefix) ? Number(name.slice(prefix.length).split('-')[0]) : Number.NaN
    if (Number.isInteger(pid) && !existsSync(`/proc/${pid}`)) system('ip', 'netns', 'delete', name)
  }
}

/** @param {string[]} kinds One for each. @returns {{ spaces: Namespace[], close: () => void }} */
export function openNamespaces(...kinds) {
  clearLeftovers()
  const spaces = kinds.map((kind) => {
    const name = `${prefix}${process.pid}-${kind}`
    const path = `${directory}/${name}`
    return { name, path, enter: ['nsenter', `--net=${path}`] }
  })
  const close = () => {
    process.off('exit', close)
    for (const { name, path } of spaces) if (existsSync(path)) system('ip', 'netns', 'delete', name)
  }
  process.on('exit', close)
  try {
    for (const { name } of spaces) {
      system('ip', 'netns', 'add', name)
      system('ip', '-n', name, 'link', 'set', 'lo', 'up')
    }
  } catch (error) {
    close()
    throw error
  }
  return { spaces, close }
}
