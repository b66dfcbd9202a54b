// Runs the test suite: `npm test` all of it, `npm test -- journal copy/sparse` the files whose path contains a word.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = dirname(import.meta.dirname)
const words = process.argv.slice(2)
const files = readdirSync(join(root, 'build/test'), { recursive: true })
  .filter((name) => name.endsWith('.test.js') && (words.length === 0 || words.some((word) => name.includes(word))))
  .sort()
  .map((name) => join('build/test', name))
if (files.length === 0) {
  console.error(`No test file matches ${words.join(' ') || 'test/**/*.test.ts'}`)
  process.exit(1)
}
const { status } = spawnSync(
  process.execPath,
  ['--test', '--test-concurrency=2', '--test-reporter=spec', '--enable-source-maps', ...files],
  { cwd: root, stdio: 'inherit' },
)
process.exit(status ?? 1)
