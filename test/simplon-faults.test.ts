import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { apiVersions, hostileNames } from '#lib/simulate/dcu/index.js'
import { placeOf } from '#lib/source/names.js'
import { openSimplon } from '#lib/source/simplon/index.js'
import { eventually, startDcu } from './support/dcu-world.js'
import { quick, removed, watch, watchDcu, whole } from './support/source-world.js'

const bytes = Buffer.from(Array.from({ length: 1000 }, (_, index) => index & 0xff))
const withdrawn = (events: readonly { readonly type: string }[]) => events.filter(({ type }) => type === 'withdrawn')

for (const version of apiVersions) {
  test(`${version}: 404 for everything is a failure, not an empty server; afterwards everything is offered again`, async (t) => {
    const dcu = await startDcu(t, { version })
    await dcu.add('a', bytes)
    const watched = watchDcu(t, dcu)
    const first = await watched.offer('a')
    const fault = dcu.fault({ kind: 'status', status: 404 })
    await eventually(() => watched.state?.available === false, 'unavailable')
    assert.equal(watched.state?.failure?.code, 'ERR_SUSTEN_SERVER')
    assert.match(watched.state?.failure?.message ?? '', /files.*status 404/)
    await eventually(() => fault.hits > 30, 'it goes on trying')
    fault.clear()
    const [, again] = await watched.offered(2)
    assert.deepEqual([again?.name, again?.version], ['a', first.version])
    assert.equal(watched.state?.available, true)
    assert.deepEqual(withdrawn(watched.events), [])
    assert.equal(dcu.truth.deletes.length, 0)
  })

  test(`${version}: 500s, resets and delays lose nothing`, async (t) => {
    const dcu = await startDcu(t, { version, imagesPerFile: 1, seed: 7 })
    dcu.fault({ kind: 'status', status: 500, chance: 0.2 })
    dcu.fault({ kind: 'reset', chance: 0.1 })
    dcu.fault({ kind: 'delay', ms: 20, chance: 0.2 })
    const watched = watchDcu(t, dcu)
    await dcu.acquire({ images: 5 })
    const files = () => new Map(watched.offers.map((file) => [file.name, file]))
    await eventually(() => files().size === 6, 'every file')
    dcu.clearFaults()
    for (const file of files().values()) assert.equal(await removed(watched.source, file), 'removed')
    assert.ok(dcu.truth.files.every(({ state }) => state === 'deleted'))
  })

  test(`${version}: a list without files, from a server that still has them, makes nothing gone`, async (t) => {
    const dcu = await startDcu(t, { version })
    await dcu.add('a', bytes)
    const watched = watchDcu(t, dcu)
    await watched.offer('a')
    const fault = dcu.fault({ kind: 'body', text: version === '1.8.0' ? '{"value":null}' : '[]' })
    await eventually(() => fault.hits > 20, 'empty lists')
    fault.clear()
    await dcu.add('b', bytes)
    await watched.offer('b')
    assert.deepEqual(withdrawn(watched.events), [])
    assert.equal(watched.offers.length, 2, 'a was never taken for another one')
  })

  test(`${version}: after a restart the same name with other content is another version`, async (t) => {
    const dcu = await startDcu(t, { version })
    const content = { images: 1, imagesPerFile: 1 }
    await dcu.acquire(content)
    const watched = watchDcu(t, dcu)
    const old = await watched.offer('series_1_master.h5')
    await dcu.restart({ downtime: 50 })
    await eventually(() => withdrawn(watched.events).length === 2, 'what was lost is told')
    // Whole seconds are all that a server tells.
    await new Promise((resolve) => setTimeout(resolve, 1010 - (Date.now() % 1000)))
    await dcu.acquire(content)
    await eventually(() => watched.offers.length === 4, 'offered anew')
    const next = await watched.offer('series_1_master.h5')
    assert.notEqual(next.version, old.version)
    assert.deepEqual(await watched.source.remove(old), { outcome: 'changed' })
    assert.equal(dcu.truth.deletes.length, 0)
    assert.equal(await removed(watched.source, next), 'removed')
  })

  test(`${version}: a file that grows is offered when it is whole, and removed only then`, async (t) => {
    const dcu = await startDcu(t, { version })
    const watched = watchDcu(t, dcu, { settle: 5, sure: 100 })
    const growing = dcu.add('a', bytes, { grow: { steps: 6, over: 240 } })
    await watched.offered(1)
    // What was offered too early is another version, and isn't removed.
    await growing
    await eventually(() => watched.offers.at(-1)?.size === bytes.length, 'the whole file')
    for (const file of watched.offers.slice(0, -1))
      assert.deepEqual(await watched.source.remove(file), { outcome: 'changed' })
    assert.equal(dcu.truth.deletes.length, 0)
    const file = await watched.offer('a')
    assert.deepEqual(await whole(await watched.source.read(file)), bytes)
    assert.equal(await removed(watched.source, file), 'removed')
  })

  test(`${version}: HDF5 files that are written before everybody's eyes are only offered whole`, async (t) => {
    const dcu = await startDcu(t, { version, imagesPerFile: 2, faults: [{ kind: 'growing', steps: 5 }] })
    const watched = watchDcu(t, dcu, { settle: 0, sure: 250 })
    await dcu.acquire({ images: 4 })
    const truth = dcu.truth.completed
    const files = await watched.offered(truth.length)
    for (const { name, size } of files) assert.equal(size, truth.find((file) => file.name === name)?.size)
    assert.equal(files.length, 3)
  })

  test(`${version}: an overwritten file is offered again, and its older version never removes it`, async (t) => {
    const dcu = await startDcu(t, { version })
    await dcu.add('a', bytes)
    const watched = watchDcu(t, dcu)
    const old = await watched.offer('a')
    await dcu.add('a', Buffer.alloc(7))
    assert.equal(await removed(watched.source, old), 'changed')
    await watched.offered(2)
    const file = await watched.offer('a')
    assert.equal(file.size, 7)
    assert.equal((await watched.source.remove(old)).outcome, 'changed')
    assert.equal(dcu.truth.deletes.length, 0)
    await assert.rejects(watched.source.read(old), { code: 'ERR_SUSTEN_CHANGED' })
    assert.equal(await removed(watched.source, file), 'removed')
  })

  test(`${version}: lists that lag, in either way, bring nothing twice and nothing wrong`, async (t) => {
    const faults = [{ kind: 'list-late', ms: 60 } as const, { kind: 'list-stale', ms: 150 } as const]
    const dcu = await startDcu(t, { version, faults })
    await dcu.add('a', bytes)
    const watched = watchDcu(t, dcu)
    assert.equal(await removed(watched.source, await watched.offer('a')), 'removed')
    await dcu.add('b', bytes)
    assert.equal(await removed(watched.source, await watched.offer('b')), 'removed')
    await eventually(() => watched.state?.details['files'] === '0', 'the lists have caught up')
    assert.deepEqual(
      watched.offers.map(({ name }) => name),
      ['a', 'b'],
    )
    assert.deepEqual(withdrawn(watched.events), [])
  })

  test(`${version}: a removal that was done without an answer is found to be done`, async (t) => {
    const dcu = await startDcu(t, { version })
    await dcu.add('a', bytes)
    await dcu.add('b', bytes)
    const { source, offer } = watchDcu(t, dcu, { sure: 10 })
    const [a, b] = [await offer('a'), await offer('b')]
    dcu.fault({ kind: 'reset', methods: ['DELETE'], match: 'a$' })
    dcu.fault({ kind: 'status', status: 500, executed: true, methods: ['DELETE'], match: 'b$' })
    await assert.rejects(removed(source, a), { code: 'ECONNRESET' })
    await assert.rejects(removed(source, b), { code: 'ERR_SUSTEN_SERVER' })
    assert.deepEqual([await removed(source, a), await removed(source, b)], ['gone', 'gone'])
  })
}

