/** `npm run test:soak`: an hour in the life of a beamline, or less, and whether everything has come through it. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readOptions, usage } from './options.js'
import { runSoak } from './soak.js'

const options = readOptions(process.argv.slice(2))
if (options === undefined) {
  console.error(usage)
  process.exit(2)
}
if (process.geteuid?.() !== 0) {
  console.error('npm run test:soak needs root: it mounts file systems, and gives files to users')
  process.exit(2)
}
// Children and mounts go with it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))
const { dir, json } = options
if (dir !== undefined) mkdirSync(dir, { recursive: true })
const root = dir ?? mkdtempSync(join(tmpdir(), 'susten-soak-'))
try {
  const report = await runSoak(options, root, (line) => console.error(line))
  console.log(json ? JSON.stringify(report, undefined, 2) : report.text)
  process.exitCode = report.violations.length === 0 ? 0 : 1
} finally {
  // What is still mounted there must not be emptied.
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
  if (dir === undefined && !mounts.includes(`${root}/`)) rmSync(root, { recursive: true, force: true })
}
