import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { type TestContext, test } from 'node:test'
import { type Sighting, seen, untilOffered, untilSure } from '#lib/source/complete.js'
import type { FileOffer, SourceEvent } from '#lib/source/files.js'
import { pause } from '#lib/source/pace.js'
import { readFree, readList, readText } from '#lib/source/simplon/answers.js'
import { createCatalog } from '#lib/source/simplon/catalog.js'
import { claimOfCbf, claimOfHdf5, formatOf } from '#lib/source/simplon/claim.js'
import { factsOf, mayBe } from '#lib/source/simplon/version.js'
import { eventually } from './support/dcu-world.js'
import { removed } from './support/source-world.js'
import { turnsOf } from './support/turns.js'

const times = { arriving: 50, acquiring: 150, idle: 1000, longest: 5000 }
const calm = { sinceNew: 60_000, sinceBusy: 60_000, took: 0, failures: 0 }

test('the pace: fast while files arrive, steady while acquiring, slower and slower when idle', () => {
  assert.equal(pause(times, { ...calm, sinceNew: 0 }), 50)
  assert.equal(pause(times, { ...calm, sinceNew: 1999, sinceBusy: 0 }), 50)
  assert.equal(pause(times, { ...calm, sinceBusy: 0 }), 150)
  assert.equal(pause(times, { ...calm, sinceBusy: undefined }), 150, 'not knowing is no reason to be slow')
  const idle = [2000, 5000, 10_000, 19_000, 60_000].map((since) => pause(times, { ...calm, sinceNew: since }))
  assert.deepEqual(idle, [150, 250, 500, 950, 1000])
})

test('the pace: what a request takes is part of the interval, and a slow server is asked half of its time', () => {
  assert.equal(pause(times, { ...calm, sinceNew: 0, took: 10 }), 40)
  assert.equal(pause(times, { ...calm, sinceNew: 0, took: 25 }), 25)
  assert.equal(pause(times, { ...calm, sinceNew: 0, took: 400 }), 400)
  assert.equal(pause(times, { ...calm, sinceNew: 0, took: 60_000 }), 5000)
})

test('the pace: failures are followed by longer and longer waits, up to a limit', () => {
  const waits = [1, 2, 3, 4, 5, 6, 7, 50].map((failures) => pause(times, { ...calm, sinceNew: 0, failures }))
  for (const [i, wait] of waits.entries()) {
    assert.ok(wait >= Math.min(5000, 200 * 2 ** i) * 0.75 && wait <= Math.min(5000, 200 * 2 ** i), `${i}: ${wait}`)
  }
})

const patience = { settle: 40, sure: 2000 }
const sightings = (...looks: [version: string, at: number, age?: number][]): Sighting => {
  let sighting: Sighting | undefined
  for (const [version, at, age] of looks) sighting = seen(sighting, { version, age, asked: at - 1, answered: at + 1 })
  assert.ok(sighting)
  return sighting
}

test('a file is offered when it has looked the same for a while, and removable after a long while', () => {
  assert.equal(untilOffered(sightings(['a', 0]), patience), 40)
  assert.equal(
    untilOffered(sightings(['a', 0], ['a', 41]), patience),
    1,
    'between the first answer and the last question',
  )
  assert.equal(untilOffered(sightings(['a', 0], ['a', 42]), patience), 0)
  assert.equal(untilSure(sightings(['a', 0], ['a', 42]), patience, false), 1960)
  assert.equal(untilSure(sightings(['a', 0], ['a', 2002]), patience, false), 0)
})

test('a file that was seen to change must be quiet for long, and begins anew with every change', () => {
  const grown = sightings(['a', 0], ['b', 100], ['b', 200])
  assert.equal(untilOffered(grown, patience), 1902)
  assert.equal(untilOffered(sightings(['a', 0], ['b', 100], ['b', 2102]), patience), 0)
  assert.equal(untilOffered(sightings(['a', 0], ['b', 100], ['a', 2102]), patience), 2000)
})

