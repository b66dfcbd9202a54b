// Runs the tests on an addon built with a sanitizer: `sanitize.mjs address` (with undefined) or `sanitize.mjs thread`.
// Further arguments choose test files as for `npm test`. Needs CMake, patchelf and the compiler's sanitizer libraries.
//
// Node itself is not instrumented. The reports go to files; those on the addon count, those on Node don't.
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isOnAddon, splitReports } from './sanitizer-reports.mjs'
import { isMoved } from './tools.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** @typedef {{ flags: string, library: string, variable: string, options: string, run: string[] }} Sanitizer */
/** @type {Record<string, Sanitizer>} */
const sanitizers = {
  address: {
    flags: 'address,undefined',
    library: 'libasan.so',
    variable: 'ASAN_OPTIONS',
    // An error ends the process, so that its test fails; leaks are judged by their reports.
    options: 'abort_on_error=1:detect_leaks=1:exitcode=0:detect_stack_use_after_return=1:strict_string_checks=1',
    run: [],
  },
  thread: {
    flags: 'thread',
    library: 'libtsan.so',
    variable: 'TSAN_OPTIONS',
    options: 'exitcode=0:halt_on_error=0:second_deadlock_stack=1:history_size=4',
    // Its shadow memory doesn't stand a randomised address space.
    run: ['setarch', '--addr-no-randomize'],
  },
}

const [name = '', ...words] = process.argv.slice(2)
const sanitizer = sanitizers[name]
if (sanitizer === undefined) {
  console.error(`Usage: sanitize.mjs ${Object.keys(sanitizers).join('|')} [word in a test file's path]...`)
  process.exit(1)
}

const out = join(root, 'build', name)
const cmakeJs = join(dirname(createRequire(import.meta.url).resolve('cmake-js/package.json')), 'bin/cmake-js')
execFileSync(
  process.execPath,
  [
    cmakeJs,
    isMoved(root, out) ? 'rebuild' : 'build',
    `--out=${out}`,
    '--config=RelWithDebInfo',
    `--CDSUSTEN_SANITIZE=${sanitizer.flags}`,
    '--prefer-make',
    `--parallel=${availableParallelism()}`,
    '--log-level=warn',
  ],
  { cwd: root, stdio: 'inherit' },
)

// Only now: what was built elsewhere is removed with all that is beside it.
const reports = join(out, 'reports')
rmSync(reports, { recursive: true, force: true })
mkdirSync(reports, { recursive: true })
chmodSync(reports, 0o1777) // some tests run the addon as another user

// A Node of its own that loads the sanitizer first. LD_PRELOAD would load it into every tool that a test starts, too.
// The compiler says which library: it must be of the version that the addon was built with.
const library = execFileSync(process.env['CXX'] ?? 'g++', [`-print-file-name=${sanitizer.library}`], {
  encoding: 'utf8',
})
const node = join(out, 'node')
copyFileSync(realpathSync(process.execPath), node)
execFileSync('patchelf', ['--add-needed', realpathSync(library.trim()), node])

const run = [...sanitizer.run, node, join(root, 'scripts/test.mjs'), ...words]
const { status } = spawnSync(run[0] ?? '', run.slice(1), {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    [sanitizer.variable]: `${sanitizer.options}:log_path=${reports}/report`,
    UBSAN_OPTIONS: `print_stacktrace=1:log_path=${reports}/report`,
    SUSTEN_ADDON: join(out, 'susten.node'),
    SUSTEN_SANITIZER: name,
  },
})

const all = readdirSync(reports).flatMap((file) => splitReports(readFileSync(join(reports, file), 'utf8')))
const ours = [...new Set(all.filter((report) => isOnAddon(report, root)))]
for (const report of ours) console.error(`${'='.repeat(80)}\n${report.trim()}`)
console.log(`${sanitizer.flags}: ${ours.length} reports on the addon, ${all.length - ours.length} on Node itself`)
process.exit(ours.length > 0 ? 1 : (status ?? 1))
