import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { get as httpsGet } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, type TestContext, test } from 'node:test'
import { Dataset, File, Group, ready } from 'h5wasm/node'
import { digestOf } from '#lib/demo/digest.js'
import { decodeCbf } from '#lib/simulate/cbf.js'
import type { Dcu } from '#lib/simulate/dcu/index.js'
import { eiger } from '#lib/simulate/index.js'
import { api, ask, content, eventually, listed, put, smallPilatus, startDcu, valueAt } from './support/dcu-world.js'

before(() => ready)

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

/** All files of a server, in a directory of their own. */
async function download(t: TestContext, dcu: Dcu): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'susten-test-dcu-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of await listed(dcu)) writeFileSync(join(folder, name), await content(dcu, name))
  return folder
}

test('a legacy series is served as a master whose links lead to the images', async (t) => {
  const dcu = await startDcu(t, { images: 5, imagesPerFile: 2, namePattern: 'lyso_$id' })
  assert.equal(await dcu.acquire(), 1)
  const names = ['lyso_1_master.h5', 'lyso_1_data_000001.h5', 'lyso_1_data_000002.h5', 'lyso_1_data_000003.h5']
  assert.deepEqual(await listed(dcu), names)
  const folder = await download(t, dcu)
  const master = new File(join(folder, 'lyso_1_master.h5'), 'r')
  const links = master.get('/entry/data')
  assert.ok(links instanceof Group)
  const shapes = links.keys().map((key) => new Dataset(master.file_id, `/entry/data/${key}`).shape)
  assert.deepEqual(shapes, [
    [2, 40, 60],
    [2, 40, 60],
    [1, 40, 60],
  ])
  master.close()
})

test('a series of the format v2024.2 is served as a virtual dataset over the data files', async (t) => {
  const dcu = await startDcu(t, { images: 2, triggers: 2, imagesPerFile: 3, format: 'v2024.2' })
  await dcu.acquire()
  const folder = await download(t, dcu)
  const master = new File(join(folder, 'series_1_master.h5'), 'r')
  const data = master.get('/entry/data/data') as Dataset
  assert.deepEqual(data.shape, [4, 1, 40, 60])
  const last = data.slice([[3, 4], [], [], []]) as Uint16Array
  assert.ok(last.some((pixel) => pixel > 0 && pixel < 0xffff))
  master.close()
})

test('a PILATUS serves one CBF file an image', async (t) => {
  const dcu = await startDcu(t, { detector: smallPilatus, images: 2 })
  await dcu.acquire()
  assert.deepEqual(await listed(dcu), ['series_1_00001.cbf', 'series_1_00002.cbf'])
  const image = decodeCbf(await content(dcu, 'series_1_00002.cbf'))
  assert.deepEqual([image.width, image.height], [60, 40])
})

test('images are made as compressible as is wanted', async (t) => {
  const detector = eiger({ width: 514, height: 256 })
  const dcu = await startDcu(t, { detector, images: 2, compressionRatio: 5 })
  await dcu.acquire()
  const raw = 2 * 514 * 256 * 2
  const found = raw / (dcu.truth.files[1]?.size ?? 0)
  assert.ok(found > 4 && found < 6, `${found} instead of 5`)
  await put(dcu, api(dcu, 'filewriter/config/compression_enabled'), { value: false })
  await dcu.acquire()
  assert.ok((dcu.truth.files.at(-1)?.size ?? 0) > raw)
})

test('the truth has size and digest of every file, of a digest of choice', async (t) => {
  const dcu = await startDcu(t, { images: 3, imagesPerFile: 1 })
  await dcu.acquire()
  assert.equal(dcu.truth.completed.length, 4)
  for (const { name, size, digest, series, state } of dcu.truth.completed) {
    const bytes = await content(dcu, name)
    assert.deepEqual([size, digest, series, state], [bytes.length, sha256(bytes), 1, 'present'])
  }
  const other = await startDcu(t, { digests: import.meta.resolve('#lib/demo/digest.js') })
  await other.acquire()
  const added = await other.add('a', Buffer.from('content'))
  assert.equal(added?.digest, digestOf(Buffer.from('content')))
  assert.equal(other.truth.files[0]?.digest, digestOf(await content(other, 'series_1_master.h5')))
})