test('an HDF5 file that is whole by its own word is offered without waiting, if a part of it can be read', async (t) => {
  const dcu = await startDcu(t)
  await dcu.acquire({ images: 1 })
  const long = { settle: 600_000, sure: 600_000 }
  await watchDcu(t, dcu, long).offered(2)
  for (const kind of ['ignore-range', 'wrong-range'] as const) {
    const fault = dcu.fault({ kind })
    const watched = watchDcu(t, dcu, kind === 'ignore-range' ? quick : long)
    await watched.offered(2)
    fault.clear()
  }
  const other = await startDcu(t, { ranges: false })
  await other.acquire({ images: 1 })
  await watchDcu(t, other).offered(2)
  assert.ok(!other.truth.requests.some(({ method, path }) => method === 'GET' && path.startsWith('/data/')))
})

test('a server that ignores ranges is asked for one once', async (t) => {
  const dcu = await startDcu(t, { faults: [{ kind: 'ignore-range' }] })
  for (let i = 0; i < 5; i++) await dcu.add(`${i}.h5`, Buffer.alloc(200_000))
  await watchDcu(t, dcu, { connections: 1 }).offered(5)
  assert.equal(dcu.truth.requests.filter(({ range }) => range !== undefined).length, 1)
})

/** The head of an answer that is wrong. */
const wrongHead = (...fields: string[]) =>
  ({
    kind: 'raw',
    head: ['HTTP/1.1 200 OK', 'Connection: close', ...fields, '', ''].join('\r\n'),
    body: false,
    on: 'data',
    methods: ['HEAD'],
  }) as const

