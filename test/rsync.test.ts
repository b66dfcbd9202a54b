import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { FileOffer, FilePlace, FileSource } from '#lib/source/files.js'
import { eventually } from './support/dcu-world.js'
import { rsyncWorld, whyNoRsync } from './support/rsync-world.js'
import { consume, produce } from './support/source-stream.js'
import { removed, whole } from './support/source-world.js'

const skip = whyNoRsync ?? false

const raw = (text: string | Uint8Array): string =>
  typeof text === 'string' ? text : Buffer.from(text).toString('latin1')

/** Where a file is, as bytes. */
function fileOf(place: FilePlace | undefined): Buffer {
  assert.equal(place?.type, 'path')
  const bytes = (part: string | Uint8Array): Buffer => Buffer.from(part as string)
  return Buffer.concat([bytes(place.root), Buffer.from('/'), bytes(place.name)])
}

async function located(source: FileSource, file: FileOffer): Promise<Buffer> {
  return readFileSync(fileOf(await source.locate?.(file)))
}

/** All that is left in the staging directory: files, at any depth. */
function staged(directory: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter(
    (name) => !name.endsWith('.lock') && statSync(join(directory, name)).isFile(),
  )
}

test('files of a daemon are offered, fetched whole, and removed one by one', { skip }, async (t) => {
  const world = await rsyncWorld(t)
  mkdirSync(join(world.served, 'lyso/run 1'), { recursive: true })
  mkdirSync(join(world.served, 'nothing'))
  writeFileSync(join(world.served, 'lyso/run 1/lyso_00001.cbf'), 'image 1')
  writeFileSync(join(world.served, 'lyso/run 1/lyso_00002.cbf'), 'image 2')
  writeFileSync(join(world.served, 'empty.log'), '')
  utimesSync(join(world.served, 'empty.log'), 1e9, 1e9)
  const watched = world.watch()
  const offers = await watched.offered(3)
  assert.deepEqual(offers.map(({ path }) => path).sort(), [
    'empty.log',
    'lyso/run 1/lyso_00001.cbf',
    'lyso/run 1/lyso_00002.cbf',
  ])
  const empty = await watched.offer('empty.log')
  assert.deepEqual([empty.size, empty.mtime, empty.version], [0, 1e12, '0:1000000000'])
  const contents = await Promise.all(offers.map((file) => located(watched.source, file)))
  assert.deepEqual(contents.map(String).sort(), ['', 'image 1', 'image 2'])
  const first = await watched.offer('lyso/run 1/lyso_00001.cbf')
  assert.equal(await removed(watched.source, first), 'removed')
  assert.ok(!existsSync(join(world.served, 'lyso/run 1/lyso_00001.cbf')))
  const others = ['empty.log', 'lyso', 'lyso/run 1', 'lyso/run 1/lyso_00002.cbf', 'nothing']
  assert.deepEqual(readdirSync(world.served, { recursive: true }).sort(), others)
  assert.equal(await removed(watched.source, first), 'gone')
  // Its directory stays, empty or not: a detector may be about to write there.
  const last = await watched.offer('lyso/run 1/lyso_00002.cbf')
  assert.equal(await removed(watched.source, last), 'removed')
  assert.deepEqual(readdirSync(world.served, { recursive: true }).sort(), [
    'empty.log',
    'lyso',
    'lyso/run 1',
    'nothing',
  ])
  assert.deepEqual(
    watched.events.filter(({ type }) => type === 'withdrawn'),
    [],
  )
})

test('a file that was fetched is dropped when it is no longer needed, and read without a trace', {
  skip,
}, async (t) => {
  const world = await rsyncWorld(t)
  for (const name of ['a', 'b', 'c']) writeFileSync(join(world.served, name), name.repeat(1000))
  const watched = world.watch()
  await watched.offered(3)
  const [a, b, c] = [await watched.offer('a'), await watched.offer('b'), await watched.offer('c')]
  const places = await Promise.all([a, b].map((file) => watched.source.locate?.(file)))
  assert.equal(statSync(fileOf(places[0])).mode & 0o777, 0o600)
  assert.equal(statSync(world.staging).mode & 0o777, 0o700)
  assert.equal(staged(world.staging).length, 2)
  await watched.source.release?.(a)
  assert.ok(!existsSync(fileOf(places[0])) && existsSync(fileOf(places[1])))
  await watched.source.release?.(b)
  assert.deepEqual(staged(world.staging), [])
  const body = await watched.source.read(c)
  assert.equal(body.size, 1000)
  assert.equal(String(await whole(body)), 'c'.repeat(1000))
  const unread = await watched.source.read(c)
  await (unread.content as AsyncGenerator<Uint8Array>).return(undefined)
  assert.deepEqual(staged(world.staging), [])
  await watched.source.locate?.(c)
  await watched.source.close()
  assert.deepEqual(staged(world.staging), [], 'nothing outlives the source')
})