test('what a file says of itself replaces settling, but never makes it removable', () => {
  const whole = seen(undefined, { version: 'a', age: undefined, asked: 0, answered: 1, claim: 'whole' })
  assert.deepEqual([untilOffered(whole, patience), untilSure(whole, patience, false)], [0, 2000])
  const part = seen(undefined, { version: 'a', age: undefined, asked: 0, answered: 1, claim: 'part' })
  assert.equal(untilOffered(part, patience), 2000)
  const later = seen(part, { version: 'a', age: undefined, asked: 2001, answered: 2002 })
  assert.equal(untilOffered(later, patience), 0, 'a broken file is a file, too')
  const grown = seen(part, { version: 'b', age: undefined, asked: 10, answered: 11, claim: 'whole' })
  assert.equal(untilOffered(grown, patience), 2000)
})

/** The beginning of an HDF5 file. */
function superblock(version: number, end: number, { base = 0, flags = 0, addresses = 8 } = {}): Buffer {
  const bytes = Buffer.alloc(64)
  bytes.write('\x89HDF\r\n\x1a\n', 'latin1')
  bytes.writeUInt8(version, 8)
  const at = [24, 28, 12, 12][version] ?? 12
  bytes.writeUInt8(addresses, version < 2 ? 13 : 9)
  if (version >= 2) bytes.writeUInt8(flags, 11)
  bytes.writeBigUInt64LE(BigInt(base), at)
  bytes.writeBigUInt64LE(BigInt(end), at + 16)
  return bytes
}

test('an HDF5 file says where it ends, in every version of its superblock', () => {
  for (const version of [0, 1, 2, 3]) {
    assert.equal(claimOfHdf5(superblock(version, 1000), 1000), 'whole')
    assert.equal(claimOfHdf5(superblock(version, 1000), 999), 'part')
    assert.equal(claimOfHdf5(superblock(version, 1000), 1001), undefined)
    assert.equal(claimOfHdf5(superblock(version, 1000, { base: 512 }), 1000), undefined)
    assert.equal(claimOfHdf5(superblock(version, 1000, { addresses: 4 }), 1000), undefined)
  }
  assert.equal(claimOfHdf5(superblock(3, 1000, { flags: 5 }), 1000), 'part', 'somebody writes to it')
  assert.equal(claimOfHdf5(superblock(4, 1000), 1000), undefined)
  assert.equal(claimOfHdf5(Buffer.alloc(64), 1000), 'part', 'it has no beginning yet')
  assert.equal(claimOfHdf5(Buffer.alloc(0), 0), 'part')
  for (const length of [3, 20]) assert.equal(claimOfHdf5(superblock(0, 20).subarray(0, length), length), 'part')
  assert.equal(claimOfHdf5(Buffer.from('something else'), 14), undefined)
})

/** The beginning of a CBF file whose binary data ends at 500. */
const cbf = (...fields: string[]): Buffer => {
  const header = Buffer.from(`###CBF: VERSION 1.5\r\n${fields.join('\r\n')}\r\n\r\n`)
  return Buffer.concat([header, Buffer.from('\x0c\x1a\x04\xd5', 'latin1')])
}

test('a CBF file says how much there is of it', () => {
  const start = cbf('X-Binary-Size: 1000', 'X-Binary-Size-Padding: 50')
  const end = start.length + 1050
  assert.equal(claimOfCbf(start, end), 'part')
  assert.equal(claimOfCbf(start, end + 10), undefined, 'something is missing, perhaps')
  assert.equal(claimOfCbf(start, end + 40), 'whole')
  assert.equal(claimOfCbf(cbf('X-Binary-Size: 1000'), end), 'whole', 'padding need not be')
  assert.equal(claimOfCbf(cbf('X-Binary-Size: many'), end), undefined)
  assert.equal(claimOfCbf(cbf(`# ${'x'.repeat(5000)}`).subarray(0, 4096), 10_000), undefined, 'a long header')
  assert.equal(claimOfCbf(start.subarray(0, 30), 30), 'part')
  assert.equal(claimOfCbf(Buffer.alloc(100), 100), 'part')
  assert.equal(claimOfCbf(Buffer.from('something else'), 14), undefined)
  assert.deepEqual(
    ['a.h5', 'b/A.HDF5', 'c.cbf', 'd.tif', 'h5'].map((name) => formatOf(name)?.bytes),
    [64, 64, 4096, undefined, undefined],
  )
})

