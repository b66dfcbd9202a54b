import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { apiVersions } from '#lib/simulate/dcu/index.js'
import { openSimplon } from '#lib/source/simplon/index.js'
import { eventually, smallPilatus, startDcu } from './support/dcu-world.js'
import { quick, removed, watchDcu, whole } from './support/source-world.js'

const MiB = 1024 ** 2

for (const version of apiVersions) {
  for (const [what, detector] of [['EIGER', undefined] as const, ['CBF', smallPilatus] as const]) {
    test(`${version}, ${what}: every file of a series is offered, read whole, and removed; nothing is ordered`, async (t) => {
      const dcu = await startDcu(t, { version, imagesPerFile: 2, ...(detector && { detector }) })
      const { source, offered, events } = watchDcu(t, dcu)
      await eventually(() => events.length > 0, 'a state')
      await dcu.acquire({ images: 5 })
      const truth = dcu.truth.completed
      const files = await offered(truth.length)
      assert.deepEqual(files.map(({ name }) => name).sort(), truth.map(({ name }) => name).sort())
      for (const file of files) {
        const real = truth.find(({ name }) => name === file.name)
        assert.deepEqual([file.path, file.size, file.exact], [file.name, real?.size, true])
        assert.equal(file.mtime, Math.floor((real?.completed ?? 0) / 1000) * 1000)
        assert.equal((await whole(await source.read(file))).length, real?.size)
        assert.equal(await removed(source, file), 'removed')
      }
      assert.deepEqual([...new Set(dcu.truth.files.map(({ state }) => state))], ['deleted'])
      assert.equal(dcu.truth.deletes.length, truth.length, 'each of them once')
      const methods = new Set(dcu.truth.requests.map(({ method }) => method))
      assert.deepEqual([...methods].sort(), ['DELETE', 'GET', 'HEAD'])
    })
  }

  test(`${version}: states, and free memory in bytes, are told`, async (t) => {
    const dcu = await startDcu(t, { version, memory: 8 * MiB })
    const watched = watchDcu(t, dcu)
    await eventually(() => watched.state?.free === 8 * MiB, 'free memory')
    const { available, busy, details } = watched.state ?? {}
    assert.deepEqual([available, busy], [true, false])
    assert.deepEqual(details, { api: version, detector: 'idle', filewriter: 'ready', files: '0' })
    await dcu.add('a', Buffer.alloc(MiB))
    await eventually(() => watched.state?.free === 7 * MiB, 'less memory')
  })

  test(`${version}: a version that is given isn't asked for`, async (t) => {
    const dcu = await startDcu(t, { version, faults: [{ kind: 'status', status: 404, match: 'api/version' }] })
    await dcu.add('a', Buffer.from('1'))
    await watchDcu(t, dcu, { apiVersion: version }).offer('a')
    assert.ok(!dcu.truth.requests.some(({ path }) => path.endsWith('api/version')))
  })

  test(`${version}: a version that isn't told is found`, async (t) => {
    const dcu = await startDcu(t, { version, faults: [{ kind: 'status', status: 404, match: 'api/version' }] })
    await dcu.add('a', Buffer.from('1'))
    const watched = watchDcu(t, dcu)
    await watched.offer('a')
    assert.equal(watched.state?.details['api'], version)
  })
}

test('free memory counts in the unit that comes with it', async (t) => {
  for (const bufferUnit of ['B', 'KB', 'MB']) {
    const dcu = await startDcu(t, { version: '1.6.0', bufferUnit, memory: 8 * MiB })
    const watched = watchDcu(t, dcu)
    await eventually(() => watched.state?.free === 8 * MiB, bufferUnit)
  }
})

test('a list of no files is null or empty, and neither is a failure', async (t) => {
  for (const emptyIsNull of [true, false]) {
    const dcu = await startDcu(t, { emptyIsNull })
    const watched = watchDcu(t, dcu)
    await eventually(() => watched.state?.details['files'] === '0', 'an empty list')
    await dcu.add('a', Buffer.from('1'))
    await watched.offer('a')
  }
})

