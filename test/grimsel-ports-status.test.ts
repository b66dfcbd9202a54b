import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { openStatusPort, type StatusEntry } from '#lib/grimsel/ports/index.js'
import { connected, type RawClient, rawClient, reader } from './support/ports.js'

const started = Date.parse('2026-11-21T06:30:00Z')
const entry = (shift: number, storage = 'internal'): StatusEntry => ({
  usertime: started - shift * 28_800_000,
  uid: 1000 + shift,
  gid: 100,
  storage,
  pending: shift,
  copied: 20 + shift,
  failed: 0,
})
const query = (nusers: number): StatusEntry[] =>
  [entry(0), entry(0, 'gpfs'), entry(1), entry(1, 'gpfs')].slice(0, nusers < 0 ? undefined : 2 * nusers)
const ask = (nusers?: number): string => `${JSON.stringify({ query: 'status', nusers })}\n`

/** What the server said when it ended the connection. */
async function refusalOf(client: RawClient): Promise<unknown> {
  const [line, ...more] = await client.rest()
  assert.deepEqual(more, [])
  assert.equal(line?.['type'], 'error', JSON.stringify(line))
  assert.equal(typeof line['message'], 'string')
  return line['code']
}

/** A port still answers. */
async function assertServes(client: RawClient): Promise<void> {
  client.socket.write(ask(1))
  const lines = await client.upTo('end')
  assert.equal(lines.length, 3, JSON.stringify(lines))
}

test('the status port says what it speaks, and answers with an entry for each shift and storage', async (t) => {
  await using port = await openStatusPort({ port: 0, query })
  const client = reader(await connected(t, port.port))
  assert.deepEqual(await client.next(), { protocol: 'grimsel-status', version: 1 })
  client.socket.write(ask(1))
  const [first, second, end] = await client.upTo('end')
  const { usertime, ...figures } = first ?? {}
  assert.deepEqual(figures, {
    type: 'entry',
    uid: 1000,
    gid: 100,
    storage: 'internal',
    pending: 0,
    copied: 20,
    failed: 0,
  })
  assert.match(String(usertime), /^\d{4}-\d\d-\d\dT\d\d:\d\d:00[+-]\d\d:\d\d$/)
  assert.equal(Date.parse(String(usertime)), started)
  assert.equal(second?.['storage'], 'gpfs')
  assert.deepEqual(end, { type: 'end', entries: 2 })
})

test('all shifts are told where no number is given, and none for 0', async (t) => {
  await using port = await openStatusPort({ port: 0, query })
  const client = await rawClient(t, port.port)
  client.socket.write(ask())
  assert.equal((await client.upTo('end')).length, 5)
  client.socket.write(ask(-1))
  assert.equal((await client.upTo('end')).length, 5)
  client.socket.write(ask(0))
  assert.deepEqual(await client.upTo('end'), [{ type: 'end', entries: 0 }])
})

