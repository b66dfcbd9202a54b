// Builds the addon: with CMake into build/cmake, or without CMake by npm's node-gyp into build/Release.
import { execFileSync, spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)
const require = createRequire(import.meta.url)
const has = (tool) => spawnSync(tool, ['--version'], { stdio: 'ignore' }).status === 0

if (has('cmake')) {
  const cmakeJs = join(dirname(require.resolve('cmake-js/package.json')), 'bin/cmake-js')
  const jobs = String(availableParallelism())
  const args = ['compile', '--out', 'build/cmake', '--prefer-make', '--parallel', jobs, '--log-level', 'warn']
  execFileSync(process.execPath, [cmakeJs, ...args, ...process.argv.slice(2)], { cwd: root, stdio: 'inherit' })
} else {
  console.error('no cmake yet')
  process.exit(1)
}