test('what a dead process left in the staging directory is swept, and two live ones keep apart', {
  skip,
}, async (t) => {
  const world = await rsyncWorld(t)
  writeFileSync(join(world.served, 'a'), 'a')
  const first = world.watch({ id: 'one' })
  await first.source.locate?.(await first.offer('a'))
  assert.equal(staged(world.staging).length, 1)
  const [directory = ''] = readdirSync(world.staging).filter((name) => !name.endsWith('.lock'))
  const other = world.watch({ id: 'two' })
  await other.offer('a')
  assert.equal(staged(world.staging).length, 1, 'another source leaves it alone')
  const rival = world.watch({ id: 'one' })
  await eventually(() => rival.state?.failure?.code === 'ERR_SUSTEN_LOCKED', 'the same source twice is refused')
  await first.source.close()
  mkdirSync(join(world.staging, directory, '7', 'x'), { recursive: true, mode: 0o700 })
  writeFileSync(join(world.staging, directory, '7', 'x', 'left'), 'by a dead process')
  await rival.source.look?.()
  await rival.offer('a')
  assert.deepEqual(staged(world.staging), [])
})

test('a staging directory that others can get into is refused', { skip }, async (t) => {
  const world = await rsyncWorld(t)
  mkdirSync(world.staging, { mode: 0o755 })
  const watched = world.watch()
  await eventually(() => watched.state?.failure?.code === 'ERR_SUSTEN_OPTION', 'it is said')
  rmSync(world.staging, { recursive: true })
  symlinkSync(world.served, world.staging)
  const file = { name: 'a', path: 'a', version: '1:1', exact: true, seen: 0 }
  await assert.rejects(async () => watched.source.locate?.(file), { code: 'ERR_SUSTEN_OPTION' })
})

const hostile = [
  '#comment',
  ';comment',
  '-rf',
  '+ plus',
  '- minus',
  ' lead',
  'trail ',
  'x -> y',
  'star*',
  'question?',
  'class[abc]',
  'back\\slash',
  'back\\slash*',
  'end\\',
  'lit\\#012x',
  'lit\\#012',
  'a/new\nline',
  'a/trail\n',
  'a/cr\r',
  'a/tab\t',
  'a/esc\x1b[2J',
  'b*/c',
  'bx/c',
  '**/deep/**',
  'a/\xff\xfe',
  'a/\xc3\xa4',
  'a/\xc2\x9b',
  '%41',
  '%0A',
  `${'n'.repeat(255)}`,
]

test('names are bytes: hostile ones are fetched and removed, each itself and nothing else', { skip }, async (t) => {
  const world = await rsyncWorld(t)
  const at = (name: string): Buffer => Buffer.from(`${world.served}/${name}`, 'latin1')
  for (const name of hostile) {
    const slash = name.lastIndexOf('/')
    if (slash > 0) mkdirSync(at(name.slice(0, slash)), { recursive: true })
    writeFileSync(at(name), `content of ${name}`, 'latin1')
  }
  const watched = world.watch()
  const offers = await watched.offered(hostile.length)
  assert.equal(new Set(offers.map(({ name }) => name)).size, hostile.length)
  assert.equal(new Set(offers.map(({ path }) => raw(path))).size, hostile.length)
  for (const { path } of offers) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    assert.ok(!/[\x00-\x1f\x7f]/.test(raw(path)), raw(path))
  }
  const contents = await Promise.all(offers.map((file) => located(watched.source, file)))
  const expected = hostile.map((name) => `content of ${name}`).sort()
  assert.deepEqual(contents.map((content) => content.toString('latin1')).sort(), expected)
  // Half of them, then the other half.
  for (const half of [0, 1]) {
    const going = offers.filter((_, index) => index % 2 === half)
    const outcomes = await Promise.all(going.map((file) => removed(watched.source, file)))
    assert.deepEqual(new Set(outcomes), new Set(['removed']))
    const left = hostile.filter((name) => existsSync(at(name)))
    const kept = offers.flatMap((_, index) =>
      half === 0 && index % 2 === 1 ? [contents[index]?.toString('latin1')] : [],
    )
    assert.deepEqual(left.map((name) => `content of ${name}`).sort(), kept.sort())
  }
})