test('what is in doubt is removed much later, above all while the detector is busy', () => {
  const part = seen(undefined, { version: 'a', age: undefined, asked: 0, answered: 0, claim: 'part' })
  assert.deepEqual([untilSure(part, patience, false), untilSure(part, patience, true)], [10_000, 60_000])
  const grown = sightings(['a', 0], ['b', 100])
  assert.deepEqual([untilSure(grown, patience, false), untilSure(grown, patience, true)], [10_000, 60_000])
  assert.equal(untilSure(sightings(['a', 0]), patience, true), 2000)
  assert.equal(untilSure({ ...part, age: 10_999 }, patience, false), 10_000)
  assert.equal(untilSure({ ...part, age: 11_000 }, patience, false), 0)
})

test("the server's own clock shortens the wait, by its whole seconds", () => {
  assert.equal(untilOffered(sightings(['a', 0, 3000]), patience), 0)
  assert.equal(untilSure(sightings(['a', 0, 3000]), patience, false), 0)
  assert.equal(untilSure(sightings(['a', 0, 2000]), patience, false), 2000)
  assert.equal(untilSure(sightings(['a', 0, -5000]), patience, false), 2000)
})

const read = (text: string, most: number) => readList(Buffer.from(text), most)

test('lists are read in every form, and nothing else is', async () => {
  const names = { names: ['a', 'b'], strange: 0 }
  assert.deepEqual(await read('["a","b"]', 10), names)
  assert.deepEqual(await read('{"value":["a","b"],"value_type":"string[]"}', 10), names)
  for (const none of ['[]', 'null', '{"value":null}', '{"value":[]}']) {
    assert.deepEqual(await read(none, 10), { names: [], strange: 0 })
  }
  assert.deepEqual(await read('["a",1,null,{},["x"],"b"]', 10), { names: ['a', 'b'], strange: 4 })
  for (const wrong of ['', 'nope', '"a"', '7', 'true', '{}', '{"value":"a"}', '{"files":[]}', '["a"', '<html>']) {
    assert.ok('wrong' in (await read(wrong, 10)), wrong)
  }
  assert.deepEqual(await read('["__proto__","constructor"]', 10), { names: ['__proto__', 'constructor'], strange: 0 })
  assert.ok('wrong' in (await read('{"__proto__":{"value":["a"]}}', 10)))
})

test('a list that is nested without end is refused before it is taken apart', async () => {
  assert.ok('wrong' in (await read('['.repeat(8e6), 100_000)))
  assert.ok('wrong' in (await read('{"value":'.repeat(1e6), 100_000)))
  assert.ok('wrong' in (await read(`${'['.repeat(100_000)}${']'.repeat(100_000)}`, 100)))
})

test('a list of numbers without end is refused before it is taken apart', async () => {
  assert.ok('wrong' in (await read(`[${'1,'.repeat(2e6)}1]`, 100_000)))
})

test('a hundred thousand names are read', async () => {
  const many = Array.from({ length: 100_000 }, (_, i) => `series_1_data_${i}[0].h5`)
  const list = await read(JSON.stringify(many), 100_001)
  assert.ok('names' in list)
  assert.equal(list.names.length, 100_000)
})