test('a wrong answer at a removal strands no file: the version that was offered before is offered anew', async (t) => {
  const dcu = await startDcu(t)
  await dcu.add('a', bytes)
  const watched = watchDcu(t, dcu, { sure: 300 })
  const file = await watched.offer('a')
  const fault = dcu.fault(wrongHead('Content-Length: 3'))
  assert.equal(await removed(watched.source, file), 'changed')
  fault.clear()
  const [, again] = await watched.offered(2)
  assert.deepEqual([again?.version, again?.size], [file.version, bytes.length])
  assert.equal(again?.seen, file.seen, 'it is the file that it was')
  assert.equal(await removed(watched.source, file), 'removed')
})

test('a server that won’t delete the very version that it shows is asked some times; then the file is kept, for a reason', async (t) => {
  const dcu = await startDcu(t)
  await dcu.add('a', bytes)
  const watched = watchDcu(t, dcu, { sure: 10 })
  const file = await watched.offer('a')
  const once = dcu.fault({ kind: 'status', status: 412, methods: ['DELETE'] })
  let removal = await watched.source.remove(file)
  for (let tries = 0; removal.outcome === 'early' && tries < 100; tries++) {
    await sleep(removal.after)
    removal = await watched.source.remove(file)
  }
  assert.equal(removal.outcome, 'kept')
  assert.match(removal.outcome === 'kept' ? removal.reason : '', /412/)
  assert.ok(once.hits > 1)
  once.clear()
  assert.equal(await removed(watched.source, file), 'removed')
  assert.equal(watched.offers.length, 1, 'it never was another one')
})

test('other content under a name that was offered is seen when it came; what merely grows is what it was', async (t) => {
  const dcu = await startDcu(t)
  await dcu.add('a', bytes)
  const watched = watchDcu(t, dcu, { sure: 500 })
  const first = await watched.offer('a')
  const overwritten = Date.now()
  await dcu.add('a', Buffer.alloc(7))
  const [, other] = await watched.offered(2)
  assert.equal(other?.size, 7)
  assert.ok((other?.seen ?? 0) >= overwritten && first.seen < overwritten)
  await dcu.add('a', Buffer.alloc(9))
  const [, , grown] = await watched.offered(3)
  assert.deepEqual([grown?.size, grown?.seen], [9, other?.seen])
})