test('requests may come in pieces, or many at once, and are answered in order', async (t) => {
  const asked: number[] = []
  await using port = await openStatusPort({
    port: 0,
    query: async (nusers) => {
      asked.push(nusers)
      await new Promise((resolve) => setImmediate(resolve))
      return [entry(nusers)]
    },
  })
  const client = await rawClient(t, port.port)
  for (const letter of ask(0)) {
    client.socket.write(letter)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal((await client.upTo('end')).length, 2)
  const many = Array.from({ length: 1000 }, (_, at) => at + 1)
  client.socket.write(many.map(ask).join(''))
  for (const at of many) {
    const [line] = await client.upTo('end')
    assert.equal(line?.['uid'], 1000 + at)
  }
  assert.deepEqual(asked, [0, ...many])
})

test('a client that ends its side after the request gets its answer, and then the end', async (t) => {
  await using port = await openStatusPort({ port: 0, query })
  const client = await rawClient(t, port.port)
  client.socket.end(ask(1))
  assert.equal((await client.rest()).length, 3)
})

test('what is no request is refused with a reason, and nobody else notices', async (t) => {
  await using port = await openStatusPort({ port: 0, query })
  const bystander = await rawClient(t, port.port)
  const garbage: readonly [string, string | Buffer, string][] = [
    ['half a line', '{"query":"sta', 'BAD_REQUEST'],
    ['bytes', Buffer.from([0, 255, 254, 10]), 'BAD_REQUEST'],
    ['another protocol', 'GET / HTTP/1.1\r\nHost: grimsel\r\n\r\n', 'BAD_REQUEST'],
    ['an array', '[]\n', 'BAD_REQUEST'],
    ['null', 'null\n', 'BAD_REQUEST'],
    ['another query', '{"query":"shutdown"}\n', 'BAD_REQUEST'],
    ['no query', '{}\n', 'BAD_REQUEST'],
    ['a text for a number', '{"query":"status","nusers":"5"}\n', 'BAD_REQUEST'],
    ['a fraction', '{"query":"status","nusers":1.5}\n', 'BAD_REQUEST'],
    ['less than all', '{"query":"status","nusers":-2}\n', 'BAD_REQUEST'],
    ['deep nesting', `${'['.repeat(4000)}\n`, 'BAD_REQUEST'],
    ['a long line', `${ask(1).trim()}${' '.repeat(5000)}\n`, 'TOO_LONG'],
    ['a line without end', 'x'.repeat(1_000_000), 'TOO_LONG'],
  ]
  for (const [name, bytes, code] of garbage) {
    const client = await rawClient(t, port.port)
    client.socket.end(bytes)
    assert.equal(await refusalOf(client), code, name)
  }
  await assertServes(bystander)
})

test('a client that sends no request, or only half of one, is told and let go', async (t) => {
  await using port = await openStatusPort({ port: 0, query, timeout: 20 })
  assert.equal(await refusalOf(await rawClient(t, port.port)), 'TIMEOUT')
  const half = await rawClient(t, port.port)
  half.socket.write('{"query":')
  assert.equal(await refusalOf(half), 'TIMEOUT')
})

test('a client that does not take its answer is cut off, and holds up nobody meanwhile', async (t) => {
  const many = Array.from({ length: 200_000 }, (_, at) => entry(at % 10))
  await using port = await openStatusPort({
    port: 0,
    query: (nusers) => (nusers < 0 ? many : query(nusers)),
    timeout: 200,
  })
  const slow = await connected(t, port.port)
  slow.pause().write(ask())
  let quick = await rawClient(t, port.port)
  for (;;) {
    quick.socket.write(ask(1))
    const served = (await quick.upTo('end')).length === 3
    // Just served, so it is connected: the only one, once the other is gone.
    if (served && port.connections === 1) break
    // On a busy machine it may be late itself.
    if (!served) quick = await rawClient(t, port.port)
  }
})

test('where there are as many clients as may be, the one that has asked nothing for longest gives way', async (t) => {
  await using port = await openStatusPort({ port: 0, query, maxConnections: 3 })
  const clients: RawClient[] = []
  for (let count = 0; count < 3; count++) clients.push(await rawClient(t, port.port))
  const [first, second, third] = clients as [RawClient, RawClient, RawClient]
  await assertServes(first)
  const fourth = await rawClient(t, port.port)
  assert.equal(await second.next(), undefined)
  for (const client of [first, third, fourth]) await assertServes(client)
  assert.equal(port.connections, 3)
})

test('where all clients that may be are being answered, a further one is refused', async (t) => {
  const events = new EventEmitter()
  const query = async (): Promise<StatusEntry[]> => {
    events.emit('asked')
    await once(events, 'found')
    return [entry(0)]
  }
  await using port = await openStatusPort({ port: 0, query, maxConnections: 1 })
  const first = await rawClient(t, port.port)
  first.socket.write(ask())
  await once(events, 'asked')
  assert.equal(await refusalOf(await rawClient(t, port.port)), 'BUSY')
  events.emit('found')
  assert.equal((await first.upTo('end')).length, 2)
})

test('a status that cannot be told is an answer too, and the port goes on', async (t) => {
  const errors: unknown[] = []
  const failure = new Error('no figures')
  let answers = 0
  await using port = await openStatusPort({
    port: 0,
    onError: (error) => errors.push(error),
    query: (nusers) => {
      if (answers++ === 0) throw failure
      if (answers === 2) return [{ ...entry(0), usertime: Number.NaN }]
      return query(nusers)
    },
  })
  for (let count = 0; count < 2; count++) {
    const client = await rawClient(t, port.port)
    client.socket.write(ask())
    assert.equal(await refusalOf(client), 'FAILED')
  }
  await assertServes(await rawClient(t, port.port))
  assert.equal(errors[0], failure)
  assert.ok(errors[1] instanceof RangeError)
})

test('a port that is taken is an error that names the key, and leaves nothing open', async () => {
  const other = createServer().listen(0, '::1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  await assert.rejects(openStatusPort({ port, query }), {
    name: 'SustenError',
    code: 'EADDRINUSE',
    message: new RegExp(`^status_port: can't listen at ::1 port ${port}: EADDRINUSE: .*choose another port$`),
  })
  other.close()
  await once(other, 'close')
  // 127.0.0.1 had been taken before ::1 was tried.
  await using opened = await openStatusPort({ port, query })
  assert.equal(opened.port, port)
})

