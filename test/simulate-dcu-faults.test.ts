import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { gunzipSync } from 'node:zlib'
import { apiVersions, type Dcu, type Fault, hostileNames, readScript, runScript } from '#lib/simulate/dcu/index.js'
import { api, ask, content, eventually, listed, put, startDcu, value, valueAt } from './support/dcu-world.js'

const bytes = Buffer.from(Array.from({ length: 1000 }, (_, index) => index & 0xff))

/** A server with one file, `a`. */
async function serverWith(t: TestContext, ...faults: Fault[]): Promise<Dcu> {
  const dcu = await startDcu(t, { faults })
  await dcu.add('a', bytes)
  return dcu
}

const requestsOf = (dcu: Dcu, path: string) => dcu.truth.requests.filter((request) => request.path === path)

test('slow: the body comes at the pace that is given', async (t) => {
  const dcu = await serverWith(t, { kind: 'slow', bytesPerSecond: 5000 })
  const begun = performance.now()
  assert.deepEqual(await content(dcu, 'a'), bytes)
  // The last of four pieces comes after three pauses of 50 ms.
  assert.ok(performance.now() - begun >= 145)
})

test('stall: after so many bytes nothing comes, until the client goes', async (t) => {
  const dcu = await serverWith(t, { kind: 'stall', after: 100 })
  const { hostname, port } = new URL(dcu.url)
  const socket = connect(Number(port), hostname)
  t.after(() => socket.destroy())
  socket.write('GET /data/a HTTP/1.1\r\nHost: x\r\n\r\n')
  let received = Buffer.alloc(0)
  socket.on('data', (part: Buffer) => {
    received = Buffer.concat([received, part])
  })
  const bodyLength = (): number => received.length - received.indexOf('\r\n\r\n') - 4
  await eventually(() => received.includes('\r\n\r\n') && bodyLength() === 100, '100 bytes')
  await sleep(50)
  assert.equal(bodyLength(), 100)
  assert.equal(dcu.truth.requestCount, 0)
  socket.destroy()
  await eventually(() => dcu.truth.requestCount === 1, 'the request is over')
  const [request] = dcu.truth.requests
  assert.deepEqual([request?.status, request?.bytes, request?.outcome], [200, 100, 'left'])
})

test('stall: the body goes on after the time that is given', async (t) => {
  const dcu = await serverWith(t, { kind: 'stall', after: 100, ms: 100 })
  const begun = performance.now()
  assert.deepEqual(await content(dcu, 'a'), bytes)
  assert.ok(performance.now() - begun >= 95)
})

test('cut: the connection ends after so many bytes', async (t) => {
  for (const after of [0, 1, 999]) {
    const dcu = await serverWith(t, { kind: 'cut', after })
    const { status, headers, body, whole } = await ask(dcu, '/data/a')
    assert.deepEqual([status, headers['content-length'], body, whole], [200, '1000', bytes.subarray(0, after), false])
    const [request] = requestsOf(dcu, '/data/a')
    assert.deepEqual([request?.bytes, request?.outcome], [after, 'cut'])
  }
})

test('length: Content-Length is more than comes, and the connection ends', async (t) => {
  const dcu = await serverWith(t, { kind: 'length', by: 10 })
  const { headers, body, whole } = await ask(dcu, '/data/a')
  assert.deepEqual([headers['content-length'], body, whole], ['1010', bytes, false])
})