test('a file whose looks fail has been seen and not offered; one that isn’t found may never be there', async (t) => {
  const dcu = await startDcu(t)
  const fault = dcu.fault({ kind: 'status', status: 500, methods: ['HEAD'] })
  await dcu.add('a', bytes)
  const watched = watchDcu(t, dcu)
  await eventually(() => fault.hits > 3, 'looks that fail')
  await watched.source.look?.()
  await eventually(() => watched.state?.unsettled === 1, 'it counts')
  fault.clear()
  dcu.fault({ kind: 'status', status: 404, methods: ['HEAD'] })
  await eventually(() => watched.state?.unsettled === 0, 'it counts no more')
  assert.equal(watched.offers.length, 0)
})

test('404 for a removal is done', async (t) => {
  const dcu = await startDcu(t)
  await dcu.add('a', bytes)
  const { source, offer } = watchDcu(t, dcu, { sure: 10 })
  const file = await offer('a')
  dcu.fault({ kind: 'status', status: 404, methods: ['DELETE'] })
  assert.equal(await removed(source, file), 'gone')
})

test('a file of an earlier run is removed if it still is that version, however the source was opened', async (t) => {
  const dcu = await startDcu(t)
  await dcu.add('a', bytes)
  const first = watchDcu(t, dcu)
  const file = await first.offer('a')
  await first.source.close()
  const { source } = watchDcu(t, dcu)
  assert.equal((await source.remove({ ...file, version: '1::' })).outcome, 'changed')
  assert.equal(await removed(source, file), 'removed')
  assert.equal((await source.remove({ ...file, name: '../x', path: '../x' })).outcome, 'kept')
})

test('a file that vanishes by itself is told, once', async (t) => {
  const dcu = await startDcu(t)
  await dcu.add('a', bytes)
  await dcu.add('b', bytes)
  const watched = watchDcu(t, dcu)
  const file = await watched.offer('a')
  await watched.offer('b')
  // Somebody else deletes it.
  await fetch(`${dcu.url}/data/a`, { method: 'DELETE' })
  await eventually(() => withdrawn(watched.events).length > 0, 'told')
  assert.deepEqual(withdrawn(watched.events), [{ type: 'withdrawn', name: 'a', version: file.version }])
  await assert.rejects(watched.source.read(file), { code: 'ENOENT' })
  assert.equal((await watched.source.remove(file)).outcome, 'gone')
})

test('lists that are no lists make the server unavailable, until they are', async (t) => {
  const dcu = await startDcu(t)
  await dcu.add('a', bytes)
  const watched = watchDcu(t, dcu)
  await watched.offer('a')
  for (const text of ['<html>oops</html>', '{"value": "a"}', '["a"', '['.repeat(1e6), '']) {
    const fault = dcu.fault({ kind: 'body', text })
    await eventually(() => watched.state?.available === false, text.slice(0, 20))
    assert.equal(watched.state?.failure?.code, 'ERR_SUSTEN_SERVER')
    fault.clear()
    await eventually(() => watched.state?.available === true, 'back')
  }
  const fault = dcu.fault({ kind: 'body', text: ' '.repeat(17 * 1024 ** 2) })
  await eventually(() => watched.state?.available === false, 'too large')
  assert.match(watched.state?.failure?.message ?? '', /more than 16777216 bytes/)
  fault.clear()
  await watched.offered(2)
  assert.deepEqual(withdrawn(watched.events), [])
})

test('entries that are no text are counted, and the others are taken', async (t) => {
  const dcu = await startDcu(t)
  await dcu.add('a', bytes)
  dcu.fault({ kind: 'body', text: '["a", 7, null, {}]' })
  const watched = watchDcu(t, dcu)
  await watched.offer('a')
  await eventually(() => watched.state?.details['strange'] === '3', 'counted')
})

