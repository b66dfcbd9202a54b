import assert from 'node:assert/strict'
import { lstatSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createFurkaPlace, type FurkaPlace, openFurkaFor } from './support/furka-world.js'
import { type MemorySource, memorySource } from './support/memory-source.js'
import { filesBelow, until } from './support/mirror-world.js'

interface World extends Awaited<ReturnType<typeof openFurkaFor>> {
  readonly place: FurkaPlace
  readonly source: MemorySource
}

async function world(t: TestContext, more: Parameters<typeof openFurkaFor>[3] = {}): Promise<World> {
  const [place, source] = [await createFurkaPlace(t), memorySource()]
  const { source: options, ...rest } = more
  const sources = [{ source, target: place.buffer, ...options }]
  return { place, source, ...(await openFurkaFor(t, place, undefined, { sources, ...rest })) }
}

type Spoiling = (content: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>

/** Has what is read come in these ways, one after the other, each taken out once it was used; then as it should. */
function spoil(source: MemorySource, ways: Spoiling[]): void {
  const good = source.reading
  source.reading = async (file) => {
    const body = await good(file)
    const way = ways.shift()
    return way === undefined ? body : { ...body, content: way(body.content) }
  }
}

test('a source of one’s own is read, and what is safe removed; bytes that aren’t text are a path too', async (t) => {
  const { place, source, furka, told } = await world(t)
  const mtime = Date.UTC(2020, 1, 2, 3, 4, 5, 678)
  source.put('a', Buffer.alloc(12_345, 'a'), { path: 'lyso/a.jpg', mtime })
  source.put('b', '', { path: Buffer.from('lyso/\xff', 'latin1') })
  await furka.idle()
  const stats = statSync(join(place.buffer, 'lyso/a.jpg'))
  assert.deepEqual([stats.size, stats.mtimeMs], [12_345, mtime])
  assert.deepEqual(readdirSync(join(place.buffer, 'lyso'), { encoding: 'latin1' }).sort(), ['a.jpg', '\xff'])
  assert.deepEqual(source.asked.filter((one) => one.startsWith('remove')).sort(), ['remove a', 'remove b'])
  assert.equal(source.files.size, 0)
  const odd = told.received.find(({ name }) => name === 'b')
  assert.deepEqual(Buffer.from(odd?.pathBytes ?? []).subarray(-1), Buffer.from([0xff]))
  await furka.close()
  assert.ok(source.closed)
})

test('files of this computer are copied without being looked at, owner and time as they should be', async (t) => {
  const { place, source, furka, told } = await world(t, {
    source: {},
    user: process.geteuid?.() === 0 ? { uid: 1001, gid: 100, userDirectory: 'u' } : { userDirectory: 'u' },
    mode: 0o640,
    directoryMode: 0o750,
  })
  const there = join(place.root, 'there')
  mkdirSync(join(there, 'd'), { recursive: true, mode: 0o700 })
  writeFileSync(join(there, 'd/a.bin'), 'content', { mode: 0o600 })
  utimesSync(join(there, 'd/a.bin'), 1000, 2000)
  source.locating = ({ name }) => ({ type: 'path', root: there, name })
  source.put('d/a.bin', 'content')
  await furka.idle()
  const stats = statSync(join(place.buffer, 'u/d/a.bin'))
  const own = process.geteuid?.() === 0 ? [1001, 100] : [process.getuid?.(), process.getgid?.()]
  assert.deepEqual([stats.uid, stats.gid, stats.mode & 0o7777, stats.mtimeMs], [...own, 0o640, 2_000_000])
  assert.equal(statSync(join(place.buffer, 'u/d')).mode & 0o7777, 0o750)
  assert.deepEqual(source.asked, ['release d/a.bin', 'remove d/a.bin'])
  // One of another size than was offered isn't taken.
  writeFileSync(join(there, 'b.bin'), 'longer than that')
  source.put('b.bin', 'short')
  await until(() => told.messages.some(({ code }) => code === 'RECEIVE_ERROR'), 'it says so')
  assert.match(told.messages[0]?.text ?? '', /ERR_SUSTEN_CHANGED/)
  assert.deepEqual(filesBelow(place.buffer), ['u/d/a.bin'])
})

test('offers that no path can be made of are refused; others go on', async (t) => {
  const { place, source, furka, told } = await world(t)
  for (const path of ['/etc/passwd', '../a', 'a/../b', 'a//b', '', 'a\0b', `${'n'.repeat(300)}`, '.susten-1.tmp']) {
    source.put(`name of ${path}`, 'x', { path })
  }
  source.put('good', 'x')
  await furka.idle()
  assert.deepEqual(readdirSync(place.buffer), ['good'])
  assert.equal(furka.status().sources[0]?.refused, 8)
  assert.ok(told.messages.every(({ code, subject }) => code === 'NAME_REFUSED' && subject.startsWith('name of')))
})

test('a source that breaks its contract is told, and opened anew', async (t) => {
  const { place, source, furka, told } = await world(t)
  source.fail(new Error('I broke'))
  await until(() => told.messages.length === 1, 'it is told')
  assert.equal(told.messages[0]?.code, 'SOURCE_UNAVAILABLE')
  assert.match(told.messages[0]?.text ?? '', /I broke/)
  await until(() => source.opened === 2, 'opened anew')
  for (const wrong of [
    null,
    { type: 'what' },
    { type: 'file' },
    { type: 'file', file: { name: 7 } },
    { type: 'file', file: { name: 'a', path: 'a', version: '1', exact: true, seen: 'now' } },
    { type: 'file', file: { name: 'a', path: 'a', version: '1', exact: true, seen: 1, size: -1 } },
    { type: 'withdrawn', name: {} },
    { type: 'state' },
  ]) {
    const before = source.opened
    source.tell(wrong)
    await until(() => source.opened > before, `opened anew after ${JSON.stringify(wrong)}`)
  }
  source.put('a', 'content')
  await furka.idle()
  assert.equal(readFileSync(join(place.buffer, 'a'), 'utf8'), 'content')
})

test('contents that break off, are too long, or stand still leave nothing, and are read again', async (t) => {
  const { place, source, furka } = await world(t, { source: { stallTimeout: 50 } })
  const bad: Spoiling[] = [
    async function* breaks() {
      yield Buffer.from('a')
      throw new Error('broken')
    },
    async function* isShort() {
      yield Buffer.from('a')
    },
    async function* isLong(of) {
      yield* of
      yield Buffer.from('more')
    },
    async function* standsStill() {
      yield Buffer.from('a')
      await new Promise(() => {})
    },
    async function* isText() {
      yield 'text' as never
    },
  ]
  spoil(source, bad)
  source.put('a', 'the content')
  await furka.idle()
  assert.deepEqual(bad, [])
  assert.equal(source.asked.filter((one) => one === 'read a').length, 6)
  assert.equal(readFileSync(join(place.buffer, 'a'), 'utf8'), 'the content')
  assert.deepEqual(readdirSync(place.buffer), ['a'])
})

test('where the version doesn’t tell contents apart, they are compared before one is removed', async (t) => {
  const { place, source, furka, told } = await world(t)
  source.removing = async () => ({ outcome: 'early', after: 300 })
  source.put('a', 'first one', { exact: false })
  await until(() => source.asked.includes('remove a'), 'it would be removed')
  const { removing } = memorySource()
  // Other content of the same size, under the same version; nothing is offered.
  source.files.set('a', { offer: source.files.get('a')?.offer as never, content: Buffer.from('other one') })
  source.removing = async (file) => {
    source.files.delete(file.name)
    return removing(file)
  }
  await furka.idle()
  assert.equal(readFileSync(join(place.buffer, 'a'), 'utf8'), 'other one')
  assert.equal(readFileSync(join(place.buffer, 'a.~1~'), 'utf8'), 'first one')
  assert.deepEqual(
    told.received.map(({ outcome }) => outcome),
    ['created', 'versioned'],
  )
  assert.deepEqual(readdirSync(place.buffer).sort(), ['a', 'a.~1~'])
})

test('what a source keeps stays there, and nobody waits for it', async (t) => {
  const { place, source, furka, told } = await world(t)
  source.removing = async () => ({ outcome: 'kept', reason: 'it removes nothing' })
  source.put('a', 'content')
  await furka.idle()
  assert.ok(lstatSync(join(place.buffer, 'a')).isFile())
  assert.deepEqual(
    told.messages.map(({ code }) => code),
    ['KEPT'],
  )
  assert.equal(furka.status().sources[0]?.kept, 1)
})

test('removals that fail are tried again; answers that are none too', async (t) => {
  const { source, furka, told } = await world(t)
  const answers: unknown[] = [new Error('no'), { outcome: 'what' }, undefined, { outcome: 'gone' }]
  source.removing = async () => {
    const answer = answers.shift()
    if (answer instanceof Error) throw answer
    return answer as never
  }
  source.put('a', 'content')
  await furka.idle()
  assert.deepEqual(answers, [])
  assert.deepEqual(
    told.removed.map(({ outcome }) => outcome),
    ['gone'],
  )
})

test('places that are none are told, and tried again', async (t) => {
  const { place, source, furka, told } = await world(t)
  const places: unknown[] = [
    { type: 'ftp' },
    { type: 'http', host: 'a\r\nb', port: 80, target: '/', headers: [] },
    { type: 'path', root: 'relative', name: 'a' },
    { type: 'path', root: '/nonexistent', name: 'a' },
    { type: 'path', root: '/etc', name: '../etc/passwd' },
  ]
  source.locating = () => places.shift() as never
  source.put('a', 'content')
  await furka.idle()
  assert.deepEqual(places, [])
  assert.equal(readFileSync(join(place.buffer, 'a'), 'utf8'), 'content')
  assert.ok(told.messages.every(({ code }) => code === 'RECEIVE_ERROR'))
})

test('a source that is unavailable is waited for, and its memory’s end foreseen', async (t) => {
  const { source, furka, told } = await world(t)
  source.state({ free: 1000 })
  await until(() => furka.status().sources[0]?.free === 1000, 'told')
  source.state({ available: false })
  await until(() => furka.status().sources[0]?.available === false, 'unavailable')
  assert.equal(furka.status().sources[0]?.free, undefined)
  let idle = false
  const waiting = furka.idle().then(() => {
    idle = true
  })
  await new Promise((resolve) => setTimeout(resolve, 50))
  assert.equal(idle, false)
  source.state({ free: 1e6, busy: true })
  await waiting
  for (let free = 9e5; told.messages.length === 0; free = Math.max(1, free * 0.9)) {
    source.state({ free })
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  assert.deepEqual(
    told.messages.map(({ code }) => code),
    ['SOURCE_ALMOST_FULL'],
  )
  assert.ok((furka.status().sources[0]?.secondsToFull ?? 1e9) < 120)
})

test('many offers at once don’t hold up the event loop', async (t) => {
  const { source, furka } = await world(t)
  let longest = 0
  let last = performance.now()
  const timer = setInterval(() => {
    longest = Math.max(longest, performance.now() - last)
    last = performance.now()
  }, 1)
  source.removing = async () => ({ outcome: 'gone' })
  source.locating = () => ({ type: 'http', host: '127.0.0.1', port: 9, target: '/', headers: [] })
  const seen = Date.now()
  const offers = Array.from({ length: 20_000 }, (_, i) => ({
    name: `${i}`,
    path: `${i}`,
    version: '',
    exact: true,
    seen,
  }))
  last = performance.now()
  for (const file of offers) source.tell({ type: 'file', file })
  await until(() => (furka.status().sources[0]?.waiting ?? 0) >= 19_000, 'all are taken in')
  clearInterval(timer)
  t.diagnostic(`${longest.toFixed(1)} ms`)
  assert.ok(longest < 500, `${longest} ms`)
})

test('contents that only drip, or are empty without an end, are given up, and keep nobody from running', async (t) => {
  const { place, source, furka, told } = await world(t, { source: { stallTimeout: 60 } })
  const bad: Spoiling[] = [
    async function* drips(of) {
      for await (const part of of) {
        for (const byte of part) {
          await sleep(20)
          yield Buffer.of(byte)
        }
      }
    },
    async function* isEmpty() {
      for (;;) yield Buffer.alloc(0)
    },
  ]
  spoil(source, bad)
  source.put('a', 'the content')
  await furka.idle()
  assert.deepEqual(bad, [])
  assert.match(told.messages[0]?.text ?? '', /^ETIMEDOUT: less than 1024 bytes of content came within 60 ms/)
  assert.equal(readFileSync(join(place.buffer, 'a'), 'utf8'), 'the content')
})

test('a source that never answers is given up, told, and asked again; a drain has an end', async (t) => {
  const { place, source, furka, told } = await world(t, { source: { stallTimeout: 10 } })
  const never = new Promise<never>(() => {})
  const { reading, removing } = source
  let late = (_place: undefined): void => {}
  const places: (Promise<undefined> | undefined)[] = [
    never,
    new Promise((resolve) => {
      late = resolve
    }),
  ]
  const [reads, removals] = [[never], [never, never]]
  source.locating = () => places.shift() as never
  source.reading = (file) => reads.shift() ?? reading(file)
  source.removing = (file) => removals.shift() ?? removing(file)
  source.release = () => never
  source.put('a', 'content')
  await furka.idle()
  late(undefined)
  assert.deepEqual([places, reads, removals], [[], [], []])
  assert.equal(readFileSync(join(place.buffer, 'a'), 'utf8'), 'content')
  const codes = ['RECEIVE_ERROR', 'REMOVE_ERROR']
  assert.deepEqual([...new Set(told.messages.map(({ code }) => code))], codes)
  for (const { text } of told.messages) assert.match(text, /ETIMEDOUT: no (place|answer.*) came for \d+ ms/)
  source.removing = () => never
  source.put('b', 'content')
  await until(() => source.asked.includes('remove b'), 'it is asked')
  await furka.close()
  // A place that is given is given back, but nobody waits for that.
  const again = memorySource()
  again.put('c', 'content')
  again.locating = () => ({ type: 'path', root: place.root, name: 'c' })
  writeFileSync(join(place.root, 'c'), 'content')
  again.release = () => never
  const second = await openFurkaFor(t, place, undefined, {
    sources: [{ source: again, target: place.buffer, stallTimeout: 10 }],
  })
  await second.furka.idle()
  await second.furka.close()
})

test('whatever a source throws or tells, the process and its status go on', async (t) => {
  const { source, furka } = await world(t)
  const boom = (): never => {
    throw new Error('boom')
  }
  const traps = { get: boom, getPrototypeOf: boom, has: boom, ownKeys: boom }
  const evil = (): never => new Proxy({}, traps) as never
  const failing = (key: string): Error => Object.defineProperty(new Error('x'), key, { get: boom })
  const thrown = [evil(), failing('message'), failing('code'), undefined, { toString: boom }]
  const { reading, removing } = source
  for (const one of thrown) {
    source.fail(one)
    const [reads, removals] = [[one], [one]]
    source.reading = (file) => (reads.length > 0 ? Promise.reject(reads.pop()) : reading(file))
    source.removing = (file) => (removals.length > 0 ? Promise.reject(removals.pop()) : removing(file))
    source.put(`${thrown.indexOf(one)}`, 'content')
    await furka.idle()
    assert.deepEqual([reads, removals, source.files.size], [[], [], 0])
  }
  let looks = 0
  const once = {
    available: true,
    details: {},
    get unsettled() {
      looks += 1
      return looks === 1 ? 0 : boom()
    },
  }
  for (const told of [once, { available: true, details: evil() }, { available: false, failure: evil() }]) {
    source.tell({ type: 'state', state: told })
    source.put('b', 'content')
    await until(() => furka.status().sources[0]?.available === false || source.files.size === 0, 'it is told')
    source.state({})
    await furka.idle()
  }
  source.state({ details: { name: 'x'.repeat(5000), odd: 7 as never, bell: '\x07' } })
  await until(() => furka.status().sources[0]?.details['odd'] !== undefined, 'it is told')
  assert.deepEqual(furka.status().sources[0]?.details, { name: 'x'.repeat(1000), odd: '7', bell: '%07' })
})

test('what a terminal would obey is in percent form in messages', async (t) => {
  const { source, told } = await world(t)
  source.reading = async () => {
    throw new Error('two\nlines\u202e \ud800')
  }
  source.put('a\x1b[2J\u202egpj.exe', 'content', { path: 'a' })
  await until(() => told.messages.length > 0, 'it is told')
  assert.equal(told.messages[0]?.subject, 'a%1B[2J%E2%80%AEgpj.exe')
  assert.equal(told.messages[0]?.text, 'two%0Alines%E2%80%AE \ufffd; it is tried again')
})

test('a file of this computer that was made for a transfer, and is missing, isn’t lost at its source', async (t) => {
  const { place, source, furka } = await world(t)
  source.reading = () => Promise.reject(new Error('not now'))
  const offer = source.put('a', 'content')
  await until(() => furka.status().sources[0]?.failing === 1, 'it is known')
  await furka.close('stop')
  const again = memorySource()
  // It is there, and hasn't been offered yet.
  again.files.set('a', { offer, content: Buffer.from('content') })
  const places = [{ type: 'path' as const, root: place.root, name: 'swept' }]
  again.locating = () => places.shift()
  const { furka: second, told } = await openFurkaFor(t, place, undefined, {
    sources: [{ source: again, target: place.buffer }],
  })
  await second.idle()
  assert.deepEqual([places, told.messages, told.received.length], [[], [], 1])
})

test('a source that never comes back doesn’t hold up a stop', async (t) => {
  const { source, furka } = await world(t)
  const never = new Promise<never>(() => {})
  source.reading = () => never
  source.put('a', 'content')
  await until(() => source.asked.includes('read a'), 'it is asked')
  source.close = () => never
  await furka.close('stop')
})

for (const mode of ['stop', 'drain then stop'] as const) {
  test(`a removal that is under way at a ${mode} is asked again, and told once it is known`, async (t) => {
    const { place, source, furka, told } = await world(t)
    source.removing = async ({ name }) => {
      source.files.delete(name)
      return await new Promise<never>(() => {})
    }
    source.put('a', 'content')
    await until(() => source.asked.includes('remove a'), 'it is asked')
    const draining = mode === 'stop' ? undefined : furka.close('drain')
    await furka.close('stop')
    await draining
    assert.deepEqual([told.removed, told.messages, told.errors], [[], [], []])
    const { removing, removed, failing } = furka.status().sources[0] ?? {}
    assert.deepEqual([removing, removed, failing], [1, 0, 0])
    const again = memorySource()
    const second = await openFurkaFor(t, place, undefined, { sources: [{ source: again, target: place.buffer }] })
    await second.furka.idle()
    assert.deepEqual(again.asked, ['remove a'])
    assert.deepEqual(
      second.told.removed.map(({ name, outcome }) => [name, outcome]),
      [['a', 'gone']],
    )
    assert.deepEqual([second.told.messages, second.told.received], [[], []])
    assert.equal(second.furka.status().sources[0]?.removed, 1)
  })
}

test('a content that comes when nobody wants it any more is given back', async (t) => {
  const { source, furka, told } = await world(t, { source: { stallTimeout: 20 } })
  let given = (): void => {}
  let back = 0
  const content = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise<never>(() => {}),
      async return() {
        back += 1
        return { done: true as const, value: undefined }
      },
    }),
  }
  const body = { size: 7, content }
  source.reading = () =>
    new Promise((resolve) => {
      given = () => resolve(body)
    })
  source.put('a', 'content')
  await until(() => (furka.status().sources[0]?.failing ?? 0) === 1, 'it is given up')
  given()
  await until(() => back === 1, 'it is given back')
  // One that has begun and stands still, too.
  source.reading = async () => body
  await until(() => back >= 2, 'and so is this one')
  assert.deepEqual(told.errors, [])
})