test('length: Content-Length is less than comes', async (t) => {
  const dcu = await serverWith(t, { kind: 'length', by: -10 })
  const { hostname, port } = new URL(dcu.url)
  const socket = connect(Number(port), hostname)
  t.after(() => socket.destroy())
  socket.write('GET /data/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  const parts: Buffer[] = []
  socket.on('data', (part: Buffer) => parts.push(part))
  await once(socket, 'end')
  const all = Buffer.concat(parts)
  const end = all.indexOf('\r\n\r\n')
  assert.match(all.toString('latin1', 0, end), /content-length: 990/i)
  assert.deepEqual(all.subarray(end + 4), bytes)
})

test('corrupt: one byte is another, and the length is right', async (t) => {
  const at = (body: Buffer): number[] => [...body.keys()].filter((index) => body[index] !== bytes[index])
  const dcu = await serverWith(t, { kind: 'corrupt' })
  assert.deepEqual(at(await content(dcu, 'a')), [500])
  dcu.clearFaults()
  assert.deepEqual(await content(dcu, 'a'), bytes, 'what is stored is untouched')
  dcu.fault({ kind: 'corrupt', at: 7 })
  assert.deepEqual(at(await content(dcu, 'a')), [7])
})

test('status: 404 for everything, as of a crashed file writer; nothing has an effect', async (t) => {
  const dcu = await serverWith(t)
  const fault = dcu.fault({ kind: 'status', status: 404 })
  for (const [method, path] of [
    ['GET', api(dcu, 'filewriter/files')],
    ['GET', api(dcu, 'detector/status/state')],
    ['GET', '/detector/api/version'],
    ['HEAD', '/data/a'],
    ['DELETE', '/data/a'],
    ['PUT', api(dcu, 'filewriter/command/clear')],
  ] as const) {
    assert.equal((await ask(dcu, path, { method })).status, 404, path)
  }
  assert.equal(fault.hits, 6)
  fault.clear()
  assert.deepEqual(await listed(dcu), ['a'])
})

test('status: the request can have its effect all the same', async (t) => {
  const dcu = await serverWith(t, { kind: 'status', status: 500, executed: true, methods: ['DELETE'] })
  assert.equal((await ask(dcu, '/data/a', { method: 'DELETE' })).status, 500)
  assert.equal((await ask(dcu, '/data/a')).status, 404)
})

test('raw: an answer can begin with anything, piece by piece, and the connection ends', async (t) => {
  const dcu = await serverWith(t)
  const raw = async (fault: Fault): Promise<Buffer> => {
    dcu.clearFaults()
    dcu.fault(fault)
    const { hostname, port } = new URL(dcu.url)
    const socket = connect(Number(port), hostname)
    t.after(() => socket.destroy())
    socket.write('GET /data/a HTTP/1.1\r\nHost: x\r\n\r\n')
    const parts: Buffer[] = []
    socket.on('data', (part: Buffer) => parts.push(part))
    await once(socket, 'close')
    return Buffer.concat(parts)
  }
  const head = 'HTTP/1.0 200\r\nCONTENT-LENGTH:{length}\r\nContent-Length: 7\r\n\r\n'
  const answer = await raw({ kind: 'raw', head, piece: 5 })
  assert.deepEqual(answer, Buffer.concat([Buffer.from(head.replace('{length}', '1000')), bytes]))
  assert.deepEqual(await raw({ kind: 'raw', head: 'garbage', body: false }), Buffer.from('garbage'))
  assert.deepEqual(await raw({ kind: 'raw', head: '', body: false }), Buffer.alloc(0))
  assert.deepEqual(
    dcu.truth.requests.map(({ status, outcome }) => [status, outcome]),
    Array.from({ length: 3 }, () => [200, 'sent']),
  )
})

test('status: only for an area, a path or a method', async (t) => {
  const dcu = await serverWith(t)
  await dcu.add('b', bytes)
  const statuses = async (): Promise<number[]> => {
    const asked: [string, string][] = [
      ['GET', '/data/a'],
      ['HEAD', '/data/b'],
      ['GET', api(dcu, 'filewriter/files')],
      ['GET', api(dcu, 'filewriter/status/files')],
      ['GET', api(dcu, 'filewriter/status/state')],
    ]
    const found: number[] = []
    for (const [method, path] of asked) found.push((await ask(dcu, path, { method })).status)
    return found
  }
  const cases: [Partial<Fault>, number[]][] = [
    [{ on: 'data' }, [500, 500, 200, 200, 200]],
    [{ on: 'list' }, [200, 200, 500, 500, 200]],
    [{ on: 'api' }, [200, 200, 200, 200, 500]],
    [{ match: 'files' }, [200, 200, 500, 500, 200]],
    [{ match: '/data/b$' }, [200, 500, 200, 200, 200]],
    [{ methods: ['HEAD'] }, [200, 500, 200, 200, 200]],
  ]
  for (const [scope, wanted] of cases) {
    using _ = dcu.fault({ kind: 'status', status: 500, ...scope } as Fault)
    assert.deepEqual(await statuses(), wanted, JSON.stringify(scope))
  }
})

test('a fault can spare the first requests, end after some, and hit by chance', async (t) => {
  const dcu = await serverWith(t)
  const hits = async (count: number): Promise<string> => {
    let found = ''
    for (let asked = 0; asked < count; asked++) found += (await ask(dcu, '/data/a')).status === 503 ? 'x' : '.'
    return found
  }
  dcu.fault({ kind: 'status', status: 503, skip: 2, times: 3 })
  assert.equal(await hits(7), '..xxx..')
  assert.deepEqual(dcu.faults(), [])
  dcu.fault({ kind: 'status', status: 503, chance: 0.5 })
  const some = await hits(40)
  assert.match(some, /x/)
  assert.match(some, /\./)
})

test('reset: the connection is reset; the request has its effect', async (t) => {
  const dcu = await serverWith(t, { kind: 'reset', methods: ['DELETE'] })
  await assert.rejects(ask(dcu, '/data/a', { method: 'DELETE' }), { code: 'ECONNRESET' })
  assert.equal((await ask(dcu, '/data/a')).status, 404)
  const [request] = dcu.truth.deletes
  assert.deepEqual([request?.status, request?.outcome, request?.file], [0, 'reset', 1])
})

test('delay: the answer begins later', async (t) => {
  const dcu = await serverWith(t, { kind: 'delay', ms: 100, on: 'list' })
  const begun = performance.now()
  await listed(dcu)
  assert.ok(performance.now() - begun >= 95)
})

test('chunked: there is no Content-Length', async (t) => {
  const dcu = await serverWith(t, { kind: 'chunked' })
  const { headers, body, whole } = await ask(dcu, '/data/a')
  assert.deepEqual([headers['content-length'], headers['transfer-encoding']], [undefined, 'chunked'])
  assert.deepEqual([body, whole], [bytes, true])
})

test('gzip: the body is compressed without being asked for', async (t) => {
  const dcu = await serverWith(t, { kind: 'gzip' })
  const { headers, body } = await ask(dcu, '/data/a')
  assert.equal(headers['content-encoding'], 'gzip')
  assert.deepEqual(gunzipSync(body), bytes)
})

test('close: connections end behind the answer; else they are kept', async (t) => {
  const dcu = await serverWith(t)
  const connections = async (): Promise<number> => {
    const { hostname, port } = new URL(dcu.url)
    const socket = connect(Number(port), hostname)
    t.after(() => socket.destroy())
    let [answers, isOver] = ['', false]
    socket.setEncoding('latin1').on('data', (part: string) => {
      answers += part
    })
    socket.on('end', () => {
      isOver = true
    })
    const head = 'HEAD /data/a HTTP/1.1\r\nHost: x\r\n\r\n'
    socket.write(head)
    await eventually(() => answers.includes('\r\n\r\n'), 'the first answer')
    if (/connection: close/i.test(answers)) {
      await eventually(() => isOver, 'the end')
      return 1
    }
    socket.write(head)
    await eventually(() => answers.split('\r\n\r\n').length === 3, 'the second answer')
    return 2
  }
  assert.equal(await connections(), 2)
  dcu.fault({ kind: 'close', on: 'any', methods: ['HEAD'] })
  assert.equal(await connections(), 1)
})

test('ignore-range and wrong-range: what was asked for is not what comes', async (t) => {
  const dcu = await serverWith(t, { kind: 'ignore-range' })
  const part = () => ask(dcu, '/data/a', { headers: { Range: 'bytes=500-599' } })
  const whole = await part()
  assert.deepEqual([whole.status, whole.body], [200, bytes])
  dcu.clearFaults()
  dcu.fault({ kind: 'wrong-range' })
  const wrong = await part()
  assert.deepEqual([wrong.status, wrong.headers['content-range']], [206, 'bytes 0-99/1000'])
  assert.deepEqual(wrong.body, bytes.subarray(0, 100))
})

test('body: a list can be anything', async (t) => {
  const dcu = await serverWith(t, { kind: 'body', text: '<html>gone</html>', type: 'text/html' })
  const { status, headers, body } = await ask(dcu, api(dcu, 'filewriter/files'))
  assert.deepEqual([status, headers['content-type'], body.toString()], [200, 'text/html', '<html>gone</html>'])
  dcu.clearFaults()
  dcu.fault({ kind: 'body', base64: Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]).toString('base64') })
  assert.deepEqual((await ask(dcu, api(dcu, 'filewriter/files'))).body, Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]))
  assert.equal((await ask(dcu, '/data/a')).status, 200)
})

