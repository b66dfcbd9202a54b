import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { loadConfig } from '#lib/furka/config/index.js'
import { least, leastJson, parse, parseJson } from './support/furka-config.js'

const cli = join(dirname(createRequire(import.meta.url).resolve('susten/package.json')), 'dist/cli/furka.js')

function furka(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8', timeout: 60_000 })
  return { code: status, out: stdout, err: stderr }
}

function write(t: TestContext, content: string, name = 'furka.conf'): string {
  const directory = mkdtempSync(join(tmpdir(), 'susten-config-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  const file = join(directory, name)
  writeFileSync(file, content, { mode: 0o644 })
  return file
}

test('a configuration is read from its file, in both forms', async (t) => {
  assert.deepEqual((await loadConfig(write(t, least))).config, parse(least))
  const json = write(t, JSON.stringify(leastJson()), 'furka_dectris.json')
  assert.deepEqual((await loadConfig(Buffer.from(json))).config, parseJson())
})

test('a file that anyone may write to is refused, with whatever else is wrong', async (t) => {
  const file = write(t, `foo\n${least}`)
  chmodSync(file, 0o646)
  const error = await loadConfig(file).catch((thrown: unknown) => thrown as { failures: Error[] })
  assert.ok('failures' in error)
  assert.deepEqual(
    error.failures.map(({ message }) => message.replace(file, '').slice(0, 30)),
    [":1: unknown key 'foo'; known a", ': may be written to by anyone;'],
  )
})

test('check-config prints what a right file amounts to, and exits with 0', (t) => {
  const file = write(
    t,
    `licensekey x
required_mount /ramdisk
${least}detectorID eiger
protocol FILEWRITER
remoteIP fd00::1
https YES
detectorID nfs
protocol DIRECTORY
source /nfs/p11
source_mount /nfs
target /ramdisk/./nfs
`,
  )
  const { code, out, err } = furka('check-config', file)
  assert.deepEqual([code, err], [0, ''])
  const lines = out.split('\n')
  assert.equal(lines[0], `${file}: ok`)
  assert.match(
    out,
    /^ {2}detector +1MF: rsync:\/\/10\.0\.0\.1:49371\/ramdisk\/, by way of \/run\/furka_dectris, .*, to \/ramdisk$/m,
  )
  assert.match(
    out,
    /^ {2}detector +eiger: filewriter https:\/\/\[fd00::1\]:443, API version found out, asked every 50, 100/m,
  )
  assert.match(out, /^ {2}detector +nfs: directory \/nfs\/p11, .*, only with \/nfs mounted, to \/ramdisk\/\.\/nfs$/m)
  assert.match(out, /^ {2}buffer +only with \/ramdisk mounted$/m)
  assert.match(out, /^ {2}user +uid 500, gid 500, user directory \$UID_\$GID$/m)
  assert.match(out, /^ {2}grimsel +by its control socket \/var\/run\/grimsel_dectris_control$/m)
  assert.match(out, /^ {2}delete +at the detector once the file is durable on Grimsel's internal storage$/m)
  assert.match(out, /^ {2}log +\/var\/log\/furka_dectris\.log, and 10 older of 10 MiB$/m)
  assert.deepEqual(lines.slice(-2), [`${file}:1: note: licensekey is ignored: none is needed`, ''])
})

test('check-config prints all errors, one a line, and exits with 1', (t) => {
  const file = write(t, '{"EIGER_HOST": "a:b",\n"USER_DIR": "/x"}', 'furka.json')
  const { code, out, err } = furka('check-config', file)
  assert.deepEqual([code, err], [1, ''])
  const [first, second, ...rest] = out.split('\n')
  assert.match(first ?? '', /^.*\/furka\.json:1:16: EIGER_HOST must be a host name or an IP address/)
  assert.match(second ?? '', /^.*\/furka\.json:2:13: USER_DIR must be relative/)
  assert.deepEqual(rest, [''])
})

test('check-config exits with 1 for a file that cannot be read, with 2 for wrong use', () => {
  const failed = furka('check-config', '/none/such.json')
  assert.deepEqual([failed.code, failed.out], [1, ''])
  assert.match(
    failed.err,
    /^furka: there is no configuration file '\/none\/such\.json'; write it, or correct the name\n$/,
  )
  for (const args of [[], ['nonsense'], ['check-config']]) {
    const { code, out, err } = furka(...args)
    assert.deepEqual([code, out], [2, ''], args.join(' '))
    assert.match(err, /^furka: .*; see 'furka.* --help'\n$/)
  }
})

test('the program prints its commands, and the help of one', () => {
  assert.match(furka('--help').out, /^Usage: furka COMMAND[\s\S]*check-config/)
  const { out } = furka('check-config', '--help')
  assert.match(out, /^Usage: furka check-config FILE/)
  assert.match(out, /furka_dectris\.json/)
})