test('links, pipes and directories are no files, and reserved names are refused, once', { skip }, async (t) => {
  const world = await rsyncWorld(t)
  symlinkSync('/etc/passwd', join(world.served, 'link'))
  execFileSync('mkfifo', [join(world.served, 'pipe')])
  mkdirSync(join(world.served, '.susten-0.tmp'))
  writeFileSync(join(world.served, '.susten-0.tmp', 'x'), 'x')
  writeFileSync(join(world.served, 'file'), 'file')
  const watched = world.watch()
  await watched.offer('file')
  await watched.source.look?.()
  await watched.source.look?.()
  assert.deepEqual(
    watched.offers.map(({ name }) => name),
    ['file'],
  )
  const refused = watched.events.filter(({ type }) => type === 'refused')
  assert.deepEqual(
    refused.map((event) => 'name' in event && [event.name, event.type]),
    [['.susten-0.tmp/x', 'refused']],
  )
  assert.equal(watched.state?.details['refused'], '1')
  const file = { ...(await watched.offer('file')), name: '.susten-0.tmp/x' }
  assert.equal((await watched.source.remove(file)).outcome, 'kept')
  for (const name of ['../outside', '/etc/passwd', 'a/../../b', '']) {
    assert.equal((await watched.source.remove({ ...file, name })).outcome, 'kept', name)
  }
})

test('a file that grows is offered when it has stopped, and again when it changes', { skip }, async (t) => {
  const world = await rsyncWorld(t)
  const path = join(world.served, 'grows')
  writeFileSync(path, 'a')
  const watched = world.watch({ settle: 400, sure: 400 })
  for (let size = 2; size < 5; size++) {
    await watched.source.look?.()
    assert.deepEqual(watched.offers, [], 'not while it grows')
    writeFileSync(path, 'a'.repeat(size))
  }
  const first = await watched.offer('grows')
  assert.equal(first.size, 4)
  writeFileSync(path, 'b'.repeat(10))
  assert.deepEqual(await watched.source.remove(first), { outcome: 'changed' })
  assert.equal(readFileSync(path, 'utf8'), 'b'.repeat(10))
  await assert.rejects(async () => watched.source.locate?.(first), { code: 'ERR_SUSTEN_CHANGED' })
  const second = (await watched.offered(2))[1]
  assert.ok(second)
  assert.equal(second.size, 10)
  assert.notEqual(second.version, first.version)
  assert.equal(await removed(watched.source, second), 'removed')
})

test('another content of the same size and another time is another version', { skip }, async (t) => {
  const world = await rsyncWorld(t)
  const path = join(world.served, 'same')
  writeFileSync(path, 'one')
  utimesSync(path, 1000, 1000)
  const watched = world.watch()
  const first = await watched.offer('same')
  writeFileSync(path, 'two')
  utimesSync(path, 1001, 1001)
  assert.deepEqual(await watched.source.remove(first), { outcome: 'changed' })
  await assert.rejects(watched.source.read(first), { code: 'ERR_SUSTEN_CHANGED' })
  assert.equal(readFileSync(path, 'utf8'), 'two')
  assert.equal((await watched.offered(2))[1]?.version, '3:1001')
})

test('a version is exact only once no other content could get the same one', { skip }, async (t) => {
  const world = await rsyncWorld(t)
  writeFileSync(join(world.served, 'file'), 'file')
  const early = world.watch({ id: 'early' })
  assert.equal((await early.offer('file')).exact, false)
  const late = world.watch({ id: 'late', settle: 1000, sure: 1000 })
  assert.equal((await late.offer('file')).exact, true)
})