test('list-late: a file is listed some time after it is there', async (t) => {
  const dcu = await startDcu(t, { faults: [{ kind: 'list-late', ms: 400 }] })
  await dcu.add('a', bytes)
  assert.deepEqual(await listed(dcu), [])
  assert.deepEqual(await content(dcu, 'a'), bytes)
  await eventually(async () => (await listed(dcu)).includes('a'), 'it is listed')
  assert.ok(Date.now() - (dcu.truth.files[0]?.completed ?? 0) >= 400)
})

test('list-stale: a file is listed some time after it is gone', async (t) => {
  const dcu = await serverWith(t, { kind: 'list-stale', ms: 400 })
  await ask(dcu, '/data/a', { method: 'DELETE' })
  assert.deepEqual(await listed(dcu), ['a'])
  assert.equal((await ask(dcu, '/data/a')).status, 404)
  await eventually(async () => (await listed(dcu)).length === 0, 'it is gone')
})

test('growing: files of a series are listed and served before they are whole', async (t) => {
  const dcu = await startDcu(t, {
    images: 4,
    imagesPerFile: 4,
    experiment: { frameTime: 0.1 },
    faults: [{ kind: 'growing', steps: 5 }],
  })
  const lengths = new Set<number>()
  const running = dcu.acquire()
  await eventually(async () => {
    if ((await listed(dcu)).length < 2) return false
    lengths.add((await content(dcu, 'series_1_data_000001.h5')).length)
    return dcu.truth.files[1]?.state === 'present'
  }, 'it is whole')
  await running
  assert.ok(lengths.size >= 2)
  assert.equal((await content(dcu, 'series_1_data_000001.h5')).length, dcu.truth.files[1]?.size)
})

