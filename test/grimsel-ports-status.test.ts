import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { openStatusPort, type StatusEntry, type StatusShifts } from '#lib/grimsel/ports/index.js'
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
const query = (): StatusShifts => [
  [entry(0), entry(0, 'gpfs')],
  [entry(1), entry(1, 'gpfs')],
]
/** So many shifts, with one storage. */
const shifts = (count: number): StatusShifts => Array.from({ length: count }, (_, at) => [entry(at)])
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
  assert.equal((await client.upTo('end')).at(-1)?.['type'], 'end')
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
  await using port = await openStatusPort({ port: 0, query: () => shifts(20) })
  const client = await rawClient(t, port.port)
  for (const letter of ask(1)) {
    client.socket.write(letter)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal((await client.upTo('end')).length, 2)
  const many = Array.from({ length: 1000 }, (_, at) => at % 20)
  client.socket.write(many.map(ask).join(''))
  for (const count of many) {
    const lines = await client.upTo('end')
    assert.equal(lines.length, count + 1)
    assert.deepEqual(lines.at(-1), { type: 'end', entries: count })
  }
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
  const many = [...query(), ...shifts(200_000)]
  await using port = await openStatusPort({ port: 0, query: () => many, timeout: 200 })
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

test('figures are found out once for all who ask meanwhile, for however many shifts', async (t) => {
  let asked = 0
  await using port = await openStatusPort({
    port: 0,
    maxAge: 60_000,
    query: () => {
      asked++
      return shifts(100)
    },
  })
  const clients = await Promise.all(Array.from({ length: 10 }, () => rawClient(t, port.port)))
  for (const client of clients) client.socket.write(Array.from({ length: 100 }, (_, at) => ask(at)).join(''))
  for (const client of clients) {
    for (let count = 0; count < 100; count++) assert.equal((await client.upTo('end')).length, count + 1)
  }
  assert.equal(asked, 1)
})

test('figures change soon after they have changed', async (t) => {
  let copied = 0
  await using port = await openStatusPort({ port: 0, query: () => [[{ ...entry(0), copied }]] })
  const client = await rawClient(t, port.port)
  const told = async (): Promise<unknown> => {
    client.socket.write(ask())
    return (await client.upTo('end'))[0]?.['copied']
  }
  assert.equal(await told(), 0)
  copied = 7
  while ((await told()) !== 7);
})

test('answers are given in turn, and between them the event loop gets to everything else', async (t) => {
  let [turns, over] = [0, false]
  const turn = (): void => {
    turns++
    if (!over) setImmediate(turn)
  }
  const seen: number[] = []
  await using port = await openStatusPort({
    port: 0,
    maxAge: 0,
    query: () => {
      seen.push(turns)
      for (const until = performance.now() + 2; performance.now() < until; );
      return query()
    },
  })
  const clients = await Promise.all(Array.from({ length: 20 }, () => rawClient(t, port.port)))
  turn()
  // Two from each: whoever has asked for more than the others waits for them.
  for (const client of clients) client.socket.write(ask(1).repeat(2))
  await Promise.all(clients.map(async (client) => [await client.upTo('end'), await client.upTo('end')]))
  over = true
  assert.equal(seen.length, 40)
  // One where a turn ends, and one where the next begins.
  for (const at of seen) assert.ok(seen.filter((other) => other === at).length <= 2, `turns: ${seen}`)
})

test('clients that ask without end hold up nobody, and keep nobody out', async (t) => {
  await using port = await openStatusPort({ port: 0, query: () => shifts(100), maxConnections: 8 })
  for (let count = 0; count < 8; count++) {
    const flood = await connected(t, port.port)
    const pour = (): void => {
      while (!flood.destroyed && flood.write(ask().repeat(1000)));
    }
    flood.on('drain', pour).on('data', () => {})
    pour()
  }
  // Each in the place of one that had it for longer.
  for (let count = 0; count < 20; count++) {
    const client = await rawClient(t, port.port)
    await assertServes(client)
  }
  assert.equal(port.connections, 8)
})

test('where there are as many clients as may be, the one that is there for longest gives way, and is told', async (t) => {
  await using port = await openStatusPort({ port: 0, query, maxConnections: 3 })
  const clients: RawClient[] = []
  for (let count = 0; count < 3; count++) clients.push(await rawClient(t, port.port))
  const [first, second, third] = clients as [RawClient, RawClient, RawClient]
  await assertServes(first)
  const fourth = await rawClient(t, port.port)
  assert.equal(await refusalOf(first), 'BUSY')
  for (const client of [second, third, fourth]) await assertServes(client)
  assert.equal(port.connections, 3)
})

test('a status that cannot be told is an answer too, and the port goes on', async (t) => {
  const errors: unknown[] = []
  const failure = new Error('no figures')
  let answers = 0
  await using port = await openStatusPort({
    port: 0,
    maxAge: 0,
    onError: (error) => errors.push(error),
    query: () => {
      if (answers++ === 0) throw failure
      if (answers === 2) return [[{ ...entry(0), usertime: Number.NaN }]]
      return query()
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

test('why a status cannot be told is reported once, however many ask', async (t) => {
  const errors: unknown[] = []
  await using port = await openStatusPort({
    port: 0,
    maxAge: 60_000,
    onError: (error) => errors.push(error),
    query: () => {
      throw new Error('no figures')
    },
  })
  for (let count = 0; count < 5; count++) {
    const client = await rawClient(t, port.port)
    client.socket.write(ask())
    assert.equal(await refusalOf(client), 'FAILED')
  }
  assert.equal(errors.length, 1)
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

test('closing ends the connections, idle ones and one that takes no answer, and frees the port', async (t) => {
  const many = shifts(200_000)
  const port = await openStatusPort({ port: 0, query: () => many })
  const idle = await rawClient(t, port.port)
  const deaf = await connected(t, port.port)
  deaf.pause().write(ask())
  await assertServes(await rawClient(t, port.port))
  await Promise.all([port.close(), port.close()])
  assert.equal(await idle.next(), undefined)
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
  await refused({ maxAge: -1 }, /option 'maxAge'/)
  await refused({ onError: 'log' }, /option 'onError'/)
  await refused({ query: [] }, /option 'query'/)
})
