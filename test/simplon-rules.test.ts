import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readFree, readList, readText } from '#lib/source/simplon/answers.js'
import { type Sighting, seen, untilOffered, untilSure } from '#lib/source/simplon/complete.js'
import { pause } from '#lib/source/simplon/pace.js'
import { factsOf, mayBe } from '#lib/source/simplon/version.js'

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
  assert.equal(untilSure(sightings(['a', 0], ['a', 42]), patience), 1960)
  assert.equal(untilSure(sightings(['a', 0], ['a', 2002]), patience), 0)
})

test('a file that was seen to change must be quiet for long, and begins anew with every change', () => {
  const grown = sightings(['a', 0], ['b', 100], ['b', 200])
  assert.equal(untilOffered(grown, patience), 1902)
  assert.equal(untilOffered(sightings(['a', 0], ['b', 100], ['b', 2102]), patience), 0)
  assert.equal(untilOffered(sightings(['a', 0], ['b', 100], ['a', 2102]), patience), 2000)
})

test("the server's own clock shortens the wait, by its whole seconds", () => {
  assert.equal(untilOffered(sightings(['a', 0, 3000]), patience), 0)
  assert.equal(untilSure(sightings(['a', 0, 3000]), patience), 0)
  assert.equal(untilSure(sightings(['a', 0, 2000]), patience), 2000)
  assert.equal(untilSure(sightings(['a', 0, -5000]), patience), 2000)
})

test('lists are read in every form, and nothing else is', () => {
  const names = { names: ['a', 'b'], strange: 0 }
  assert.deepEqual(readList('["a","b"]', 10), names)
  assert.deepEqual(readList('{"value":["a","b","a"],"value_type":"string[]"}', 10), names)
  for (const none of ['[]', 'null', '{"value":null}', '{"value":[]}']) {
    assert.deepEqual(readList(none, 10), { names: [], strange: 0 })
  }
  assert.deepEqual(readList('["a",1,null,{},["x"],"b"]', 10), { names: ['a', 'b'], strange: 4 })
  for (const wrong of ['', 'nope', '"a"', '7', 'true', '{}', '{"value":"a"}', '{"files":[]}', '["a"', '<html>']) {
    assert.ok('wrong' in readList(wrong, 10), wrong)
  }
  assert.deepEqual(readList('["__proto__","constructor"]', 10), { names: ['__proto__', 'constructor'], strange: 0 })
  assert.ok('wrong' in readList('{"__proto__":{"value":["a"]}}', 10))
})

test('a list that is nested without end is refused before it is taken apart', () => {
  assert.ok('wrong' in readList('['.repeat(8e6), 100_000))
  assert.ok('wrong' in readList('{"value":'.repeat(1e6), 100_000))
  assert.ok('wrong' in readList(`${'['.repeat(100_000)}${']'.repeat(100_000)}`, 100))
})

test('a hundred thousand names are read', () => {
  const many = Array.from({ length: 100_000 }, (_, i) => `series_1_data_${i}[0].h5`)
  const list = readList(JSON.stringify(many), 100_001)
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
  assert.equal(factsOf({ 'last-modified': 'yesterday' }).mtime, undefined)
  assert.equal(factsOf({ 'content-length': '5' }).exact, false)
  assert.ok(factsOf({ etag: `"${'x'.repeat(10_000)}"` }).version.length < 100)
})