test('HEAD tells the length, GET brings the file, DELETE removes it, once', async (t) => {
  const dcu = await startDcu(t)
  const bytes = Buffer.from('0123456789')
  const file = await dcu.add('dir/a.h5', bytes)
  const head = await ask(dcu, '/data/dir/a.h5', { method: 'HEAD' })
  assert.deepEqual([head.status, head.headers['content-length'], head.body.length], [200, '10', 0])
  assert.equal(Date.parse(head.headers['last-modified'] ?? ''), Math.floor((file?.completed ?? 0) / 1000) * 1000)
  const got = await ask(dcu, '/data/dir/a.h5', { headers: { Accept: 'application/hdf5' } })
  assert.deepEqual([got.status, got.headers['content-type'], got.body], [200, 'application/hdf5', bytes])
  assert.equal((await ask(dcu, '/data/dir/a.h5', { method: 'DELETE' })).status, 204)
  for (const method of ['HEAD', 'GET', 'DELETE']) {
    assert.equal((await ask(dcu, '/data/dir/a.h5', { method })).status, 404, method)
  }
  assert.deepEqual(
    dcu.truth.deletes.map(({ file, status }) => [file, status]),
    [
      [1, 204],
      [undefined, 404],
    ],
  )
  assert.equal(file?.state, 'deleted')
  assert.equal(dcu.truth.bytesSent, 10 + Buffer.byteLength('/data/dir/a.h5 not found\n'))
})

test('ranges are honoured unless that is turned off', async (t) => {
  const dcu = await startDcu(t)
  await dcu.add('a', Buffer.from('0123456789'))
  const cases: [string, number, string, string | undefined][] = [
    ['bytes=2-4', 206, '234', 'bytes 2-4/10'],
    ['bytes=7-', 206, '789', 'bytes 7-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=5-100', 206, '56789', 'bytes 5-9/10'],
    ['bytes=10-', 416, '', 'bytes */10'],
    ['bytes=4-2', 200, '0123456789', undefined],
    ['bytes=0-1,4-5', 200, '0123456789', undefined],
    ['lines=1-2', 200, '0123456789', undefined],
  ]
  for (const [range, status, body, contentRange] of cases) {
    const got = await ask(dcu, '/data/a', { headers: { Range: range } })
    assert.deepEqual(
      [got.status, got.body.toString(), got.headers['content-range']],
      [status, body, contentRange],
      range,
    )
  }
  const { headers } = await ask(dcu, '/data/a')
  assert.equal(headers['accept-ranges'], 'bytes')
  const ifRange = async (value: string | undefined): Promise<number> =>
    (await ask(dcu, '/data/a', { headers: { Range: 'bytes=1-', 'If-Range': value ?? '' } })).status
  assert.equal(await ifRange(headers.etag), 206)
  assert.equal(await ifRange(headers['last-modified']), 206)
  assert.equal(await ifRange('"other"'), 200)
  assert.equal(dcu.truth.requests[0]?.range, 'bytes=2-4')

  const without = await startDcu(t, { ranges: false })
  await without.add('a', Buffer.from('0123456789'))
  const whole = await ask(without, '/data/a', { headers: { Range: 'bytes=2-4' } })
  assert.deepEqual([whole.status, whole.body.length, whole.headers['accept-ranges']], [200, 10, undefined])
})

test('a directory is a page of names, escaped, with rounded sizes', async (t) => {
  const dcu = await startDcu(t)
  await dcu.add('a&<b>.h5', Buffer.alloc(3000))
  await dcu.add('dir/c.h5', Buffer.alloc(10))
  const { status, headers, body } = await ask(dcu, '/data/')
  assert.deepEqual([status, headers['content-type']], [200, 'text/html; charset=utf-8'])
  assert.match(body.toString(), /<a href="a%26%3Cb%3E\.h5">a&amp;&lt;b&gt;\.h5<\/a> 3K\n<a href="dir%2F">dir\/<\/a> -/)
  assert.match((await ask(dcu, '/data/dir')).body.toString(), /c\.h5<\/a> 10/)
  assert.equal((await ask(dcu, '/data/nothing/')).status, 404)
})

test('data files appear when they are full, at the pace of the images', async (t) => {
  const dcu = await startDcu(t, { images: 6, imagesPerFile: 3, experiment: { frameTime: 0.03 } })
  const begun = Date.now()
  await dcu.acquire()
  const [, first, second] = dcu.truth.completed.map(({ completed = 0 }) => completed - begun)
  assert.ok((first ?? 0) >= 3 * 30 - 5, `${first} ms`)
  assert.ok((second ?? 0) >= 6 * 30 - 5, `${second} ms`)
})