for (const growing of [false, true]) {
  test(`late: the detector is done before its files are ${growing ? 'whole' : 'there'}`, async (t) => {
    const faults: Fault[] = [{ kind: 'late', ms: 600 }]
    const dcu = await startDcu(t, { faults: growing ? [...faults, { kind: 'growing' }] : faults })
    await dcu.acquire()
    assert.equal(await valueAt(dcu, api(dcu, 'detector/status/state')), 'idle')
    assert.equal(await valueAt(dcu, api(dcu, 'filewriter/status/state')), 'ready')
    assert.equal(dcu.truth.completed.length, 1, 'the master')
    if (growing) assert.deepEqual(await listed(dcu), ['series_1_master.h5', 'series_1_data_000001.h5'])
    await eventually(() => dcu.truth.completed.length === 2, 'the data file is whole')
    const late = dcu.acquire()
    await eventually(() => dcu.truth.completed.length === 3, 'the second series')
    await late
    await dcu.restart()
    await sleep(700)
    assert.equal(dcu.truth.completed.length, 3, 'a crash loses what is late')
  })
}

test('several faults work together', async (t) => {
  const dcu = await serverWith(t, { kind: 'corrupt', at: 3 }, { kind: 'cut', after: 10 }, { kind: 'chunked' })
  const { headers, body, whole } = await ask(dcu, '/data/a')
  assert.deepEqual([headers['transfer-encoding'], body.length, body[3], whole], ['chunked', 10, 2, false])
  assert.deepEqual(requestsOf(dcu, '/data/a')[0]?.faults, [1, 2, 3])
})