test('free memory is understood in any unit that is written down somewhere, and never guessed', () => {
  const free = (value: unknown, unit?: unknown, version = '1.8.0') => readFree(JSON.stringify({ value, unit }), version)
  assert.equal(free(5), 5)
  assert.equal(free(5, undefined, '1.6.0'), 5 * 1024)
  assert.equal(free(5, '', '1.5.0'), 5 * 1024)
  assert.equal(free(5, null, '2.0.0'), 5)
  for (const unit of ['B', 'b', 'bytes', 'Byte']) assert.equal(free(5, unit, '1.6.0'), 5)
  for (const unit of ['KB', 'kB', 'kb', 'KiB', ' kbyte ', 'kilobytes']) assert.equal(free(5, unit), 5 * 1024)
  for (const unit of ['MB', 'MiB']) assert.equal(free(1.5, unit), 1.5 * 1024 ** 2)
  assert.equal(free(2, 'GB'), 2 * 1024 ** 3)
  for (const unit of ['%', 'images', 7, 'constructor']) assert.equal(free(5, unit), undefined)
  for (const value of [null, -1, '5 KB', [], {}, true, '1e999']) assert.equal(free(value), undefined)
  assert.equal(free('5'), 5)
  assert.equal(readFree('7', '1.6.0'), 7 * 1024)
  assert.equal(readFree('no json', '1.6.0'), undefined)
})

test('states are short texts, or nothing', () => {
  assert.equal(readText('{"value":"idle"}'), 'idle')
  assert.equal(readText('"idle"'), 'idle')
  for (const text of ['{"value":1}', '{}', 'idle', `"${'x'.repeat(1000)}"`]) assert.equal(readText(text), undefined)
})

test('a version has size, time and tag; what an answer leaves out is not held against it', () => {
  const date = 'Sat, 21 Nov 2026 10:00:00 GMT'
  const full = { 'content-length': '5', 'last-modified': date, etag: '"x:y"', date: 'Sat, 21 Nov 2026 10:00:07 GMT' }
  const facts = factsOf(full)
  assert.deepEqual([facts.size, facts.mtime, facts.age, facts.exact], [5, Date.UTC(2026, 10, 21, 10), 7000, true])
  assert.notEqual(facts.version, factsOf({ ...full, 'content-length': '6' }).version)
  assert.notEqual(facts.version, factsOf({ ...full, etag: '"z"' }).version)
  assert.notEqual(facts.version, factsOf({ ...full, 'last-modified': full.date }).version)
  assert.ok(mayBe(facts.version, facts))
  assert.ok(mayBe(facts.version, factsOf({})))
  assert.ok(mayBe(facts.version, factsOf({ etag: '"x:y"' })))
  assert.ok(!mayBe(facts.version, factsOf({ etag: '"z"' })))
  assert.ok(!mayBe(facts.version, factsOf({ 'content-length': '6' })))
  assert.ok(mayBe(facts.version, factsOf({ 'content-length': '3', 'content-encoding': 'gzip' })), 'of other bytes')
})

test('fields that make no sense say nothing', () => {
  for (const length of ['-1', '1e3', '0x10', '5, 5', '', '9'.repeat(30)]) {
    assert.equal(factsOf({ 'content-length': length }).size, undefined)
  }
  assert.equal(factsOf({ 'content-length': ['5', '5'] }).size, undefined)
  for (const time of ['yesterday', '2026', 'Sat, 21 Nov 9999 10:00:00 GMT', 'Thu, 21 Nov 1968 10:00:00 GMT']) {
    assert.equal(factsOf({ 'last-modified': time }).mtime, undefined)
  }
  assert.equal(factsOf({ 'content-length': '5' }).exact, false)
  assert.ok(factsOf({ etag: `"${'x'.repeat(10_000)}"` }).version.length < 100)
})

const manyNames = Array.from({ length: 100_000 }, (_, i) => `run ${i % 10}/series_1_data_${i}.h5`)

