// Runs the compiled tests: `npm test` all, `npm test -- journal copy/` the files whose path contains one of the words.
// With CI=true a skipped test is a failure: what CI lacks would otherwise go untested in silence.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const words = process.argv.slice(2)
const isSanitized = process.env['SUSTEN_SANITIZER'] !== undefined
const mustRunAll = process.env['CI'] === 'true' && !isSanitized
const skipped = join(root, 'build/test/skipped.txt')

// By source, not by what is compiled: the test of a file that is gone must not run.
const files = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts') && (words.length === 0 || words.some((word) => name.includes(word))))
  // Those of the package and its installation test no code of the addon.
  .filter((name) => !(isSanitized && name.startsWith('package')))
  .sort()
  .map((name) => join('build/test', name.replace(/\.ts$/, '.js')))
if (files.length === 0) {
  console.error(`No test file's path contains ${words.join(' or ')}`)
  process.exit(1)
}

mkdirSync(dirname(skipped), { recursive: true })
rmSync(skipped, { force: true })
const { status } = spawnSync(
  process.execPath,
  [
    '--enable-source-maps',
    '--test',
    `--test-concurrency=${availableParallelism()}`,
    `--test-timeout=${process.env['SUSTEN_TEST_TIMEOUT'] ?? 600_000}`,
    '--test-reporter=./scripts/skipped-reporter.mjs',
    `--test-reporter-destination=${skipped}`,
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    ...files,
  ],
  { cwd: root, stdio: 'inherit' },
)
const names = readFileSync(skipped, 'utf8')
if (mustRunAll && names !== '') {
  console.error(`\nSkipped, but CI must run every test:\n${names}`)
  process.exit(1)
}
process.exit(status ?? 1)