test('other content under a name that was offered is seen when it came; what merely grows is what it was', {
  skip,
}, async (t) => {
  const world = await rsyncWorld(t)
  const path = join(world.served, 'a.cbf')
  writeFileSync(path, 'image')
  const watched = world.watch({ sure: 500 })
  const first = await watched.offer('a.cbf')
  const overwritten = Date.now()
  writeFileSync(path, 'abc')
  const [, other] = await watched.offered(2)
  assert.ok((other?.seen ?? 0) >= overwritten && first.seen < overwritten)
  writeFileSync(path, 'abcd')
  const [, , grown] = await watched.offered(3)
  assert.deepEqual([grown?.size, grown?.seen], [4, other?.seen])
})

test('a version that comes back after a removal met another one is offered anew', { skip }, async (t) => {
  const world = await rsyncWorld(t)
  const path = join(world.served, 'a.cbf')
  const write = (content: string, time: number): void => {
    writeFileSync(path, content)
    utimesSync(path, time, time)
  }
  write('image', 1e9)
  const watched = world.watch({ sure: 300, idlePause: 100 })
  const file = await watched.offer('a.cbf')
  write('other', 1e9 + 1)
  assert.equal(await removed(watched.source, file), 'changed')
  write('image', 1e9)
  const before = watched.offers.length
  await eventually(() => watched.offers.length > before, 'it is offered anew')
  assert.equal(watched.offers.at(-1)?.version, file.version)
  assert.equal(await removed(watched.source, file), 'removed')
})

test('a removal that comes too early is told when it isn’t any more', { skip }, async (t) => {
  const world = await rsyncWorld(t)
  writeFileSync(join(world.served, 'file'), 'file')
  const watched = world.watch({ sure: 3_600_000 })
  const file = await watched.offer('file')
  const removal = await watched.source.remove(file)
  assert.equal(removal.outcome, 'early')
  assert.ok('after' in removal && removal.after > 3_500_000)
  assert.ok(existsSync(join(world.served, 'file')))
})

test('after a restart files of earlier runs are removed, once they were seen for long enough', { skip }, async (t) => {
  const world = await rsyncWorld(t)
  writeFileSync(join(world.served, 'file'), 'file')
  const before = world.watch()
  const file = await before.offer('file')
  await before.source.close()
  const after = world.source()
  assert.equal((await after.remove(file)).outcome, 'early')
  assert.equal(await removed(after, file), 'removed')
})

for (const module of ['readonly', 'keeps']) {
  test(`a daemon that removes nothing (module ${module}) keeps the file, and why is told`, { skip }, async (t) => {
    const world = await rsyncWorld(t)
    writeFileSync(join(world.served, 'file'), 'file')
    const watched = world.watch({ module })
    const file = await watched.offer('file')
    assert.equal(String(await located(watched.source, file)), 'file')
    await eventually(async () => (await watched.source.remove(file)).outcome === 'kept', 'it is kept')
    const removal = await watched.source.remove(file)
    assert.match('reason' in removal ? removal.reason : '', module === 'readonly' ? /read only/ : /refuse/)
    assert.ok(existsSync(join(world.served, 'file')))
  })
}

test('a directory in the place of a file is not removed, empty or not', { skip }, async (t) => {
  const world = await rsyncWorld(t)
  for (const name of ['full', 'empty']) writeFileSync(join(world.served, name), name)
  const watched = world.watch()
  const [full, empty] = [await watched.offer('full'), await watched.offer('empty')]
  for (const name of ['full', 'empty']) {
    rmSync(join(world.served, name))
    mkdirSync(join(world.served, name))
  }
  writeFileSync(join(world.served, 'full', 'x'), 'x')
  assert.equal(await removed(watched.source, full), 'changed')
  assert.equal(await removed(watched.source, empty), 'changed')
  assert.deepEqual(readdirSync(world.served, { recursive: true }).sort(), ['empty', 'full', 'full/x'])
})

test('while the daemon is away nothing is offered or taken for gone; then it goes on', { skip }, async (t) => {
  const world = await rsyncWorld(t)
  writeFileSync(join(world.served, 'file'), 'file')
  const watched = world.watch()
  const file = await watched.offer('file')
  await world.stop()
  await eventually(() => watched.state?.available === false, 'unavailable')
  assert.equal(watched.state?.failure?.code, 'ERR_SUSTEN_SERVER')
  await assert.rejects(watched.source.remove(file), { code: 'ERR_SUSTEN_SERVER' })
  await assert.rejects(async () => watched.source.locate?.(file), { code: 'ERR_SUSTEN_SERVER' })
  rmSync(join(world.served, 'file'))
  writeFileSync(join(world.served, 'new'), 'new')
  assert.deepEqual(
    watched.events.filter(({ type }) => type === 'withdrawn'),
    [],
  )
  await world.start()
  await watched.offer('new')
  await eventually(() => watched.events.some(({ type }) => type === 'withdrawn'), 'the file is withdrawn')
  assert.equal(watched.state?.available, true)
})

