import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { ByteString } from '#lib/bytes.js'
import type { FileOffer } from '#lib/source/files.js'
import { lookBeneath, unlinkBeneath } from '#lib/source/incoming/beneath.js'
import { type IncomingOptions, openIncoming } from '#lib/source/incoming/index.js'
import { versionOf } from '#lib/source/incoming/version.js'
import { eventually } from './support/dcu-world.js'
import { mount, whyNot } from './support/mounts.js'
import { consume, produce } from './support/source-stream.js'
import { removed, type Watched, watch, whole } from './support/source-world.js'
import { scratch } from './support/tree.js'

const quick = { settle: 20, sure: 60, scanInterval: 10 }

const watchIncoming = (t: TestContext, path: string, options: Partial<IncomingOptions> = {}): Watched =>
  watch(t, openIncoming({ path, ...quick, ...options }))

const needsRoot = process.geteuid?.() === 0 ? false : 'needs root'

/** So long ago that nobody is writing any more. */
const longAgo = 1_600_000_000
function writeOld(path: string | Buffer, content: string): void {
  writeFileSync(path, content)
  utimesSync(path, longAgo, longAgo)
}

test('files are offered when they are whole, read where they are, and removed one by one', async (t) => {
  const path = await scratch(t)
  mkdirSync(join(path, 'run 1'))
  mkdirSync(join(path, 'nothing'))
  writeFileSync(join(path, 'run 1', 'a.cbf'), 'image a')
  writeOld(join(path, 'run 1', 'b.cbf'), 'image b')
  writeFileSync(join(path, 'empty'), '')
  const watched = watchIncoming(t, path)
  const offers = await watched.offered(3)
  assert.deepEqual(offers.map((file) => file.path).sort(), ['empty', 'run 1/a.cbf', 'run 1/b.cbf'])
  const b = await watched.offer('run 1/b.cbf')
  assert.deepEqual([b.size, b.mtime, b.exact], [7, longAgo * 1000, true])
  assert.deepEqual(await watched.source.locate?.(b), { type: 'path', root: path, name: 'run 1/b.cbf' })
  assert.equal(String(await whole(await watched.source.read(b))), 'image b')
  assert.equal(await removed(watched.source, b), 'removed')
  assert.deepEqual(readdirSync(path, { recursive: true }).sort(), ['empty', 'nothing', 'run 1', 'run 1/a.cbf'])
  assert.equal(await removed(watched.source, b), 'gone')
  const outcomes = await Promise.all(offers.map((file) => removed(watched.source, file)))
  assert.deepEqual(outcomes.sort(), ['gone', 'removed', 'removed'])
  assert.deepEqual(
    watched.events.filter(({ type }) => type === 'withdrawn'),
    [],
  )
})

test('a file that was closed after writing is offered without another look at everything', async (t) => {
  const path = await scratch(t)
  const watched = watchIncoming(t, path, { scanInterval: 3_600_000, settle: 3_600_000, sure: 3_600_000 })
  await eventually(() => watched.state?.available === true, 'it is watched')
  writeFileSync(join(path, 'closed'), 'closed')
  writeFileSync(join(path, '.being-written'), 'moved')
  const writing = openSync(join(path, 'open'), 'w')
  t.after(() => closeSync(writing))
  writeSync(writing, 'some')
  renameSync(join(path, '.being-written'), join(path, 'moved'))
  await Promise.all([watched.offer('closed'), watched.offer('moved')])
  assert.ok(!watched.offers.some(({ name }) => name === 'open'))
})

test('a file that grows isn’t offered, nor removed while somebody has it open for writing', async (t) => {
  const path = await scratch(t)
  const writing = openSync(join(path, 'grows'), 'w')
  const watched = watchIncoming(t, path, { settle: 100, sure: 100 })
  for (let i = 0; i < 5; i++) {
    writeSync(writing, 'more')
    await watched.source.look?.()
    assert.deepEqual(watched.offers, [])
  }
  const [file] = await watched.offered(1)
  assert.ok(file)
  for (let tries = 0; tries < 5; tries++) {
    const removal = await watched.source.remove(file)
    assert.equal(removal.outcome, 'early')
    await new Promise((resolve) => setTimeout(resolve, 60))
  }
  assert.equal(readFileSync(join(path, 'grows'), 'utf8'), 'more'.repeat(5))
  closeSync(writing)
  assert.match(await removed(watched.source, file), /^(removed|changed)$/)
})

