import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { loadConfig } from '#lib/grimsel/config/index.js'
import { least, leastJson, parse } from './support/grimsel-config.js'

const cli = join(dirname(createRequire(import.meta.url).resolve('susten/package.json')), 'dist/cli/grimsel.js')
const isRoot = process.geteuid?.() === 0

function grimsel(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8', timeout: 60_000 })
  return { code: status, out: stdout, err: stderr }
}

function place(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'susten-config-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

function write(t: TestContext, content: string, name = 'grimsel.conf'): string {
  const file = join(place(t), name)
  writeFileSync(file, content, { mode: 0o644 })
  return file
}

test('a configuration is read from its file, by text, bytes or URL', async (t) => {
  const file = write(t, least)
  for (const path of [file, Buffer.from(file), new URL(`file://${file}`)]) {
    assert.deepEqual((await loadConfig(path)).config, parse(least))
  }
  const json = write(t, JSON.stringify(leastJson()), 'grimsel.json')
  assert.deepEqual((await loadConfig(json)).config, parse(least))
})

test('a file that is not there is the error of the system', async (t) => {
  const file = join(place(t), 'none.conf')
  await assert.rejects(loadConfig(file), { name: 'SustenError', code: 'ENOENT', path: file })
})

test('what is no regular file is refused, a FIFO without waiting for it', async (t) => {
  const directory = place(t)
  const fifo = join(directory, 'fifo')
  execFileSync('mkfifo', [fifo])
  for (const path of [directory, fifo, '/dev/zero']) {
    await assert.rejects(loadConfig(path), { code: 'ERR_SUSTEN_CONFIG', message: `${path}: is no regular file`, path })
  }
})

test('a file of many gigabytes is refused without being read', async (t) => {
  const file = write(t, '')
  truncateSync(file, 2 ** 40)
  await assert.rejects(loadConfig(file), { code: 'ERR_SUSTEN_CONFIG', message: `${file}: is larger than 1 MiB` })
})

test('a file that anyone may write to is refused, with whatever else is wrong', async (t) => {
  const file = write(t, `foo\n${least}`)
  chmodSync(file, 0o646)
  const error = await loadConfig(file).catch((thrown: unknown) => thrown as { failures: Error[] })
  assert.ok('failures' in error)
  const [unknown, writable] = error.failures
  assert.equal(error.failures.length, 2)
  assert.match(unknown?.message ?? '', /:1: unknown key 'foo'/)
  assert.equal(writable?.message, `${file}: may be written to by anyone; run 'chmod o-w' on it`)
})

test("root is told that a file is another user's", { skip: !isRoot && 'needs root' }, async (t) => {
  const file = write(t, least)
  assert.deepEqual((await loadConfig(file)).notes, [])
  chownSync(file, 1234, 0)
  const { notes } = await loadConfig(file)
  assert.deepEqual(
    notes.map(({ text }) => text),
    [`${file}: note: belongs to user 1234, who decides by it what root copies where`],
  )
})

test('check-config prints what a right file amounts to, and exits with 0', (t) => {
  const file = write(
    t,
    `licensekey x\n${least}storageID "gpfs"\ntype EXTERNAL\ntarget /gpfs/./raw\nrequired_mount /gpfs\n`,
  )
  const { code, out, err } = grimsel('check-config', file)
  assert.deepEqual([code, err], [0, ''])
  const lines = out.split('\n')
  assert.equal(lines[0], `${file}: ok`)
  assert.match(out, /^ {2}buffer +\/mnt\/data_buffer on \/mnt\/data_buffer$/m)
  assert.match(out, /^ {2}release +copied files are replaced by links at 80 %, down to 70 %$/m)
  assert.match(out, /^ {2}internal +disk: \/data, \d+ files at once, verify inline, durability batch$/m)
  assert.match(out, /^ {2}external +gpfs: \/gpfs\/\.\/raw, .*, only with \/gpfs mounted$/m)
  assert.match(out, /^ {2}ports +status 47199, messages 47198, on 127\.0\.0\.1$/m)
  assert.match(out, /^ {2}log +\/var\/log\/grimsel_dectris\.log, and 10 older of 10 MiB$/m)
  assert.deepEqual(lines.slice(-2), [`${file}:1: note: licensekey is ignored: none is needed`, ''])
})

test('check-config prints all errors, one a line, and exits with 1', (t) => {
  const file = write(t, 'foo\nlogfile x\nstorageID a\ntype INTERNAL\ntarget /a\n')
  const { code, out, err } = grimsel('check-config', file)
  assert.deepEqual([code, err], [1, ''])
  const [first, second, ...rest] = out.split('\n')
  assert.match(first ?? '', /^.*\/grimsel\.conf:1: unknown key 'foo'; known are /)
  assert.equal(second, `${file}:2: logfile must be an absolute path, not 'x'`)
  assert.deepEqual(rest, [''])
})

test('check-config exits with 1 for a file that cannot be read, with 2 for wrong use', (t) => {
  const file = join(place(t), 'none')
  const failed = grimsel('check-config', file)
  assert.deepEqual([failed.code, failed.out], [1, ''])
  assert.match(failed.err, /^grimsel: there is no configuration file '.*\/none'; write it, or correct the name\n$/)
  for (const args of [[], ['nonsense'], ['check-config'], ['check-config', 'a', 'b'], ['check-config', '-x', 'a']]) {
    const { code, out, err } = grimsel(...args)
    assert.deepEqual([code, out], [2, ''], args.join(' '))
    assert.match(err, /^grimsel: .*; see 'grimsel.* --help'\n$/)
  }
})

test('the program prints its commands, and the help of one', () => {
  assert.match(grimsel('--help').out, /^Usage: grimsel COMMAND[\s\S]*check-config/)
  assert.match(grimsel('check-config', '--help').out, /^Usage: grimsel check-config FILE/)
})

test('a file name that a terminal would obey is printed harmless', (t) => {
  const directory = join(place(t), '\u001b[2J')
  mkdirSync(directory)
  for (const content of [least, 'foo']) {
    const file = join(directory, 'a.conf')
    writeFileSync(file, content)
    const { out } = grimsel('check-config', file)
    assert.match(out, /\\u001b\[2J\/a\.conf:/)
    assert.equal(out.includes('\u001b'), false)
  }
})