test('no files wait for room that were removed since the last list', async (t) => {
  const dcu = await startDcu(t, { memory: 8 * MiB })
  for (const name of ['a', 'b', 'c']) await dcu.add(name, Buffer.alloc(MiB, name))
  const watched = watchDcu(t, dcu)
  const files = await watched.offered(3)
  dcu.fault({ kind: 'delay', ms: 2000, on: 'list' })
  for (const file of files) assert.equal(await removed(watched.source, file), 'removed')
  await eventually(() => watched.state?.free === 8 * MiB, 'all memory')
  const waiting = watched.events.map((event) => (event.type === 'state' ? event.state.details['waiting'] : undefined))
  assert.deepEqual([...new Set(waiting)], [undefined])
})

test('there never are two requests for a list at once, and connections stay few', async (t) => {
  const dcu = await startDcu(t, { faults: [{ kind: 'delay', ms: 30, on: 'list' }] })
  for (let i = 0; i < 30; i++) await dcu.add(`f${i}`, Buffer.from('1'))
  const watched = watchDcu(t, dcu, { connections: 2 })
  const looks = [1, 2, 3].map(() => watched.source.look?.())
  await watched.offered(30)
  await Promise.allSettled(looks)
  await watched.stop()
  const lists = dcu.truth.requests.filter(({ path }) => path.endsWith('/files'))
  for (const [i, { at }] of lists.entries()) {
    const before = lists[i - 1]
    if (before !== undefined) assert.ok(at - before.at >= 28, 'after the answer to the one before')
  }
  assert.ok(new Set(dcu.truth.requests.map(({ connection }) => connection)).size <= 4)
})

test('look: what was complete before is seen when it resolves', async (t) => {
  const dcu = await startDcu(t)
  const watched = watchDcu(t, dcu, { poll: { arriving: 60_000, acquiring: 60_000, idle: 60_000, status: 60_000 } })
  await eventually(() => watched.state?.available === true, 'the first list')
  await dcu.add('a', Buffer.from('1'))
  await watched.source.look?.()
  const changed = Date.now()
  await dcu.add('b', Buffer.from('1'))
  await watched.source.look?.()
  assert.ok((await watched.offer('a')).seen <= changed)
  assert.ok((await watched.offer('b')).seen >= changed)
})

test('an arming detector ends a long pause', async (t) => {
  const dcu = await startDcu(t, { imagesPerFile: 1 })
  const watched = watchDcu(t, dcu, { poll: { arriving: 10, acquiring: 10, idle: 60_000, status: 20 } })
  await eventually(() => watched.state?.busy === false, 'the first states')
  // No pause is long right after a start: let it be idle for as long as one needs.
  await dcu.acquire({ images: 30, frameTime: 0.02 })
  await watched.offered(31)
})

test('a slow reader gets everything, and the newest state only', async (t) => {
  const dcu = await startDcu(t)
  await using source = openSimplon({ host: dcu.url, ...quick })
  const events = source.open()[Symbol.asyncIterator]()
  assert.equal(((await events.next()).value as { type: string }).type, 'state')
  for (let i = 0; i < 20; i++) await dcu.add(`f${i}`, Buffer.alloc(1000))
  await eventually(() => dcu.truth.requests.filter(({ method }) => method === 'HEAD').length >= 40, 'all are looked at')
  const names: string[] = []
  let states = 0
  while (names.length < 20) {
    const { value } = await events.next()
    if (value?.type === 'state') states++
    if (value?.type === 'file') names.push(value.file.name)
  }
  assert.equal(new Set(names).size, 20)
  assert.ok(states <= 3)
  await events.return?.()
})

test('two readings at once are refused; one after the other offers everything again', async (t) => {
  const dcu = await startDcu(t)
  await dcu.add('a', Buffer.from('1'))
  const watched = watchDcu(t, dcu)
  await watched.offer('a')
  await assert.rejects(
    async () => {
      for await (const event of watched.source.open()) assert.fail(event.type)
    },
    { code: 'ERR_INVALID_STATE' },
  )
  await watched.stop()
  const requests = dcu.truth.requestCount
  for await (const event of watched.source.open()) if (event.type === 'file') break
  assert.ok(dcu.truth.requestCount > requests)
})