for (const command of ['disarm', 'cancel', 'abort']) {
  test(`${command} ends a series early: the last file has the images that were taken, the master all links`, async (t) => {
    const dcu = await startDcu(t, { images: 200, imagesPerFile: 10, experiment: { frameTime: 0.01 } })
    await put(dcu, api(dcu, 'detector/command/arm'))
    const triggering = put(dcu, api(dcu, 'detector/command/trigger'))
    await eventually(() => dcu.truth.completed.length >= 3, 'two data files')
    const { body } = await put(dcu, api(dcu, `detector/command/${command}`))
    assert.deepEqual(JSON.parse(body.toString()), { 'sequence id': 1 })
    assert.equal((await triggering).status, 200)
    assert.equal(await valueAt(dcu, api(dcu, 'detector/status/state')), 'idle')
    const names = await listed(dcu)
    const folder = await download(t, dcu)
    const last = new File(join(folder, names.at(-1) ?? ''), 'r')
    const { shape, attrs } = last.get('/entry/data/data') as Dataset
    const [low, high] = [Number(attrs['image_nr_low']?.value), Number(attrs['image_nr_high']?.value)]
    assert.equal(high - low + 1, shape?.[0])
    assert.equal(low, (names.length - 2) * 10 + 1)
    last.close()
    const master = new File(join(folder, 'series_1_master.h5'), 'r')
    assert.equal((master.get('/entry/data') as Group).keys().length, 20)
    master.close()
    assert.ok(dcu.truth.files.every(({ state }) => state === 'present'))
  })
}

test('a file that there is no room for is dropped, whole; what is there stays', async (t) => {
  const dcu = await startDcu(t, { memory: 1000 })
  const dropped: string[] = []
  dcu.on('dropped', ({ name }) => dropped.push(name))
  await dcu.add('a', Buffer.alloc(600))
  assert.equal(await dcu.add('b', Buffer.alloc(500)), undefined)
  assert.deepEqual(dropped, ['b'])
  assert.deepEqual(
    dcu.truth.dropped.map(({ name, size }) => [name, size]),
    [['b', 500]],
  )
  assert.deepEqual(await listed(dcu), ['a'])
  assert.equal(await valueAt(dcu, api(dcu, 'filewriter/status/buffer_free')), 400)
  assert.equal((await dcu.add('a', Buffer.alloc(1000)))?.size, 1000, 'in place of itself')
  assert.deepEqual(await valueAt(dcu, api(dcu, 'filewriter/status/error')), ['buffer_free'])
  await ask(dcu, '/data/a', { method: 'DELETE' })
  assert.equal(await valueAt(dcu, api(dcu, 'filewriter/status/buffer_free')), 1000)
  assert.equal((await dcu.add('b', Buffer.alloc(500)))?.state, 'present')
})

test('a series that outgrows the memory loses files, and goes on when there is room again', async (t) => {
  const dcu = await startDcu(t, { images: 20, imagesPerFile: 1, memory: 200_000 })
  await dcu.acquire()
  const kept = dcu.truth.completed.length
  assert.ok(kept > 1 && kept < 21)
  assert.equal(kept + dcu.truth.dropped.length, 21)
  for (const name of await listed(dcu)) await ask(dcu, `/data/${name}`, { method: 'DELETE' })
  await dcu.acquire({ images: 1 })
  assert.deepEqual(await listed(dcu), ['series_2_master.h5', 'series_2_data_000001.h5'])
})

test('a file that grows is listed and served as far as it has come', async (t) => {
  const dcu = await startDcu(t)
  const bytes = Buffer.from('0123456789')
  const adding = dcu.add('a', bytes, { grow: { steps: 4, over: 400 } })
  const lengths = new Set<number>()
  await eventually(async () => {
    const { body } = await ask(dcu, '/data/a')
    assert.deepEqual(body, bytes.subarray(0, body.length))
    lengths.add(body.length)
    return body.length === 10
  }, 'it is whole')
  assert.ok(lengths.size >= 2, [...lengths].join(' '))
  assert.equal((await adding)?.state, 'present')
})

test('who reads a file that is replaced gets the one that it began with', async (t) => {
  const dcu = await startDcu(t)
  await dcu.add('a', Buffer.alloc(1000, 'x'))
  dcu.fault({ kind: 'stall', after: 500, ms: 300 })
  const reading = ask(dcu, '/data/a')
  await eventually(() => dcu.faults()[0]?.hits === 1, 'the answer stalls')
  await dcu.add('a', Buffer.alloc(1000, 'y'))
  assert.deepEqual((await reading).body, Buffer.alloc(1000, 'x'))
  dcu.clearFaults()
  assert.deepEqual(await content(dcu, 'a'), Buffer.alloc(1000, 'y'))
})

