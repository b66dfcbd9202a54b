// What a machine has for building the addon, and what to tell its owner if that is not enough.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** @type {(command: string, ...args: string[]) => string | undefined} What a command prints, if it can be run. */
const output = (command, ...args) => {
  const run = spawnSync(command, args, { encoding: 'utf8' })
  return run.status === 0 ? run.stdout : undefined
}

const hasCompiler = () =>
  [process.env['CXX'], 'c++', 'g++', 'clang++'].some((name) => name && output(name, '--version') !== undefined)

/** The path of npm's own node-gyp. npm tells its scripts; without it, look beside this Node. */
const nodeGyp = () => {
  const told = process.env['npm_config_node_gyp']
  const beside = join(dirname(process.execPath), '../lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js')
  return [told, beside].find((path) => path && existsSync(path))
}

/** Where this Node's headers are, if they came with it: node-gyp needs no download then. */
const headers = () => {
  const prefix = dirname(dirname(process.execPath))
  return existsSync(join(prefix, 'include/node/common.gypi')) ? prefix : undefined
}

/**
 * Whether what was built was built elsewhere, say because the checkout was moved or copied. CMake refuses its cache then:
 * it is to start anew.
 *
 * @type {(root: string, out: string) => boolean}
 */
export const isMoved = (root, out) => {
  const cache = join(out, 'CMakeCache.txt')
  return existsSync(cache) && !readFileSync(cache, 'utf8').includes(`CMAKE_HOME_DIRECTORY:INTERNAL=${root}\n`)
}

/**
 * How to build here, or which tools are missing for it.
 *
 * @typedef {{ with: 'cmake' }} WithCMake
 * @typedef {{ with: 'node-gyp', nodeGyp: string, headers: string | undefined }} WithNodeGyp
 * @typedef {{ with: 'nothing', missing: string[] }} WithNothing
 * @returns {WithCMake | WithNodeGyp | WithNothing}
 */
export function findTools() {
  const missing = []
  const hasMake = output('make', '--version') !== undefined
  if (!hasMake) missing.push('make')
  if (!hasCompiler()) missing.push('g++')
  const hasCMake = output('cmake', '--version') !== undefined
  if (hasCMake && missing.length === 0) return { with: 'cmake' }
  const gyp = nodeGyp()
  if (!hasCMake) {
    if (output(process.env['npm_config_python'] || process.env['PYTHON'] || 'python3', '--version') === undefined)
      missing.push('python3 (or cmake)')
    else if (gyp === undefined) missing.push("cmake (or npm, for npm's own node-gyp)")
  }
  if (gyp !== undefined && missing.length === 0) return { with: 'node-gyp', nodeGyp: gyp, headers: headers() }
  return { with: 'nothing', missing }
}

/** @type {(missing: readonly string[], again: string) => string} The one message about missing tools. */
export const missingToolsMessage = (missing, again) =>
  `susten: its native addon has to be built here, but the tools for it are missing: ${missing.join(', ')}.
Install them, then build again:
  Debian, Ubuntu:    apt-get install make g++ python3
  Fedora, RHEL:      dnf install make gcc-c++ python3
  Alpine:            apk add make g++ python3
  then:              ${again}`
