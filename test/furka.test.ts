import assert from 'node:assert/strict'
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Furka, Mirror, openSimplon } from 'susten'
import { startDcu } from './support/dcu-world.js'
import {
  checkAllThere,
  createFurkaPlace,
  listenTo,
  openFurkaFor,
  openGrimselFor,
  sha256,
  simplon,
} from './support/furka-world.js'
import { filesBelow, until } from './support/mirror-world.js'
import { quick } from './support/source-world.js'

const isRoot = process.geteuid?.() === 0
const visitor = { uid: 1001, gid: 1002, userDirectory: 'visit7' }

test('a series is received whole, announced, and removed at the server once the internal storage has it', {
  skip: !isRoot && 'needs root to give files away',
}, async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const grimsel = await openGrimselFor(t, place)
  /** Names that Grimsel has copied, by storage. */
  const copied = new Map<string, string>()
  grimsel.on('copied', ({ storage, path, digest }) => copied.set(`${storage}:${path}`, digest ?? ''))
  const early: string[] = []
  dcu.on('gone', ({ name }) => {
    if (!copied.has(`disk:${join(place.buffer, 'eiger/visit7', name)}`)) early.push(name)
  })
  const { furka, told } = await openFurkaFor(t, place, dcu, {
    grimsel,
    defaultUser: visitor,
    mode: 0o640,
    directoryMode: 0o750,
    source: { target: `${place.buffer}/./eiger` },
  })
  await dcu.acquire({ images: 10, imagesPerFile: 2 })
  await furka.idle()
  assert.deepEqual([told.messages, told.errors, early], [[], [], []])
  const names = dcu.truth.completed.map(({ name }) => name).sort()
  assert.equal(names.length, 6)
  const at = join(place.buffer, 'eiger/visit7')
  checkAllThere(dcu, at)
  checkAllThere(dcu, join(place.disk, 'eiger/visit7'))
  assert.deepEqual(
    filesBelow(place.buffer),
    names.map((name) => join('eiger/visit7', name)),
  )
  assert.ok(dcu.truth.completed.every(({ state }) => state === 'deleted'))
  assert.deepEqual(told.received.map(({ name }) => name).sort(), names)
  for (const { name, path, size, digest, uid, gid, outcome, source } of told.received) {
    const stats = statSync(join(at, name))
    assert.deepEqual([stats.uid, stats.gid, stats.mode & 0o7777, stats.size], [1001, 1002, 0o640, size], name)
    assert.deepEqual([uid, gid, outcome, source], [1001, 1002, 'created', furka.status().sources[0]?.id])
    assert.equal(path, `${place.buffer}/./eiger/visit7/${name}`)
    assert.equal(copied.get(`disk:${join(at, name)}`), digest)
    const served = dcu.truth.completed.find((file) => file.name === name)?.completed ?? 0
    assert.ok(Math.abs(stats.mtimeMs - served) <= 2000, 'the time is the server’s')
  }
  const [own, users] = [statSync(join(place.buffer, 'eiger')), statSync(at)]
  assert.deepEqual([own.uid, own.mode & 0o7777], [0, 0o755], 'what the target names is nobody’s')
  assert.deepEqual([users.uid, users.gid, users.mode & 0o7777], [1001, 1002, 0o750])
  assert.equal(told.announced.length, 6)
  assert.deepEqual(
    told.removed.map(({ outcome }) => outcome),
    new Array(6).fill('removed'),
  )
  await until(() => told.idles.count > 0, 'it says that it is idle')
})