function catalogOf(t: TestContext) {
  const told: SourceEvent[] = []
  const facts = factsOf({ 'content-length': '5', 'last-modified': 'Sat, 21 Nov 2026 10:00:00 GMT' })
  let mayLook = false
  const catalog = createCatalog({
    server: { look: async () => facts, claim: async () => undefined, delete: async () => 'removed' },
    patience: { settle: 0, sure: 0 },
    longest: 1000,
    looks: 1,
    mostFiles: 100_000,
    tell: (event) => told.push(event),
    mayLook: () => mayLook,
    isBusy: () => false,
  })
  t.after(() => catalog.clear())
  const offer = (name: string) => ({ name, path: name, version: facts.version, exact: true, size: 5, seen: 1 })
  const look = (): void => {
    mayLook = true
    catalog.wake()
  }
  return { catalog, told, offer, look }
}

test('while a long list is read and worked on, others run', async (t) => {
  const { catalog } = catalogOf(t)
  assert.ok((await turnsOf(read(JSON.stringify(manyNames), 100_000))) > 5)
  for (const names of [manyNames, manyNames, manyNames.map((name) => `../${name}`), []]) {
    assert.ok((await turnsOf(catalog.listed(names))) > 5)
  }
  catalog.recheck()
  assert.equal(catalog.unsettled, 100_000)
  assert.ok((await turnsOf(catalog.listed([]))) > 5)
})

test('what is removed while a list is worked on is removed, and nothing else', async (t) => {
  const { catalog, told, offer, look } = catalogOf(t)
  assert.deepEqual(await catalog.listed(manyNames), { added: 100_000, count: 100_000, waiting: 0 })
  const again = catalog.listed([...manyNames, 'new', 'new'])
  const [first = '', second = ''] = manyNames
  // It waits until the list is being worked on.
  for (const name of [first, second, 'other']) {
    assert.deepEqual(await catalog.remove(offer(name)), { outcome: 'removed' })
  }
  assert.deepEqual(await again, { added: 1, count: 100_001, waiting: 0 })
  assert.equal(catalog.size, 99_999)
  assert.equal(told.length, 0)
  look()
  while (told.length < 1000) await new Promise((resolve) => setImmediate(resolve))
  assert.ok(told.every((event) => event.type === 'file' && event.file.name !== first))
})

test('a list that is worked on when all is forgotten brings nothing', async (t) => {
  const { catalog } = catalogOf(t)
  const listed = catalog.listed(manyNames)
  catalog.clear()
  await listed
  assert.deepEqual([catalog.size, catalog.unsettled, [...catalog.unsettledFiles()]], [0, 0, []])
})

/** A server with one file of 3 bytes, whose removals are done at once and answered when it is said. */
function lateWorld(t: TestContext, sure = 0) {
  const told: SourceEvent[] = []
  const facts = (size: number) => factsOf({ 'content-length': String(size), etag: `"${size}"` })
  let there: ReturnType<typeof facts> | undefined = facts(3)
  let answer = (): void => {}
  const catalog = createCatalog({
    server: {
      look: async () => there,
      claim: async () => undefined,
      delete: () => {
        there = undefined
        return new Promise((resolve) => {
          answer = () => resolve('removed')
        })
      },
    },
    patience: { settle: 0, sure },
    longest: 10,
    looks: 1,
    mostFiles: 10,
    tell: (event) => told.push(event),
    mayLook: () => true,
    isBusy: () => false,
  })
  t.after(() => catalog.clear())
  return {
    catalog,
    told,
    has(size: number | undefined) {
      there = size === undefined ? undefined : facts(size)
    },
    /** The file of this size, offered. */
    async offered(size: number) {
      const isIt = (event: SourceEvent) => event.type === 'file' && event.file.size === size
      await eventually(() => told.some(isIt), `an offer of ${size} bytes`)
      const event = told.findLast(isIt)
      return event?.type === 'file' ? event.file : assert.fail()
    },
    /** Removes it; by the time of the answer this is the size of what is there. */
    async removes(file: FileOffer, size: number, isSeen: () => boolean) {
      const removal = removed(catalog, file)
      await eventually(() => there === undefined, 'it is removed')
      there = facts(size)
      await eventually(isSeen, 'another one is seen')
      answer()
      return await removal
    },
  }
}