test('a changed file isn’t removed as what it was, whatever its size and time of change', async (t) => {
  const path = await scratch(t)
  for (const name of ['rewritten', 'replaced', 'appended']) writeOld(join(path, name), 'first')
  const watched = watchIncoming(t, path)
  await watched.offered(3)
  const files = await Promise.all(['rewritten', 'replaced', 'appended'].map((name) => watched.offer(name)))
  writeOld(join(path, 'rewritten'), 'other')
  writeOld(join(path, 'new'), 'other')
  renameSync(join(path, 'new'), join(path, 'replaced'))
  writeFileSync(join(path, 'appended'), 'more', { flag: 'a' })
  for (const file of files) {
    await assert.rejects(watched.source.read(file), { code: 'ERR_SUSTEN_CHANGED' })
    assert.equal(await removed(watched.source, file), 'changed')
  }
  assert.deepEqual(readdirSync(path).sort(), ['appended', 'replaced', 'rewritten'])
  await eventually(() => new Set(watched.offers.map(({ version }) => version)).size >= 6, 'they are offered anew')
  for (const name of ['rewritten', 'replaced', 'appended']) {
    assert.equal(await removed(watched.source, await watched.offer(name)), 'removed')
  }
})

test('files that arrive all the time arrive whole, in their last version, and go', async (t) => {
  const path = await scratch(t)
  const source = openIncoming({ path, settle: 50, sure: 100, scanInterval: 20 })
  t.after(() => source.close())
  const [contents, taken] = await Promise.all([produce(path, 300), consume(source, 300)])
  assert.deepEqual(new Map([...taken].sort()), new Map([...contents].sort()))
  assert.deepEqual(readdirSync(path).sort(), ['run 0', 'run 1', 'run 2'])
})

test('versions outlive a restart, and files of earlier runs are removed', async (t) => {
  const path = await scratch(t)
  writeFileSync(join(path, 'file'), 'file')
  const before = watchIncoming(t, path)
  const file = await before.offer('file')
  await before.source.close()
  const after = watchIncoming(t, path)
  assert.equal((await after.offer('file')).version, file.version)
  await after.stop()
  assert.equal(await removed(after.source, file), 'removed')
})

test('what is removed too early, or never, is told', async (t) => {
  const path = await scratch(t)
  writeFileSync(join(path, 'file'), 'file')
  const patient = watchIncoming(t, path, { sure: 3_600_000, id: 'patient' })
  const removal = await patient.source.remove(await patient.offer('file'))
  assert.ok(removal.outcome === 'early' && removal.after > 3_500_000)
  const keeper = watchIncoming(t, path, { remove: false, id: 'keeper' })
  assert.equal((await keeper.source.remove(await keeper.offer('file'))).outcome, 'kept')
  assert.ok(existsSync(join(path, 'file')))
})

test('names are bytes: hostile ones are offered and removed, each itself; links and pipes are none', async (t) => {
  const path = await scratch(t)
  const names = [
    'new\nline',
    'tab\t',
    'star*',
    'lit\\#012',
    'a/\xff\xfe',
    'a/\xc3\xa4',
    'esc\x1b[2J',
    '%0A',
    '-rf',
    ' ',
  ]
  mkdirSync(join(path, 'a'))
  const at = (name: string): Buffer => Buffer.from(`${path}/${name}`, 'latin1')
  for (const name of names) writeOld(at(name), name)
  symlinkSync('/etc/passwd', join(path, 'link'))
  symlinkSync('/etc', join(path, 'etc'))
  execFileSync('mkfifo', [join(path, 'pipe')])
  mkdirSync(join(path, '.susten-x'))
  writeOld(join(path, '.susten-x', 'x'), 'x')
  const watched = watchIncoming(t, path)
  const offers = await watched.offered(names.length)
  await watched.source.look?.()
  assert.equal(watched.offers.length, names.length)
  const refused = watched.events.filter(({ type }) => type === 'refused')
  assert.equal(refused.length, 1)
  for (const file of offers) {
    const place = await watched.source.locate?.(file)
    assert.ok(
      place?.type === 'path' && statSync(Buffer.concat([Buffer.from(`${path}/`), Buffer.from(place.name as string)])),
    )
    assert.equal(await removed(watched.source, file), 'removed')
  }
  assert.deepEqual(readdirSync(path).sort(), ['.susten-x', 'a', 'etc', 'link', 'pipe'])
  const [file] = offers as [FileOffer]
  for (const name of ['../x', '/etc/passwd', '.susten-x/x', '']) {
    assert.equal((await watched.source.remove({ ...file, name })).outcome, 'kept')
  }
  const passwd = statSync('/etc/passwd', { bigint: true })
  const version = versionOf({ ...passwd, size: Number(passwd.size) })
  for (const name of ['link', 'etc/passwd', 'pipe']) {
    await assert.rejects(watched.source.read({ ...file, name, version }), name)
    assert.match(await removed(watched.source, { ...file, name, version }), /^(changed|gone)$/)
  }
  assert.ok(existsSync('/etc/passwd'))
})