test('status says how everything is doing, as JSON', async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const { furka } = await openFurkaFor(t, place, dcu)
  await dcu.add('a.cbf', Buffer.alloc(1000, 'a'))
  await furka.idle()
  const status = furka.status()
  assert.deepEqual(JSON.parse(JSON.stringify(status)), status)
  const [source] = status.sources
  assert.ok(source)
  const { available, received, bytes, removed, waiting, receiving, removing, lost, refused, failing } = source
  assert.deepEqual(
    { available, received, bytes, removed, waiting, receiving, removing, lost, refused, failing },
    {
      available: true,
      received: 1,
      bytes: 1000,
      removed: 1,
      waiting: 0,
      receiving: 0,
      removing: 0,
      lost: 0,
      refused: 0,
      failing: 0,
    },
  )
  assert.ok(source.latency && source.latency.p99 >= source.latency.p50 && source.latency.p50 >= 0)
  assert.ok(source.rate > 0 && source.free !== undefined && source.details['api'] === '1.8.0')
  assert.deepEqual(status.grimsel, { by: 'none', available: false })
  assert.equal(status.confirm, 'buffer')
  assert.deepEqual([status.user.turn, status.user.told], [1, true])
})

test('with `external`, nothing is removed at the server before the external storage has it', async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const grimsel = await openGrimselFor(t, place)
  grimsel.pause('gpfs')
  const { furka, told } = await openFurkaFor(t, place, dcu, { grimsel, confirm: 'external' })
  await dcu.add('a/b.cbf', Buffer.alloc(5000, 'b'))
  await until(() => existsSync(join(place.disk, 'a/b.cbf')) && told.announced.length === 1, 'the disk has it')
  // Asked some times by then.
  await until(() => furka.status().sources[0]?.unconfirmed === 1, 'it waits for the other one')
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.deepEqual(dcu.truth.deletes, [])
  grimsel.resume('gpfs')
  await furka.idle()
  assert.equal(dcu.truth.deletes.length, 1)
  assert.deepEqual(readFileSync(join(place.gpfs, 'a/b.cbf')), Buffer.alloc(5000, 'b'))
})

test('without a Grimsel, what is here is removed at the server', async (t) => {
  const [dcu, place] = [await startDcu(t, { version: '1.6.0' }), await createFurkaPlace(t)]
  const { furka, told } = await openFurkaFor(t, place, dcu)
  await dcu.acquire({ images: 3, imagesPerFile: 1 })
  await dcu.add('empty.dat', Buffer.alloc(0))
  await furka.idle()
  checkAllThere(dcu, place.buffer)
  assert.equal(lstatSync(join(place.buffer, 'empty.dat')).size, 0)
  assert.deepEqual([told.announced, told.messages], [[], []])
  assert.ok(dcu.truth.completed.every(({ state }) => state === 'deleted'))
})

test('several servers have a place each', async (t) => {
  const [a, b, place] = [await startDcu(t), await startDcu(t), await createFurkaPlace(t)]
  const { furka, told } = await openFurkaFor(t, place, undefined, {
    sources: [
      { source: simplon(a, 'one'), target: `${place.buffer}/./one` },
      { source: simplon(b, 'two'), target: `${place.buffer}/./two`, connections: 1 },
    ],
  })
  await Promise.all([a.acquire({ images: 4, imagesPerFile: 1 }), b.acquire({ images: 4, imagesPerFile: 1 })])
  await furka.idle()
  checkAllThere(a, join(place.buffer, 'one'))
  checkAllThere(b, join(place.buffer, 'two'))
  assert.deepEqual(told.messages, [])
  assert.deepEqual([...new Set(told.received.map(({ source }) => source))].sort(), ['one', 'two'])
})

test('events come as an iteration, too, until it is closed', async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const { furka } = await openFurkaFor(t, place, dcu)
  const types: string[] = []
  const reading = (async () => {
    for await (const event of furka) types.push(event.type)
  })()
  await dcu.add('a.cbf', Buffer.from('a'))
  await furka.idle()
  await furka.close()
  await reading
  assert.deepEqual(types, ['userChanged', 'received', 'removed', 'idle'])
  await assert.rejects(furka.changeUser({ uid: 0 }), { code: 'ERR_SUSTEN_CLOSED' })
})