test('content that was offered before the removal of the former one is answered stays what it is, and whose it is', async (t) => {
  const { catalog, told, offered, removes } = lateWorld(t)
  await catalog.listed(['a'])
  const removal = await removes(await offered(3), 2, () => told.length === 2)
  assert.equal(removal, 'removed')
  const { seen, version } = await offered(2)
  await eventually(() => Date.now() > seen + 20, 'some time')
  await catalog.listed(['a'])
  catalog.recheck()
  await catalog.listed(['a'])
  await eventually(() => told.length > 2, 'it is offered again, as everything is')
  const again = told.slice(2).map((event) => (event.type === 'file' ? [event.file.version, event.file.seen] : event))
  assert.deepEqual(again, [[version, seen]])
})

test('content that was seen, and not offered, before the removal of the former one is answered is seen since then', async (t) => {
  const { catalog, told, offered, removes } = lateWorld(t, 300)
  await catalog.listed(['a'])
  const first = await offered(3)
  const before = Date.now()
  await removes(first, 2, () => catalog.unsettled === 1)
  const answered = Date.now()
  await eventually(() => Date.now() > answered + 20, 'some time')
  await catalog.listed(['a'])
  const { seen } = await offered(2)
  assert.ok(seen >= before && seen <= answered)
  assert.deepEqual(
    told.map(({ type }) => type),
    ['file', 'file'],
  )
})

test('content that comes behind a removal did not grow out of what was removed, however large it is', async (t) => {
  const { catalog, offered, removes, told } = lateWorld(t, 300)
  await catalog.listed(['a'])
  const first = await offered(3)
  const before = Date.now()
  await eventually(() => Date.now() > before, 'the next millisecond')
  await removes(first, 30, () => catalog.unsettled === 1)
  const { seen } = await offered(30)
  assert.ok(seen > before)
  assert.equal(told.length, 2)
})

test('content that was offered before the removal of the former one is answered, and is gone, is told to be gone', async (t) => {
  const { catalog, told, offered, removes, has } = lateWorld(t)
  await catalog.listed(['a'])
  await removes(await offered(3), 2, () => told.length === 2)
  const { version } = await offered(2)
  has(undefined)
  for (let lists = 0; lists < 2; lists++) await catalog.listed([])
  await eventually(() => catalog.size === 0, 'it is gone')
  assert.deepEqual(told.slice(2), [{ type: 'withdrawn', name: 'a', version }])
})

test('names that are too long together wait, however few they are', async (t) => {
  const { catalog, offer } = catalogOf(t)
  const long = (i: number) => `${'0123456789abcde/'.repeat(250)}${i}`
  const names = Array.from({ length: 20_000 }, (_, i) => long(i))
  const { added, waiting } = await catalog.listed(names)
  assert.ok(added * long(0).length < 64 * 1024 ** 2 && (added + 1) * long(20_000).length > 64 * 1024 ** 2)
  assert.equal(added + waiting, names.length)
  assert.deepEqual(await catalog.listed(names), { added: 0, count: names.length, waiting })
  for (const name of names.slice(0, 100)) await catalog.remove(offer(name))
  const after = await catalog.listed(names.slice(100))
  assert.ok(after.added >= 99 && after.added <= 100, 'as many as are gone have room')
  assert.equal(after.added + after.waiting, waiting)
  catalog.clear()
  assert.equal((await catalog.listed(names)).added, added)
})

test('a path that differs from its name counts, too', async (t) => {
  const { catalog } = catalogOf(t)
  const names = Array.from({ length: 9000 }, (_, i) => `\n${'0123456789abcde/'.repeat(250)}${i}`)
  const { added, waiting } = await catalog.listed(names)
  assert.equal(added + waiting, names.length)
  assert.ok(added > 8350 && added < 8390, String(added))
})