test('answers that never end, or never begin, are given up', async (t) => {
  const dcu = await startDcu(t, { faults: [{ kind: 'delay', ms: 60_000, on: 'list', skip: 1 }] })
  const watched = watchDcu(t, dcu, { timeout: 60 })
  await eventually(() => watched.state?.failure !== undefined, 'given up')
  assert.equal(watched.state?.failure?.code, 'ETIMEDOUT')
  await watched.source.close()
})

test('a server that is not there is told, and tried again until it is', async (t) => {
  const first = await startDcu(t)
  const { port } = first
  await first.close()
  const watched = watch(t, openSimplon({ host: `127.0.0.1:${port}`, ...quick }))
  await eventually(() => watched.state?.failure?.code === 'ECONNREFUSED', 'refused')
  const dcu = await startDcu(t, { port })
  await dcu.add('a', bytes)
  await watched.offer('a')
})

test('hostile names: each is offered for a place below the target and read exactly, or refused once, with a reason', async (t) => {
  const dcu = await startDcu(t)
  await dcu.addHostile()
  const watched = watchDcu(t, dcu)
  const good = hostileNames.filter((name) => 'path' in placeOf(name))
  const bad = hostileNames.length - good.length
  await watched.offered(good.length)
  const refusals = () => watched.events.filter(({ type }) => type === 'refused')
  await eventually(() => refusals().length >= bad, 'refusals')
  for (let lists = 0; lists < 3; lists++) await watched.source.look?.()
  assert.equal(refusals().length, bad, 'told once')
  assert.deepEqual(watched.offers.map(({ name }) => name).sort(), good.sort())
  for (const file of watched.offers) {
    assert.equal((await whole(await watched.source.read(file))).toString(), `the content of ${file.name}`)
  }
  assert.equal(dcu.truth.deletes.length, 0)
})

test('names beyond the most that are dealt with get their turn when others are gone', async (t) => {
  const dcu = await startDcu(t)
  for (let i = 0; i < 9; i++) await dcu.add(`f${i}`, bytes)
  const { source, offered, ...watched } = watchDcu(t, dcu, { maxFiles: 4, sure: 10 })
  for (let i = 0; i < 9; i++) assert.equal(await removed(source, (await offered(i + 1))[i] ?? assert.fail()), 'removed')
  assert.ok(watched.events.some((event) => event.type === 'state' && event.state.details['waiting'] === '5'))
})

test('a new file does not wait behind a thousand others', async (t) => {
  const dcu = await startDcu(t)
  const many = Array.from({ length: 1200 }, (_, i) => `missing-${i}`)
  dcu.fault({ kind: 'delay', ms: 4, on: 'data' })
  const before = dcu.fault({ kind: 'body', text: JSON.stringify(many) })
  const watched = watchDcu(t, dcu, { connections: 1 })
  const looks = () => dcu.truth.requests.filter(({ method }) => method === 'HEAD').length
  await eventually(() => looks() > 0, 'the looks begin')
  await dcu.add('new', bytes)
  before.clear()
  dcu.fault({ kind: 'body', text: JSON.stringify([...many, 'new']) })
  await watched.offer('new')
  assert.ok(looks() < many.length)
})

test('the slow path: chunked and compressed contents are read whole', async (t) => {
  const dcu = await startDcu(t)
  await dcu.add('a', bytes)
  const { source, offer } = watchDcu(t, dcu)
  const file = await offer('a')
  for (const faults of [['chunked'], ['gzip'], ['chunked', 'gzip']] as const) {
    const set = faults.map((kind) => dcu.fault({ kind }))
    assert.deepEqual(await whole(await source.read(file)), bytes, faults.join())
    for (const fault of set) fault.clear()
  }
})