test('an address that this computer does not have is an error that says so', async () => {
  await assert.rejects(openStatusPort({ host: '192.0.2.1', port: 0, query }), {
    code: 'EADDRNOTAVAIL',
    message: /^status_port: can't listen at 192\.0\.2\.1 port 0: .*this computer has no such address$/,
  })
})

test('without a host the port is open to this computer alone, by IPv4 and IPv6', async (t) => {
  await using port = await openStatusPort({ port: 0, query })
  assert.deepEqual(port.addresses, [`127.0.0.1:${port.port}`, `[::1]:${port.port}`])
  for (const host of ['127.0.0.1', '::1', 'localhost']) await assertServes(await rawClient(t, port.port, host))
  for (const address of Object.values(networkInterfaces()).flatMap((list) => list ?? [])) {
    if (address.internal || address.scopeid) continue
    await assert.rejects(connected(t, port.port, address.address), { code: 'ECONNREFUSED' })
  }
})

test('with :: the port is open to every address, IPv4 too', async (t) => {
  await using port = await openStatusPort({ host: '::', port: 0, query })
  assert.deepEqual(port.addresses, [`[::]:${port.port}`])
  for (const host of ['127.0.0.1', '::1']) await assertServes(await rawClient(t, port.port, host))
})

test('closing ends the connections, idle ones and one whose answer is not found yet, and frees the port', async (t) => {
  const port = await openStatusPort({
    port: 0,
    query: (nusers) => (nusers === 7 ? new Promise(() => {}) : query(nusers)),
  })
  const idle = await rawClient(t, port.port)
  const busy = await rawClient(t, port.port)
  busy.socket.write(ask(7))
  const deaf = await connected(t, port.port)
  deaf.pause()
  await Promise.all([port.close(), port.close()])
  assert.equal(await idle.next(), undefined)
  assert.equal(await busy.next(), undefined)
  assert.equal(port.connections, 0)
  await using again = await openStatusPort({ port: port.port, query })
  await assertServes(await rawClient(t, again.port))
})

test('wrong options are refused by name', async () => {
  const refused = (options: object, message: RegExp): Promise<void> =>
    assert.rejects(openStatusPort({ query, ...options }), { code: 'ERR_SUSTEN_OPTION', message })
  await refused({ prot: 1 }, /unknown option 'prot'/)
  await refused({ port: 65_536 }, /option 'port'/)
  await refused({ port: '47199' }, /option 'port'/)
  await refused({ host: '' }, /option 'host'/)
  await refused({ host: [] }, /option 'host'/)
  await refused({ host: ['127.0.0.1', 1] }, /option 'host'/)
  await refused({ maxConnections: 0 }, /option 'maxConnections'/)
  await refused({ timeout: 0 }, /option 'timeout'/)
  await refused({ onError: 'log' }, /option 'onError'/)
  await refused({ query: [] }, /option 'query'/)
})