test('a file system that is unmounted is unavailable; nothing is gone, nothing below it is touched', {
  skip: whyNot('tmpfs') ?? false,
}, async (t) => {
  const data = mount('tmpfs')
  const path = mkdtempSync(join(tmpdir(), 'susten-incoming-'))
  execFileSync('mount', ['--bind', data.path, path])
  writeOld(join(path, 'file'), 'file')
  const watched = watchIncoming(t, path)
  t.after(() => {
    spawnSync('umount', ['-l', path])
    rmSync(path, { recursive: true })
    data.unmount()
  })
  const file = await watched.offer('file')
  execFileSync('umount', ['-l', path])
  writeOld(join(path, 'file'), 'below')
  await eventually(() => watched.state?.available === false, 'unavailable')
  assert.equal(watched.state?.failure?.code, 'ERR_SUSTEN_STORAGE')
  await assert.rejects(watched.source.remove(file), { code: 'ERR_SUSTEN_STORAGE' })
  await assert.rejects(watched.source.read(file), { code: 'ERR_SUSTEN_STORAGE' })
  assert.equal(readFileSync(join(path, 'file'), 'utf8'), 'below')
  assert.deepEqual(
    watched.events.filter(({ type }) => type === 'withdrawn'),
    [],
  )
  execFileSync('mount', ['--bind', data.path, path])
  writeOld(join(path, 'new'), 'new')
  await watched.offer('new')
  assert.equal(await removed(watched.source, file), 'removed')
  assert.deepEqual(watched.offers.map(({ name }) => name).sort(), ['file', 'new'])
  execFileSync('umount', ['-l', path])
  assert.equal(readFileSync(join(path, 'file'), 'utf8'), 'below')
})

test('with a mount point, nothing is read until something is mounted there', {
  skip: whyNot('tmpfs') ?? false,
}, async (t) => {
  const path = await scratch(t)
  writeOld(join(path, 'file'), 'file')
  const watched = watchIncoming(t, path, { mountPoint: path })
  await eventually(() => watched.state?.failure?.code === 'ERR_SUSTEN_STORAGE', 'it is said')
  assert.deepEqual(watched.offers, [])
})

test('a directory that is missing, or none, is told by its name, and read once it is there', async (t) => {
  const path = join(await scratch(t), 'later')
  const watched = watchIncoming(t, path)
  await eventually(() => watched.state?.failure?.code === 'ENOENT', 'it is missing')
  const todo = '(make or mount it, or correct the path of the source)'
  assert.equal(watched.state?.failure?.message, `ENOENT: there is no directory '${path}' ${todo}`)
  writeFileSync(path, '')
  await eventually(() => watched.state?.failure?.code === 'ENOTDIR', 'it is a file')
  assert.equal(watched.state?.failure?.message, `ENOTDIR: '${path}' is no directory ${todo}`)
  rmSync(path)
  mkdirSync(path)
  writeOld(join(path, 'file'), 'file')
  await watched.offered(1)
})

test('a file that vanishes is told, once it is certain; a directory that can’t be read says nothing', async (t) => {
  const path = await scratch(t)
  for (const name of ['a', 'b']) writeOld(join(path, name), name)
  const watched = watchIncoming(t, path)
  await watched.offered(2)
  const file = await watched.offer('a')
  rmSync(join(path, 'a'))
  await eventually(() => watched.events.some(({ type }) => type === 'withdrawn'), 'withdrawn')
  const withdrawn = watched.events.filter(({ type }) => type === 'withdrawn')
  assert.deepEqual(withdrawn, [{ type: 'withdrawn', name: 'a', version: file.version }])
  rmSync(path, { recursive: true })
  await eventually(() => watched.state?.available === false, 'unavailable')
  assert.equal(watched.events.filter(({ type }) => type === 'withdrawn').length, 1)
})