for (const version of apiVersions) {
  test(`a restart of a ${version} ends connections, loses files and begins series at 1 again`, async (t) => {
    const dcu = await startDcu(t, { version, images: 50, imagesPerFile: 1, experiment: { frameTime: 0.01 } })
    dcu.fault({ kind: 'stall', after: 10 })
    const running = dcu.acquire()
    await eventually(() => dcu.truth.completed.length > 2, 'some files')
    const reading = ask(dcu, '/data/series_1_master.h5')
    await eventually(() => dcu.faults()[0]?.hits === 1, 'a file is read')
    const restarted = dcu.restart({ downtime: 300 })
    assert.equal((await reading).whole, false)
    await assert.rejects(ask(dcu, '/data/'), { code: 'ECONNREFUSED' })
    await restarted
    await running
    assert.deepEqual(await listed(dcu), [])
    assert.ok(dcu.truth.files.every(({ state }) => state === 'lost'))
    dcu.clearFaults()
    assert.equal(await dcu.acquire({ images: 1 }), 1)
    assert.deepEqual(await listed(dcu), ['series_1_master.h5', 'series_1_data_000001.h5'])
  })
}

test('hostile names are listed as they are, and served by what a client may make of them', async (t) => {
  const dcu = await startDcu(t)
  const files = await dcu.addHostile()
  assert.equal(files.length, hostileNames.length)
  const list = (await value(dcu, api(dcu, 'filewriter/files'))) as { readonly value: string[] }
  assert.deepEqual(new Set(list.value), new Set(hostileNames))
  for (const name of hostileNames) {
    const isText = Buffer.from(name, 'utf8').toString('utf8') === name
    if (!isText || name.length > 4000) continue
    const { status, body } = await ask(dcu, `/data/${encodeURIComponent(name)}`)
    assert.deepEqual([status, body.toString()], [200, `the content of ${name}`])
  }
  // Sent as they are listed, where HTTP allows it.
  for (const name of ['../above.h5', 'encoded%2Fslash.h5', 'percent%.h5', 'query?x=1.h5']) {
    assert.equal((await ask(dcu, `/data/${name}`)).body.toString(), `the content of ${name}`)
  }
})

test('a script orders faults and events at their seconds', async (t) => {
  const dcu = await startDcu(t)
  await dcu.acquire()
  const steps = readScript(
    'x.json',
    JSON.stringify([
      { at: 1.1, do: 'clear' },
      { at: 0, do: 'restart', downtime: 0 },
      { at: 0.1, do: 'acquire', images: 2, imagesPerFile: 1 },
      { at: 0.2, fault: { kind: 'status', status: 500 }, for: 0.4 },
      { at: 0.7, fault: { kind: 'status', status: 501 } },
      { at: 1.2, do: 'hostile' },
    ]),
  )
  assert.deepEqual(
    steps.map(({ at }) => at),
    [0, 0.1, 0.2, 0.7, 1.1, 1.2],
  )
  const running = runScript(dcu, steps)
  for (const status of [500, 501]) {
    await eventually(() => dcu.faults().length === 1, 'a fault')
    assert.equal((await ask(dcu, '/data/')).status, status)
    await eventually(() => dcu.faults().length === 0, 'its end')
  }
  await running
  assert.deepEqual(
    dcu.truth.files.slice(0, 5).map(({ name, state }) => [name, state]),
    [
      ['series_1_master.h5', 'lost'],
      ['series_1_data_000001.h5', 'lost'],
      ['series_1_master.h5', 'present'],
      ['series_1_data_000001.h5', 'present'],
      ['series_1_data_000002.h5', 'present'],
    ],
  )
  assert.equal((await listed(dcu)).length, 3 + hostileNames.length)
})