test('of a directory of the module, files below it are fetched and removed, by names that begin there', {
  skip,
}, async (t) => {
  const world = await rsyncWorld(t)
  mkdirSync(join(world.served, 'run 7/deep'), { recursive: true })
  writeFileSync(join(world.served, 'run 7/deep/image'), 'image')
  writeFileSync(join(world.served, 'other'), 'other')
  const { source, offered } = world.watch({ path: '/run 7' })
  const [file, ...more] = await offered(1)
  assert.ok(file)
  assert.deepEqual([file.path, more], ['deep/image', []])
  assert.equal((await located(source, file)).toString(), 'image')
  assert.equal((await whole(await source.read(file))).toString(), 'image')
  assert.equal(await removed(source, file), 'removed')
  assert.deepEqual(readdirSync(world.served).sort(), ['other', 'run 7'])
  assert.ok(!existsSync(join(world.served, 'run 7/deep/image')))
})

test('a directory that is missing is no empty one', { skip }, async (t) => {
  const world = await rsyncWorld(t)
  mkdirSync(join(world.served, 'data'))
  writeFileSync(join(world.served, 'data', 'file'), 'file')
  const watched = world.watch({ path: '/data' })
  const file = await watched.offer('file')
  rmSync(join(world.served, 'data'), { recursive: true })
  await eventually(() => watched.state?.available === false, 'unavailable')
  assert.deepEqual(
    watched.events.filter(({ type }) => type === 'withdrawn'),
    [],
  )
  await assert.rejects(watched.source.remove(file))
  const other = world.watch({ id: 'other', module: 'nosuch' })
  await eventually(() => other.state?.failure !== undefined, 'an unknown module is told')
  assert.match(other.state?.failure?.message ?? '', /nosuch/)
})

test('a list that lacks what can’t be read says nothing of what is gone', {
  skip: skip || process.geteuid?.() !== 0,
}, async (t) => {
  const world = await rsyncWorld(t, ['uid = nobody', 'gid = nogroup'])
  execFileSync('chmod', ['755', join(world.served, '..')])
  mkdirSync(join(world.served, 'closed'))
  writeFileSync(join(world.served, 'closed', 'file'), 'file')
  writeFileSync(join(world.served, 'gone'), 'gone')
  execFileSync('chmod', ['777', world.served])
  const watched = world.watch()
  const [file, gone] = [await watched.offer('closed/file'), await watched.offer('gone')]
  execFileSync('chmod', ['0', join(world.served, 'closed')])
  rmSync(join(world.served, 'gone'))
  await eventually(() => watched.state?.details['unreadable'] !== undefined, 'it is told')
  for (let looks = 0; looks < 4; looks++) await watched.source.look?.()
  assert.equal(watched.state?.available, true)
  assert.deepEqual(
    watched.events.filter(({ type }) => type === 'withdrawn'),
    [],
  )
  const outcomes = await Promise.allSettled([watched.source.remove(file), watched.source.remove(gone)])
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'fulfilled'],
  )
  assert.deepEqual(outcomes[1]?.status === 'fulfilled' && outcomes[1].value, { outcome: 'gone' })
  writeFileSync(join(world.served, 'new'), 'new')
  await watched.offer('new')
})

test('files that are asked for together come in one transfer', { skip }, async (t) => {
  const world = await rsyncWorld(t)
  const count = 300
  for (let i = 0; i < count; i++) writeFileSync(join(world.served, `file ${i}`), `content ${i}`)
  const watched = world.watch()
  const offers = await watched.offered(count)
  const places = await Promise.all(offers.map((file) => watched.source.locate?.(file)))
  const roots = new Set(places.map((place) => (place?.type === 'path' ? String(place.root) : '')))
  assert.equal(roots.size, 1)
  const outcomes = await Promise.all(offers.map((file) => removed(watched.source, file)))
  assert.deepEqual(new Set(outcomes), new Set(['removed']))
  assert.deepEqual(readdirSync(world.served), [])
})

