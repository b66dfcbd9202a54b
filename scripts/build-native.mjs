// Builds the addon: by CMake into build/cmake; without CMake by npm's own node-gyp into build/Release.
// Does only what has changed since the last time. Further arguments go to cmake-js.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findTools, isMoved, missingToolsMessage } from './tools.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const jobs = String(availableParallelism())

/** @type {(script: string, ...args: string[]) => void} */
const run = (script, ...args) => {
  const { status } = spawnSync(process.execPath, [script, ...args], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

const tools = findTools()
if (tools.with === 'nothing') {
  console.error(missingToolsMessage(tools.missing, `npm --prefix ${root} run build:native`))
  process.exit(1)
} else if (tools.with === 'cmake') {
  const cmakeJs = join(dirname(createRequire(import.meta.url).resolve('cmake-js/package.json')), 'bin/cmake-js')
  const args = ['--out', 'build/cmake', '--prefer-make', '--parallel', jobs, '--log-level', 'warn']
  run(cmakeJs, isMoved(root, join(root, 'build/cmake')) ? 'rebuild' : 'build', ...args, ...process.argv.slice(2))
} else {
  const headers = tools.headers === undefined ? [] : [`--nodedir=${tools.headers}`]
  // Not `rebuild`: that would empty build/, where other things are too.
  run(tools.nodeGyp, 'configure', 'build', '--jobs', jobs, '--loglevel', 'warn', ...headers)
}