test('a script ends at a signal, with its faults', async (t) => {
  const dcu = await startDcu(t)
  const over = new AbortController()
  const steps = readScript('x.json', '[{"fault": {"kind": "reset"}, "for": 100}, {"at": 100, "do": "hostile"}]')
  const running = runScript(dcu, steps, { signal: over.signal })
  await eventually(() => dcu.faults().length === 1, 'the fault')
  over.abort()
  await running
  assert.deepEqual([dcu.faults().length, dcu.truth.files.length], [0, 0])
})

test('a wrong script is refused, by file and step', () => {
  const cases: [string, RegExp][] = [
    ['{', /x\.json: no JSON/],
    ['{}', /x\.json: a script is a list/],
    ['[1]', /x\.json, step 1 must be an object/],
    ['[{"at":0,"do":"clear"},{"at":-1,"do":"clear"}]', /x\.json, step 2: 'at' must be seconds/],
    ['[{"do":"explode"}]', /'do' of 'x\.json, step 1' must be 'clear' or/],
    ['[{"do":"clear","now":1}]', /x\.json, step 1: unknown option 'now'/],
    ['[{"fault":{"kind":"slwo"}}]', /option 'kind' must be/],
    ['[{"fault":{"kind":"slow"}}]', /x\.json, step 1: fault 'slow' needs 'bytesPerSecond'/],
    ['[{"fault":{"kind":"cut","after":1,"by":2}}]', /step 1, fault 'cut': unknown option 'by'/],
    ['[{"fault":{"kind":"reset","match":"("}}]', /'match' must be a regular expression/],
    ['[{"fault":{"kind":"reset","on":"all"}}]', /'on' must be 'data' or/],
    ['[{"fault":{"kind":"reset","chance":2}}]', /'chance' must be a number from 0 to 1/],
    ['[{"fault":{"kind":"reset","methods":"GET"}}]', /'methods' must be a list/],
    ['[{"fault":{"kind":"status","status":99}}]', /'status' must be a whole number from 200/],
  ]
  for (const [text, message] of cases) {
    assert.throws(() => readScript('x.json', text), { code: 'ERR_SUSTEN_OPTION', message }, text)
  }
})