test('what a dead process had put away gets its name back', async (t) => {
  const path = await scratch(t)
  const source = openIncoming({ path, id: 'one', ...quick })
  await source.close()
  const { createHash } = await import('node:crypto')
  const tag = createHash('sha256').update('one').digest('hex').slice(0, 16)
  mkdirSync(join(path, 'run'))
  // As a release leaves it that was killed: a private directory, with the file under its own name.
  const hidden = join(path, 'run', `.susten-${tag}-0123456789abcdef-0123456789abcdef.tmp`)
  mkdirSync(hidden)
  execFileSync('chmod', ['1700', hidden])
  writeOld(join(hidden, 'file'), 'file')
  const watched = watchIncoming(t, path, { id: 'one' })
  await watched.offer('run/file')
  assert.equal(readFileSync(join(path, 'run', 'file'), 'utf8'), 'file')
})

test('where nobody tells of writers, a file is looked at and unlinked, and through no link', async (t) => {
  const path = (await scratch(t)) as ByteString
  const file = join(path, 'dir', 'file')
  mkdirSync(join(path, 'dir'))
  writeFileSync(file, 'file')
  const name = 'dir/file' as ByteString
  const marks = await lookBeneath(path, name)
  assert.ok(marks)
  const version = versionOf(marks)
  const other = versionOf({ ...marks, ctimeNs: marks.ctimeNs + 1n })
  assert.equal(await unlinkBeneath(path, name, other), 'changed')
  assert.equal(await unlinkBeneath(path, 'dir/none' as ByteString, version), 'gone')
  renameSync(join(path, 'dir'), join(path, 'aside'))
  symlinkSync('aside', join(path, 'dir'))
  assert.equal(await lookBeneath(path, name), undefined)
  assert.equal(await unlinkBeneath(path, name, version), 'gone')
  assert.ok(existsSync(join(path, 'aside', 'file')))
  rmSync(join(path, 'dir'))
  renameSync(join(path, 'aside'), join(path, 'dir'))
  linkSync(file, join(path, 'second name'))
  assert.equal(await unlinkBeneath(path, name, version), 'changed', 'another name changes a file')
  const now = await lookBeneath(path, name)
  assert.ok(now)
  assert.equal(await unlinkBeneath(path, name, versionOf(now)), 'removed')
  assert.equal(readFileSync(join(path, 'second name'), 'utf8'), 'file')
})

test('files of others are removed too where the directory allows it', { skip: needsRoot }, async (t) => {
  const path = await scratch(t)
  chmodSync(path, 0o777)
  for (const name of ['file', 'changing']) writeOld(join(path, name), name)
  process.seteuid?.(65_534)
  t.after(() => process.seteuid?.(0))
  const watched = watchIncoming(t, path)
  await watched.offered(2)
  const [file, changing] = [await watched.offer('file'), await watched.offer('changing')]
  process.seteuid?.(0)
  writeOld(join(path, 'changing'), 'changed!')
  process.seteuid?.(65_534)
  // It can't notice writers to files of others: that takes a privilege, or being the owner.
  assert.equal(await removed(watched.source, file), 'removed')
  assert.equal(await removed(watched.source, changing), 'changed')
  assert.deepEqual(readdirSync(path), ['changing'])
  await watched.source.close()
  process.seteuid?.(0)
})

test('a read-only file system keeps its files, and says so', { skip: whyNot('tmpfs') ?? false }, async (t) => {
  const tmpfs = mount('tmpfs')
  writeOld(join(tmpfs.path, 'file'), 'file')
  execFileSync('mount', ['-o', 'remount,ro', tmpfs.path])
  const watched = watchIncoming(t, tmpfs.path)
  t.after(() => tmpfs.unmount())
  const file = await watched.offer('file')
  await eventually(async () => (await watched.source.remove(file)).outcome === 'kept', 'it is kept')
})

test('a closed source asks no more; options that make no sense are refused by name', async (t) => {
  const path = await scratch(t)
  writeOld(join(path, 'file'), 'file')
  const watched = watchIncoming(t, path)
  const file = await watched.offer('file')
  await watched.source.close()
  await assert.rejects(watched.source.remove(file), { code: 'ERR_SUSTEN_CLOSED' })
  await assert.rejects(watched.source.read(file), { code: 'ERR_SUSTEN_CLOSED' })
  assert.ok(existsSync(join(path, 'file')))
  const wrong: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ path: '' }, /path/],
    [{ path: 7 }, /path/],
    [{ settle: -1 }, /settle/],
    [{ settle: 10, sure: 5 }, /sure/],
    [{ remove: 'no' }, /remove/],
    [{ scanintervall: 1 }, /unknown/],
  ]
  for (const [options, name] of wrong) {
    assert.throws(() => openIncoming({ path, ...options }), { code: 'ERR_SUSTEN_OPTION', message: name })
  }
})
