/** What an rsync daemon may say, and what becomes of it: a program in rsync's place says it. */
import assert from 'node:assert/strict'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { ByteString } from '#lib/bytes.js'
import { openRsync } from '#lib/source/rsync/index.js'
import { readLine } from '#lib/source/rsync/lines.js'
import { removalRules } from '#lib/source/rsync/rules.js'
import { bytesOfSpelling, spelled } from '#lib/source/spelling.js'
import { eventually } from './support/dcu-world.js'
import { type Watched, watch } from './support/source-world.js'
import { scratch } from './support/tree.js'

/** A source whose rsync is this script of sh(1). */
async function withRsync(t: TestContext, script: string, stallTimeout = 5000): Promise<Watched & { base: string }> {
  const base = await scratch(t)
  mkdirSync(join(base, 'bin'))
  writeFileSync(join(base, 'bin', 'rsync'), `#!/bin/sh\n${script}\n`)
  chmodSync(join(base, 'bin', 'rsync'), 0o755)
  const path = process.env['PATH']
  process.env['PATH'] = `${join(base, 'bin')}:${path}`
  t.after(() => {
    process.env['PATH'] = path
  })
  const times = { minPause: 1, idlePause: 10, settle: 0, sure: 0, stallTimeout }
  const source = openRsync({ host: '127.0.0.1', staging: join(base, 'staging'), ...times })
  return Object.assign(watch(t, source), { base })
}

const root = 'drwxr-xr-x        4096 2026/11/21 11:34:57 .'
const line = (name: string, size = '7'): string => `-rw-r--r--           ${size} 2026/11/21 11:34:57 ${name}`
const says = (...lines: string[]): string => `cat <<'END'\n${lines.join('\n')}\nEND`

test('names that lead elsewhere are refused, and nothing is asked for by them', async (t) => {
  const names = [
    '../outside',
    '/etc/passwd',
    'a/../../b',
    'a//b',
    './c',
    'd/',
    '\\#000',
    '.susten-1.tmp',
    'n'.repeat(300),
  ]
  const watched = await withRsync(t, says(root, ...names.map((name) => line(name)), line('good')))
  const good = await watched.offer('good')
  await watched.source.look?.()
  assert.deepEqual(watched.offers, [good])
  const refused = watched.events.flatMap((event) => (event.type === 'refused' ? [event] : []))
  assert.equal(refused.length, names.length)
  for (const name of names) {
    const removal = await watched.source.remove({ ...good, name })
    assert.equal(removal.outcome, 'kept', name)
  }
})

test('what is no list is no empty one', async (t) => {
  for (const script of [
    'exit 0',
    'echo Hello',
    says(line('file')),
    `${says(root)}\nexit 12`,
    `${says(root)}\nexit 5`,
  ]) {
    const watched = await withRsync(t, script)
    await eventually(() => watched.state?.failure?.code === 'ERR_SUSTEN_SERVER', script)
    assert.equal(watched.state?.available, false)
    await watched.source.close()
  }
})

test('a line without an end is cut off', async (t) => {
  const watched = await withRsync(t, `${says(root)}\nexec tr '\\0' x < /dev/zero`)
  await eventually(() => watched.state?.failure !== undefined, 'it is told')
  assert.match(watched.state?.failure?.message ?? '', /too long/)
})

test('complaints without end are neither kept nor shown as they are', async (t) => {
  const watched = await withRsync(t, `printf '\\033[2J' >&2; head -c 1000000 /dev/zero | tr '\\0' x >&2; exit 12`)
  await eventually(() => watched.state?.failure !== undefined, 'it is told')
  const { message = '' } = watched.state?.failure ?? {}
  assert.ok(message.length < 500)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  assert.ok(!/[\x00-\x1f]/.test(message))
})

test('who says nothing is given up', async (t) => {
  const watched = await withRsync(t, `${says(root)}\nexec sleep 1000`, 1000)
  await assert.rejects(async () => watched.source.look?.(), { code: 'ETIMEDOUT' })
})