test('of one transfer, what is gone or has grown fails alone', { skip }, async (t) => {
  const world = await rsyncWorld(t)
  for (const name of ['good', 'gone', 'grown']) writeFileSync(join(world.served, name), name)
  const watched = world.watch()
  await watched.offered(3)
  const files = await Promise.all(['good', 'gone', 'grown'].map((name) => watched.offer(name)))
  rmSync(join(world.served, 'gone'))
  writeFileSync(join(world.served, 'grown'), 'grown'.repeat(100_000))
  const results = await Promise.allSettled(files.map(async (file) => String(await located(watched.source, file))))
  assert.deepEqual(
    results.map((result) => (result.status === 'fulfilled' ? result.value : (result.reason as { code: string }).code)),
    ['good', 'ENOENT', 'ERR_SUSTEN_CHANGED'],
  )
  assert.equal(staged(world.staging).length, 1)
})

test('files that arrive all the time arrive whole, in their last version, and go', { skip }, async (t) => {
  const world = await rsyncWorld(t)
  const source = world.source({ settle: 1000, sure: 1100 })
  const [contents, taken] = await Promise.all([produce(world.served, 200), consume(source, 200)])
  assert.deepEqual(new Map([...taken].sort()), new Map([...contents].sort()))
  assert.deepEqual(readdirSync(world.served).sort(), ['run 0', 'run 1', 'run 2'])
  assert.deepEqual(staged(world.staging), [])
})

test('no more files than wanted are dealt with at once; the others come when there is room', { skip }, async (t) => {
  const world = await rsyncWorld(t)
  for (let i = 0; i < 5; i++) writeFileSync(join(world.served, `file ${i}`), '')
  const watched = world.watch({ maxFiles: 2 })
  for (let round = 0; round < 5; round++) {
    await watched.offered(Math.min(5, round + 2))
    if (round === 0) {
      await eventually(() => watched.state?.details['waiting'] === '3', 'three wait')
      assert.equal(watched.offers.length, 2)
    }
    assert.equal(await removed(watched.source, watched.offers[round] as FileOffer), 'removed')
  }
  assert.deepEqual(readdirSync(world.served), [])
})

test('look: what was there before is seen when it resolves', { skip }, async (t) => {
  const world = await rsyncWorld(t)
  const watched = world.watch({ idlePause: 60_000, settle: 0 })
  await eventually(() => watched.state?.available === true, 'it answers')
  writeFileSync(join(world.served, 'file'), 'file')
  await watched.source.look?.()
  const now = Date.now()
  assert.ok((await watched.offer('file')).seen <= now)
})

test('a closed source asks no more, and says so', { skip }, async (t) => {
  const world = await rsyncWorld(t)
  writeFileSync(join(world.served, 'file'), 'file')
  const watched = world.watch()
  const file = await watched.offer('file')
  const under = [watched.source.remove(file), Promise.resolve(watched.source.locate?.(file))]
  const settled = Promise.allSettled(under)
  await watched.source.close()
  for (const result of await settled) assert.equal(result.status, 'rejected')
  await assert.rejects(watched.source.remove(file), { code: 'ERR_SUSTEN_CLOSED' })
  await assert.rejects(watched.source.read(file), { code: 'ERR_SUSTEN_CLOSED' })
  assert.ok(existsSync(join(world.served, 'file')))
})

test('options that make no sense are refused by name', { skip }, async (t) => {
  const world = await rsyncWorld(t)
  const wrong: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{ host: '-e sh' }, /host/],
    [{ host: 'a/b' }, /host/],
    [{ host: '' }, /host/],
    [{ port: 0 }, /port/],
    [{ module: 'a/b' }, /module/],
    [{ module: '..' }, /module/],
    [{ path: 'data' }, /path/],
    [{ path: '/a/../b' }, /path/],
    [{ path: '/a*' }, /path/],
    [{ staging: undefined }, /staging/],
    [{ minPause: -1 }, /minPause/],
    [{ sure: 1, settle: 2 }, /sure/],
    [{ prot: 1 }, /port/],
  ]
  for (const [options, name] of wrong) {
    assert.throws(() => world.source(options), { code: 'ERR_SUSTEN_OPTION', message: name })
  }
  assert.equal(world.source({ path: '/data//x/' }).id, `127.0.0.1:${world.port}/ramdisk/data/x`)
})
