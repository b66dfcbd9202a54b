// Lints the C++ core: clang-format on all files, clang-tidy on all sources (or on those whose path contains one of the
// words given), one process a core. Needs the compile commands that `npm run build:native` leaves.
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const words = process.argv.slice(2)
const files = ['native', 'bench/native']
  .filter((folder) => existsSync(join(root, folder)))
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
  )
  .filter((name) => /\.(cc|h)$/.test(name))

const format = spawnSync('clang-format', ['--dry-run', '-Werror', ...files], { cwd: root, stdio: 'inherit' })
if (format.error) throw format.error
if (format.status !== 0) process.exitCode = 1

const sources = files.filter(
  (name) =>
    name.startsWith('native/') &&
    name.endsWith('.cc') &&
    (words.length === 0 || words.some((word) => name.includes(word))),
)

/** @type {(source: string) => Promise<void>} */
const tidy = (source) =>
  new Promise((resolve) => {
    execFile('clang-tidy', ['-p', 'build/cmake', '--quiet', source], { cwd: root }, (error, stdout) => {
      if (error !== null) {
        process.exitCode = 1
        console.error(stdout === '' ? `${source}: ${error.message}` : stdout)
      }
      resolve()
    })
  })

const worker = async () => {
  for (let source = sources.shift(); source !== undefined; source = sources.shift()) await tidy(source)
}
await Promise.all(Array.from({ length: availableParallelism() }, worker))