test('draining ends transfers, announces what has come, and begins nothing; the next one goes on', async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const grimsel = await openGrimselFor(t, place)
  grimsel.pause()
  const first = await openFurkaFor(t, place, dcu, { grimsel, source: { connections: 1 } })
  const slow = dcu.fault({ kind: 'slow', bytesPerSecond: 200_000, on: 'data' })
  for (const name of ['a', 'b', 'c']) await dcu.add(`${name}.bin`, Buffer.alloc(60_000, name))
  await until(() => first.furka.status().sources[0]?.receiving === 1, 'the first one is on its way')
  await first.furka.close('drain')
  slow.clear()
  assert.ok(first.told.received.length >= 1 && first.told.received.length < 3, `${first.told.received.length}`)
  assert.equal(first.told.announced.length, first.told.received.length)
  assert.deepEqual(dcu.truth.deletes, [])
  grimsel.resume()
  const second = await openFurkaFor(t, place, dcu, { grimsel })
  await second.furka.idle()
  checkAllThere(dcu, place.buffer)
  assert.equal(first.told.received.length + second.told.received.length, 3, 'each once')
  assert.ok(dcu.truth.completed.every(({ state }) => state === 'deleted'))
})

test('stopping breaks off at once, by a signal too, and closes the sources', async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const stopping = new AbortController()
  const source = simplon(dcu)
  const furka = await Furka.open({
    sources: [{ source, target: place.buffer }],
    journal: place.journal,
    signal: stopping.signal,
  })
  dcu.fault({ kind: 'stall', after: 10, on: 'data' })
  await dcu.add('a.bin', Buffer.alloc(100_000))
  await until(() => furka.status().sources[0]?.receiving === 1, 'it is on its way')
  stopping.abort()
  await furka.close()
  assert.deepEqual(filesBelow(place.buffer), [])
  await assert.rejects(furka.idle(), { code: 'ERR_SUSTEN_CLOSED' })
  await assert.rejects(source.look?.() ?? Promise.resolve(), { code: 'ERR_SUSTEN_CLOSED' })
  dcu.clearFaults()
  const again = await openFurkaFor(t, place, dcu)
  await again.furka.idle()
  checkAllThere(dcu, place.buffer)
})

test('a file that went missing here before it was safe is received once more', async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const first = await openFurkaFor(t, place, dcu, { grimsel: { control: join(place.root, 'nobody') } })
  await dcu.add('a.bin', Buffer.from('content'))
  await until(() => first.told.received.length === 1, 'it is here')
  await first.furka.close()
  rmSync(join(place.buffer, 'a.bin'))
  const grimsel = await openGrimselFor(t, place)
  const second = await openFurkaFor(t, place, dcu, { grimsel })
  await second.furka.idle()
  checkAllThere(dcu, place.buffer)
  checkAllThere(dcu, place.disk)
  assert.deepEqual(
    second.told.messages.map(({ code }) => code),
    ['RECEIVED_AGAIN'],
  )
})

test('with `buffer`, what went missing here before it was removed at the server is received once more', async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  // It removes nothing yet.
  const patient = openSimplon({ host: dcu.url, id: 'dcu', ...quick, sure: 60_000 })
  const first = await openFurkaFor(t, place, dcu, { source: { source: patient } })
  await dcu.add('a.bin', Buffer.from('content'))
  await until(() => first.told.received.length === 1, 'it is here')
  await first.furka.close()
  rmSync(join(place.buffer, 'a.bin'))
  const second = await openFurkaFor(t, place, dcu, { source: { source: simplon(dcu, 'dcu') } })
  await second.furka.idle()
  checkAllThere(dcu, place.buffer)
})