test('the slow path: what is cut, too short or too long is never taken for the file', async (t) => {
  const dcu = await startDcu(t)
  await dcu.add('a', bytes)
  const { source, offer } = watchDcu(t, dcu, { stall: 50 })
  const file = await offer('a')
  const cases = [
    [{ kind: 'cut', after: 500 }, /./],
    [{ kind: 'length', by: 10 }, /ERR_SUSTEN_CHANGED/],
    [{ kind: 'length', by: -10 }, /ERR_SUSTEN_CHANGED/],
    [{ kind: 'reset' }, /ECONNRESET/],
    [{ kind: 'stall', after: 10 }, /ETIMEDOUT/],
    [{ kind: 'status', status: 503 }, /503/],
    [{ kind: 'raw', head: 'HTTP/1.1 200 OK\r\nContent-Encoding: x\r\n\r\n' }, /encoded as 'x'/],
    [{ kind: 'raw', head: 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n' }, /./],
    [
      {
        kind: 'raw',
        head: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
        body: false,
      },
      /5 bytes/,
    ],
    [{ kind: 'raw', head: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', body: false }, /./],
    [{ kind: 'raw', head: 'no HTTP at all\r\n\r\n' }, /./],
  ] as const
  for (const [effect, message] of cases) {
    const fault = dcu.fault({ ...effect, methods: ['GET'], on: 'data' })
    const reading = async () => whole(await source.read(file))
    await assert.rejects(reading, { name: 'SustenError', message }, JSON.stringify(effect))
    fault.clear()
  }
  assert.deepEqual(await whole(await source.read(file)), bytes)
})

test('the slow path: reading ends with its signal, and with its reader', async (t) => {
  const dcu = await startDcu(t, { faults: [{ kind: 'stall', after: 100 }] })
  await dcu.add('a', bytes)
  const { source, offer } = watchDcu(t, dcu, { connections: 1 })
  const file = await offer('a')
  const stopping = new AbortController()
  const body = await source.read(file, stopping.signal)
  stopping.abort()
  await assert.rejects(whole(body), { code: 'ABORT_ERR' })
  for await (const part of (await source.read(file)).content) {
    assert.equal(part.length, 100)
    break
  }
  // One that is never begun holds the only connection no longer, either.
  await (await source.read(file)).content[Symbol.asyncIterator]().return?.()
  dcu.clearFaults()
  assert.deepEqual(await whole(await source.read(file)), bytes)
})

test('the slow path: a server that closes behind a content ends nothing else, however late it is read', async (t) => {
  const sizes = [1, 65_536, 65_537, 1_000_000]
  let turn = 0
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      const size = sizes[turn++ % sizes.length] ?? 0
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\nConnection: close\r\n\r\n`)
      socket.write(Buffer.alloc(size, 'x'))
      socket.end()
    })
  })
  t.after(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const source = openSimplon({ host: `127.0.0.1:${(server.address() as AddressInfo).port}`, ...quick })
  t.after(() => source.close())
  const offer = { name: 'a', path: 'a', version: '::', exact: false, seen: 0 }
  for (const size of sizes) {
    const body = await source.read(offer)
    // What has come waits for its reader.
    await sleep(50)
    assert.equal((await whole(body)).length, size)
  }
})

test('HTTPS: listed, looked at, read and removed the slow way', async (t) => {
  const place = mkdtempSync(join(tmpdir(), 'susten-tls-'))
  t.after(() => rmSync(place, { recursive: true }))
  const [key, cert] = [join(place, 'key.pem'), join(place, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  const dcu = await startDcu(t, { tls: { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') } })
  await dcu.add('a', bytes)
  const trusting = watchDcu(t, dcu, { ca: readFileSync(cert, 'utf8') })
  const file = await trusting.offer('a')
  assert.equal(await trusting.source.locate?.(file), undefined)
  assert.deepEqual(await whole(await trusting.source.read(file)), bytes)
  assert.equal(await removed(trusting.source, file), 'removed')
  const doubting = watchDcu(t, dcu)
  await eventually(() => doubting.state?.failure !== undefined, 'a failure')
  assert.match(doubting.state?.failure?.code ?? '', /SELF_SIGNED|UNABLE_TO_VERIFY/)
})