test('a reading that ended asks no more, nor does a closed source', async (t) => {
  const dcu = await startDcu(t)
  await dcu.add('a', Buffer.from('1'))
  const watched = watchDcu(t, dcu)
  const file = await watched.offer('a')
  await watched.stop()
  await assert.rejects(watched.source.look?.() ?? Promise.resolve(), { code: 'ERR_SUSTEN_CLOSED' })
  await watched.source.close()
  const requests = dcu.truth.requestCount
  await assert.rejects(watched.source.read(file), { code: 'ERR_SUSTEN_CLOSED' })
  await assert.rejects(watched.source.remove(file), { code: 'ERR_SUSTEN_CLOSED' })
  await new Promise((resolve) => setTimeout(resolve, 60))
  assert.ok(dcu.truth.requestCount <= requests + 3, 'what was under way may have come')
})

test('what the native receiver needs is told for HTTP', async (t) => {
  const dcu = await startDcu(t)
  await dcu.add('run 1/a%2Fb', Buffer.from('1'))
  const watched = watchDcu(t, dcu)
  const place = await watched.source.locate?.(await watched.offer('run 1/a%2Fb'))
  const headers = [['accept', 'application/hdf5, */*']]
  assert.deepEqual(place, { type: 'http', host: '127.0.0.1', port: dcu.port, target: '/data/run%201/a%252Fb', headers })
})

test('options that make no sense are refused by name', () => {
  const wrong: [object, RegExp][] = [
    [{}, /'host'/],
    [{ host: 'ftp://x' }, /'host'/],
    [{ host: 'http://user:secret@x' }, /'host'/],
    [{ host: 'http://x/path' }, /'host'/],
    [{ host: 'x y' }, /'host'/],
    [{ host: 'x', apiVersion: '../1' }, /'apiVersion'/],
    [{ host: 'x', sure: 10 }, /'sure'/],
    [{ host: 'x', poll: { arrivng: 1 } }, /'arriving'/],
    [{ host: 'x', conections: 1 }, /'connections'/],
    [{ host: 'x', ca: 1 }, /'ca'/],
  ]
  for (const [options, message] of wrong) {
    assert.throws(() => openSimplon(options as never), { code: 'ERR_SUSTEN_OPTION', message })
  }
  for (const host of ['10.42.41.10', 'dcu:8080', '[::1]:80', 'https://dcu']) assert.ok(openSimplon({ host }).id)
})

test('of a file that was removed no offer comes any more, not even one that waited to be read', async (t) => {
  const dcu = await startDcu(t)
  await dcu.add('a', Buffer.from('1'))
  const watched = watchDcu(t, dcu)
  const { source } = watched
  const file = await watched.offer('a')
  await watched.stop()
  const before = dcu.truth.requestCount
  const events = source.open()[Symbol.asyncIterator]()
  await events.next()
  const looks = () => dcu.truth.requests.filter(({ id, method }) => id > before && method === 'HEAD').length
  await eventually(() => looks() > 2, 'it was offered once more, and nobody has read that')
  assert.equal(await removed(source, file), 'removed')
  await dcu.add('b', Buffer.from('2'))
  const names: string[] = []
  while (!names.includes('b')) {
    const { value } = await events.next()
    if (value?.type === 'file') names.push(value.file.name)
  }
  assert.deepEqual(names, ['b'])
})

test('if another version was offered meanwhile, and is gone by the removal, that is told', async (t) => {
  const dcu = await startDcu(t)
  await dcu.add('a', Buffer.from('1'))
  const watched = watchDcu(t, dcu)
  const former = await watched.offer('a')
  await dcu.add('a', Buffer.from('other'))
  await eventually(() => watched.offers.length > 1, 'the other one')
  const [, other] = watched.offers
  await fetch(`${dcu.url}/filewriter/api/${dcu.version}/command/clear`, { method: 'PUT' })
  assert.equal(await removed(watched.source, former), 'gone')
  await eventually(() => watched.events.some(({ type }) => type === 'withdrawn'), 'it is withdrawn')
  const events = watched.events.filter((event) => event.type === 'withdrawn')
  assert.deepEqual(events, [{ type: 'withdrawn', name: 'a', version: other?.version }])
})