test('what is wrong is said before anything is done, and the sources are closed', async (t) => {
  const place = await createFurkaPlace(t)
  const refused = async (change: object, message: RegExp, code = 'ERR_SUSTEN_OPTION'): Promise<void> => {
    const source = simplon('http://127.0.0.1:9', 'x')
    const sources = [{ source, target: place.buffer }]
    await assert.rejects(Furka.open({ sources, journal: place.journal, ...change }), (error: NodeJS.ErrnoException) => {
      assert.equal(error.code, code)
      assert.match(error.message, message)
      return true
    })
  }
  const source = simplon('http://127.0.0.1:9', 'x')
  await refused({ sources: [] }, /at least one/)
  await refused({ sources: [{ source, target: 'relative' }] }, /sources\[0\]\.target.*absolute/)
  await refused({ sources: [{ source, target: place.buffer, conections: 4 }] }, /did you mean 'connections'/)
  await refused({ sources: [{ source: {}, target: place.buffer }] }, /must have a method 'open'/)
  await refused(
    {
      sources: [
        { source, target: place.buffer },
        { source, target: place.disk },
      ],
    },
    /two have the id 'x'/,
  )
  await refused({ journal: join(place.buffer, 'journal') }, /lies in the target/)
  await refused({ defaultUser: { userDirectory: '/absolute' } }, /must be relative/)
  await refused({ user: { userDirectory: 'a/../b' } }, /no '\.\.'/)
  await refused({ confirm: 'internal' }, /there is no 'grimsel' to ask/)
  await refused({ confirm: 'external', grimsel: { pipe: '/run/x' } }, /a pipe answers nothing/)
  await refused({ grimsel: {} }, /must be an open Grimsel/)
  await refused({ requiredMount: '/nowhere' }, /doesn't lie below \/nowhere/)
  await refused({ mode: 0o4755 }, /'mode'/)
  await refused(
    { sources: [{ source, target: join(place.root, 'absent') }] },
    /^the target '.*\/absent' isn't there; make the/,
    'ENOENT',
  )
  await assert.rejects(
    async () => {
      for await (const _ of source.open()) break
    },
    { code: 'ERR_SUSTEN_CLOSED' },
  )
})

test('a journal is a Furka’s or a Grimsel’s, never both', async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const { furka } = await openFurkaFor(t, place, dcu)
  await furka.close()
  const grimsel = await openGrimselFor(t, place)
  await grimsel.close()
  const options = {
    sources: [{ source: simplon(dcu), target: place.buffer }],
    journal: join(place.root, 'grimsel-journal'),
  }
  await assert.rejects(Furka.open(options), /that of a Grimsel, not of a Furka/)
  mkdirSync(join(place.root, 'other'))
  const mirror = Mirror.open({
    source: join(place.root, 'other'),
    storages: [{ id: 'disk', type: 'internal', target: place.disk }],
    journal: place.journal,
  })
  await assert.rejects(mirror, /that of a Furka, not of a Mirror/)
})

test('a listener that throws hurts nobody', async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const furka = await Furka.open({ sources: [{ source: simplon(dcu), target: place.buffer }], journal: place.journal })
  t.after(() => furka.close('stop'))
  furka.on('received', () => {
    throw new Error('mine')
  })
  const told = listenTo(furka)
  await dcu.add('a.bin', Buffer.from('a'))
  await furka.idle()
  assert.match(String(told.errors[0]), /mine/)
  assert.equal(told.removed.length, 1)
})

test('contents are right whatever the number of connections', async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const { furka, told } = await openFurkaFor(t, place, dcu, { source: { connections: 16 } })
  const contents = new Map(
    Array.from({ length: 200 }, (_, i) => [`d${i % 7}/f${i}.bin`, Buffer.alloc(1 + ((i * 7919) % 100_000), `${i} `)]),
  )
  for (const [name, content] of contents) await dcu.add(name, content)
  await furka.idle()
  for (const [name, content] of contents) {
    assert.equal(sha256(readFileSync(join(place.buffer, name))), sha256(content), name)
  }
  assert.equal(told.received.length, 200)
  assert.ok(dcu.truth.files.every(({ state }) => state === 'deleted'))
})