test('a file that is larger than it was said to be can’t fill the staging directory', async (t) => {
  const script = `case "$*" in
    *--files-from=-*--list-only*) ${says(root, line('file')).replace('\nEND', '\nEND\n')};;
    *--files-from=-*) for into; do :; done; head -c 100000000 /dev/zero > "$into/file"
      wc -c < "$into/file" > "$into/../written"; exit 0;;
    *) ${says(root, line('file'))}
    ;; esac`
  const watched = await withRsync(t, script)
  const file = await watched.offer('file')
  await assert.rejects(async () => watched.source.locate?.(file))
  const written = readdirSync(join(watched.base, 'staging'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('/written'))
    .map((name) => readFileSync(join(watched.base, 'staging', name), 'utf8').trim())
  assert.deepEqual(written, ['7'])
})

test('without rsync it is said what to install', async (t) => {
  const base = await scratch(t)
  const path = process.env['PATH']
  t.after(() => {
    process.env['PATH'] = path
  })
  process.env['PATH'] = join(base, 'nothing')
  const watched = watch(t, openRsync({ host: '127.0.0.1', staging: join(base, 'staging') }))
  await eventually(() => watched.state?.failure?.code === 'ENOENT', 'it is told')
  assert.match(watched.state?.failure?.message ?? '', /install/)
  assert.ok(existsSync(join(base, 'staging')))
})

test('lines are read as rsync writes them, and nothing else is', () => {
  const read = (text: string): unknown => readLine(text as ByteString)
  const time = Date.UTC(2026, 10, 21, 11, 34, 57)
  const file = { name: 'x -> y', size: 7, mtime: time, version: `7:${time / 1000}`, grain: 1000, age: undefined }
  assert.deepEqual(read(line('x -> y')), { type: 'file', file })
  assert.deepEqual(read(root), { type: 'other', name: '.' })
  assert.deepEqual(read('lrwxrwxrwx           5 2026/11/21 11:34:57 link'), { type: 'other', name: 'link' })
  assert.deepEqual(read('crw-rw-rw-         1,3 2026/11/21 11:34:57 null'), { type: 'other', name: 'null' })
  const before = readLine(line('f').replace('2026', '1960') as ByteString)
  assert.ok(before?.type === 'file' && before.file.mtime === undefined && before.file.version.startsWith('7:-'))
  for (const text of ['', 'Welcome', 'skipping non-regular file "x"', line('f', '99999999999999999'), line('')]) {
    assert.equal(read(text), undefined, text)
  }
})

test('every name has one spelling, and comes back from it', () => {
  const pieces = [
    'a',
    '/',
    '\\',
    '#',
    '1',
    '7',
    '\n',
    '\x7f',
    '\xc2',
    '\x9b',
    '\xa9',
    '\xff',
    '\xed\xa0\x80',
    '\xc3\xa4',
    ' ',
  ]
  const names = new Set<string>()
  for (const a of pieces) for (const b of pieces) for (const c of pieces) names.add(`\\#${a}${b}${c}`).add(a + b + c)
  const spellings = new Set<string>()
  for (const name of names) {
    const text = spelled(name as ByteString)
    spellings.add(text)
    assert.equal(bytesOfSpelling(text), name)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    assert.ok(!/[\x00-\x1f\x7f-\x9f\ufffd]/.test(text), text)
  }
  assert.equal(spellings.size, names.size)
})

test('removal rules name files, keep the directories they are in, and end with everything else', () => {
  const rules = removalRules(['a/b/c', 'a/*d', 'back\\slash'] as ByteString[]).split('\0')
  assert.deepEqual(rules, [
    '+ /a/',
    '+ /a/b/',
    '- /a/b/c/',
    '+ /a/b/c',
    '- /a/\\*d/',
    '+ /a/\\*d',
    '- /back\\slash/',
    '+ /back\\slash',
    '- *',
    '',
  ])
})