test('events tell of series, files and requests as they come', async (t) => {
  const dcu = await startDcu(t)
  const told: string[] = []
  dcu.on('series', ({ id, state }) => told.push(`${id} ${state}`))
  dcu.on('file', ({ name }) => told.push(name))
  dcu.on('gone', ({ name, state }) => told.push(`${name} ${state}`))
  await dcu.acquire()
  await ask(dcu, '/data/series_1_master.h5', { method: 'DELETE' })
  assert.deepEqual(told, [
    'series_1_master.h5',
    '1 armed',
    'series_1_data_000001.h5',
    '1 ended',
    'series_1_master.h5 deleted',
  ])
})

test('requests are kept, the newest only, and their connections told apart', async (t) => {
  const dcu = await startDcu(t, { maxRequests: 3 })
  for (let count = 1; count <= 7; count++) await ask(dcu, `/data/${count}`)
  assert.equal(dcu.truth.requestCount, 7)
  assert.deepEqual(
    dcu.truth.requests.map(({ id, path, status, outcome }) => [id, path, status, outcome]),
    [5, 6, 7].map((id) => [id, `/data/${id}`, 404, 'sent']),
  )
  assert.equal(new Set(dcu.truth.requests.map(({ connection }) => connection)).size, 3)
})

test('a name pattern can have directories', async (t) => {
  const dcu = await startDcu(t, { namePattern: 'user/run$id/lyso_$id' })
  await dcu.acquire()
  assert.deepEqual(await listed(dcu), ['user/run1/lyso_1_master.h5', 'user/run1/lyso_1_data_000001.h5'])
})

const openssl = spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed'

test('with key and certificate it speaks HTTPS', { skip: openssl }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'susten-test-dcu-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1']
  const names = ['-subj', '/CN=dcu', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert]
  assert.equal(spawnSync('openssl', [...args, ...names]).status, 0)
  const [ca, secret] = [readFileSync(cert, 'utf8'), readFileSync(key, 'utf8')]
  const dcu = await startDcu(t, { tls: { key: secret, cert: ca } })
  await dcu.add('a', Buffer.from('content'))
  const get = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const asking = httpsGet(`${dcu.url}/data/a`, { ca, agent: false }, (response) => {
        let body = ''
        response.setEncoding('utf8').on('data', (part: string) => {
          body += part
        })
        response.on('end', () => resolve(body)).on('error', reject)
      })
      asking.on('error', reject)
    })
  assert.match(dcu.url, /^https:/)
  assert.equal(await get(), 'content')
  dcu.fault({ kind: 'cut', after: 3, times: 1 })
  await assert.rejects(get(), { code: 'ECONNRESET' })
  dcu.fault({ kind: 'reset', times: 1 })
  await assert.rejects(get(), { code: 'ECONNRESET' })
  await dcu.restart()
  assert.equal((await dcu.add('a', Buffer.from('again')))?.state, 'present')
  assert.equal(await get(), 'again')
})

const curl = spawnSync('curl', ['--version']).status === 0 ? false : 'curl is not installed'

test('curl downloads a series on one connection and deletes it', { skip: curl }, async (t) => {
  const dcu = await startDcu(t, { images: 2, imagesPerFile: 1, detector: eiger({ width: 600, height: 400 }) })
  await dcu.acquire()
  const folder = mkdtempSync(join(tmpdir(), 'susten-test-dcu-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const urls = (await listed(dcu)).map((name) => `${dcu.url}/data/${name}`)
  const { spawn } = await import('node:child_process')
  const run = (...args: string[]): Promise<number | null> =>
    new Promise((resolve) => spawn('curl', ['-fsS', ...args], { cwd: folder, stdio: 'inherit' }).on('close', resolve))
  assert.equal(await run('--remote-name-all', ...urls), 0)
  for (const { name, digest } of dcu.truth.files) assert.equal(sha256(readFileSync(join(folder, name))), digest)
  assert.equal(await run('-X', 'DELETE', ...urls), 0)
  assert.deepEqual(await listed(dcu), [])
  const gets = dcu.truth.requests.filter(({ method, path }) => method === 'GET' && path.startsWith('/data/'))
  assert.equal(new Set(gets.map(({ connection }) => connection)).size, 1)
})