test('the admin interface orders faults and tells the truth', async (t) => {
  const dcu = await startDcu(t, { adminPort: 0 })
  const admin = dcu.adminUrl ?? ''
  const json = { 'Content-Type': 'application/json' }
  const order = (method: string, path: string, body?: object) =>
    ask(admin, path, { method, headers: json, ...(body && { body: JSON.stringify(body) }) })
  assert.equal((await order('POST', '/acquire', { images: 2, imagesPerFile: 1 })).status, 200)
  assert.equal((await order('POST', '/files', { name: '../x', text: 'hello' })).status, 201)
  assert.equal((await order('POST', '/files', { name: 'y', base64: 'aGVsbG8=' })).status, 201)
  assert.deepEqual((await content(dcu, 'y')).toString(), 'hello')
  const made = await order('POST', '/faults', { kind: 'status', status: 500, on: 'data' })
  assert.equal(made.status, 201)
  const { id } = JSON.parse(made.body.toString()) as { id: number }
  assert.equal((await ask(dcu, '/data/y')).status, 500)
  const [fault] = JSON.parse((await order('GET', '/faults')).body.toString()) as { hits: number }[]
  assert.equal(fault?.hits, 1)
  assert.equal((await order('DELETE', `/faults/${id}`)).status, 204)
  assert.equal((await order('DELETE', `/faults/${id}`)).status, 404)
  await ask(dcu, '/data/y', { method: 'DELETE' })
  const truth = JSON.parse((await order('GET', '/truth')).body.toString()) as {
    files: { name: string; state: string }[]
    deletes: unknown[]
  }
  assert.deepEqual([truth.files.length, truth.files.at(-1)?.state, truth.deletes.length], [5, 'deleted', 1])
  const requests = JSON.parse((await order('GET', '/requests?since=2')).body.toString()) as unknown[]
  assert.equal(requests.length, 1)
  assert.equal((await order('POST', '/restart', { downtime: 0 })).status, 204)
  assert.deepEqual(await listed(dcu), [])
  assert.equal((await order('POST', '/hostile')).status, 201)
  assert.equal((await order('POST', '/trigger')).status, 204)
  assert.equal((await order('DELETE', '/faults')).status, 204)
})

test('the admin interface refuses what is wrong, and what a page of another site could send', async (t) => {
  const dcu = await startDcu(t, { adminPort: 0 })
  const admin = dcu.adminUrl ?? ''
  const send = (path: string, body: string, type = 'application/json') =>
    ask(admin, path, { method: 'POST', headers: { 'Content-Type': type }, body })
  assert.equal((await send('/restart', '', 'text/plain')).status, 415)
  assert.equal((await send('/faults', '{')).status, 400)
  assert.equal((await send('/faults', '{"kind":"none"}')).status, 400)
  assert.equal((await send('/acquire', '{"image":1}')).status, 400)
  assert.equal((await send('/acquire', '{"images":0}')).status, 400)
  assert.equal((await send('/files', '{}')).status, 400)
  assert.equal((await send('/restart', '{"downtime":-1}')).status, 400)
  assert.equal((await send('/nothing', '')).status, 404)
  const wrong = await send('/truth', '')
  assert.deepEqual([wrong.status, wrong.headers['allow']], [405, 'GET'])
  const none = await startDcu(t)
  assert.equal(none.adminUrl, undefined)
})

test('the server closes while requests stall and a series runs', async (t) => {
  const dcu = await startDcu(t, { images: 1000, imagesPerFile: 1, experiment: { frameTime: 0.01 } })
  dcu.fault({ kind: 'stall', on: 'any' })
  const running = dcu.acquire()
  await eventually(() => dcu.truth.completed.length > 1, 'a file')
  const reading = ask(dcu, '/data/series_1_master.h5')
  await eventually(() => dcu.faults()[0]?.hits === 1, 'a request')
  await dcu.close()
  await dcu.close()
  assert.equal((await reading).whole, false)
  await running
  await assert.rejects(ask(dcu, '/data/'), { code: 'ECONNREFUSED' })
})

test('an answer to a command that waits is given up with its client', async (t) => {
  const dcu = await startDcu(t, { images: 100, experiment: { frameTime: 0.05 } })
  await put(dcu, api(dcu, 'detector/command/arm'))
  const leaving = new AbortController()
  const path = api(dcu, 'detector/command/trigger')
  const triggering = ask(dcu, path, { method: 'PUT', signal: leaving.signal })
  await eventually(
    async () => (await valueAt(dcu, api(dcu, 'detector/status/state'))) === 'acquire',
    'images are taken',
  )
  leaving.abort()
  await assert.rejects(triggering, { name: 'AbortError' })
  assert.equal((await put(dcu, api(dcu, 'detector/command/abort'))).status, 200)
  await eventually(() => requestsOf(dcu, path).length === 1, 'the request is over')
  assert.equal(requestsOf(dcu, path)[0]?.outcome, 'left')
})
