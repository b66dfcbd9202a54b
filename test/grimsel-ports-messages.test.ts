import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { type Message, messageCodes, openMessagePort } from '#lib/grimsel/ports/index.js'
import { connected, type Line, type RawClient, rawClient, reader } from './support/ports.js'

const manual = ['FILLSTATE_LIMIT', 'ALMOST_OVERFLOW', 'DISK_OVERFLOW', 'COPY_ERROR', 'LINK_ERROR', 'DEL_ERROR']
const full: Message = { name: 'DISK_OVERFLOW', shortmessage: '/ramdisk', longmessage: '/ramdisk is full' }
const back: Message = { name: 'STORAGE_BACK', shortmessage: '/gpfs', longmessage: '/gpfs is back', storage: 'gpfs' }

/** Asks for messages, and waits until that is heard. */
async function subscribe(client: RawClient, request: object): Promise<unknown> {
  client.socket.write(`${JSON.stringify(request)}\n`)
  const heard = await client.upTo('subscribed')
  return heard.at(-1)?.['codes']
}

const numbers = (lines: readonly Line[]): unknown[] => lines.map((line) => line['seq'])
const nameOf = (line: Line | undefined): unknown => line?.['name']

test('a message is told with its code, texts, time and count, and the storage if one is concerned', async (t) => {
  await using port = await openMessagePort({ port: 0 })
  const client = reader(await connected(t, port.port))
  const { session, ...greeting } = (await client.next()) ?? {}
  assert.match(String(session), /^[0-9a-f]{16}$/)
  assert.deepEqual(greeting, {
    protocol: 'grimsel-messages',
    version: 1,
    seq: 0,
    heartbeat: 15,
    codes: messageCodes,
  })
  const time = Date.parse('2026-11-21T06:30:00Z')
  port.publish({
    name: 'COPY_ERROR',
    shortmessage: '/ramdisk/a:/data/a',
    longmessage: 'No space',
    time,
    count: 7,
    storage: 'internal',
  })
  const { time: told, ...first } = (await client.next()) ?? {}
  assert.deepEqual(first, {
    type: 'message',
    seq: 1,
    errcode: 4,
    name: 'COPY_ERROR',
    shortmessage: '/ramdisk/a:/data/a',
    longmessage: 'No space',
    count: 7,
    storage: 'internal',
  })
  assert.equal(Date.parse(String(told)), time)
  port.publish(full)
  const second = (await client.next()) ?? {}
  assert.equal(second['errcode'], messageCodes.DISK_OVERFLOW)
  assert.equal(second['count'], 1)
  assert.ok(Math.abs(Date.parse(String(second['time'])) - Date.now()) < 3_600_000, 'now, in whatever time zone')
  assert.ok(!('storage' in second))
})

test("clients are told the manual's six codes, and further ones if they ask for them", async (t) => {
  await using port = await openMessagePort({ port: 0 })
  const [silent, all, some, six] = [
    await rawClient(t, port.port),
    await rawClient(t, port.port),
    await rawClient(t, port.port),
    await rawClient(t, port.port),
  ]
  assert.deepEqual(await subscribe(all, { subscribe: 'all' }), Object.keys(messageCodes))
  assert.deepEqual(await subscribe(some, { subscribe: ['COLLISION', 'A_NEWER_ONE', 'DEL_ERROR'] }), [
    'DEL_ERROR',
    'COLLISION',
  ])
  assert.deepEqual(await subscribe(six, { subscribe: 'manual' }), manual)
  const names = Object.keys(messageCodes) as Message['name'][]
  for (const name of names) port.publish({ ...full, name })
  await port.close()
  assert.deepEqual((await silent.rest()).map(nameOf), manual)
  assert.deepEqual((await six.rest()).map(nameOf), manual)
  assert.deepEqual((await some.rest()).map(nameOf), ['DEL_ERROR', 'COLLISION'])
  assert.deepEqual((await all.rest()).map(nameOf), names)
})

test('texts can be printed, and exact bytes are told where they say something else', async (t) => {
  await using port = await openMessagePort({ port: 0 })
  const client = await rawClient(t, port.port)
  const told = async (short: string | Uint8Array, long = ''): Promise<Line> => {
    port.publish({ ...full, shortmessage: short, longmessage: long })
    return (await client.next()) ?? {}
  }
  const bytes = Buffer.from([0x2f, 0xff, 0xc3, 0xa9, 0xe2, 0x82, 0x0a, 0x1b, 0x5b])
  const strange = await told(bytes, 'line\nfeed \x1b[2J \u202e back \u0085 \ud800 é 😀')
  assert.equal(strange['shortmessage'], '/\\xffé\\xe2\\x82\\x0a\\x1b[')
  assert.deepEqual(Buffer.from(String(strange['shortbytes']), 'base64'), bytes)
  assert.equal(strange['longmessage'], 'line\\x0afeed \\x1b[2J \\u202e back \\x85 \ufffd é 😀')
  for (const plain of ['/ramdisk/größe 1.cbf', '/数据/😀', '']) {
    const line = await told(Buffer.from(plain))
    assert.equal(line['shortmessage'], plain)
    assert.ok(!('shortbytes' in line))
  }
  // Every byte, alone and after the beginning of a longer character, in no way ends a line or breaks UTF-8.
  for (let byte = 0; byte < 256; byte++) {
    const pair = Buffer.from([0xe2, byte, byte])
    const line = await told(pair)
    const exact = Buffer.from(String(line['shortbytes'] ?? ''), 'base64')
    assert.deepEqual('shortbytes' in line ? exact : Buffer.from(String(line['shortmessage'])), pair)
    assert.ok(!String(line['shortmessage']).includes('\ufffd'))
  }
  const long = await told('x'.repeat(100_000), 'y'.repeat(100_000))
  assert.equal(long['shortmessage'], `${'x'.repeat(16_384)}…`)
  assert.equal(long['longmessage'], `${'y'.repeat(16_384)}…`)
})

test('a copy is told as two paths with one colon, whatever colons users put into names', async (t) => {
  await using port = await openMessagePort({ port: 0 })
  const client = await rawClient(t, port.port)
  port.publish({ ...full, name: 'COPY_ERROR', shortmessage: { source: '/ramdisk/a', dest: '/data/a' } })
  const plain = (await client.next()) ?? {}
  assert.equal(plain['shortmessage'], '/ramdisk/a:/data/a')
  assert.ok(!('shortbytes' in plain))
  const [source, dest] = ['/ramdisk/::\xff:', '/data/::\xff:'].map((path) => Buffer.from(path, 'latin1')) as [
    Buffer,
    Buffer,
  ]
  port.publish({ ...full, name: 'COPY_ERROR', shortmessage: { source, dest } })
  const odd = (await client.next()) ?? {}
  assert.equal(odd['shortmessage'], '/ramdisk/\\x3a\\x3a\\xff\\x3a:/data/\\x3a\\x3a\\xff\\x3a')
  assert.equal(Buffer.from(String(odd['shortbytes']), 'base64').toString('latin1'), '/ramdisk/::\xff::/data/::\xff:')
})

test('a client that was away is told what it missed, if it says what it has', async (t) => {
  await using port = await openMessagePort({ port: 0 })
  const first = reader(await connected(t, port.port))
  const session = (await first.next())?.['session']
  for (let count = 0; count < 5; count++) port.publish(full)
  assert.equal((await first.next())?.['seq'], 1)
  first.socket.destroy()

  const second = await rawClient(t, port.port)
  port.publish(back)
  await subscribe(second, { subscribe: 'all', after: { session, seq: 3 } })
  assert.deepEqual(
    numbers([(await second.next()) ?? {}, (await second.next()) ?? {}, (await second.next()) ?? {}]),
    [4, 5, 6],
  )

  const third = await rawClient(t, port.port)
  await subscribe(third, { subscribe: 'manual', after: { session: 'of another run', seq: 1_000_000 } })
  const fourth = await rawClient(t, port.port)
  await subscribe(fourth, { subscribe: 'manual', after: { session, seq: 1_000_000 } })
  const fifth = await rawClient(t, port.port)
  await subscribe(fifth, { subscribe: 'manual' })
  port.publish(full)
  await port.close()
  assert.deepEqual(numbers(await third.rest()), [1, 2, 3, 4, 5, 7])
  assert.deepEqual(numbers(await fourth.rest()), [7])
  assert.deepEqual(numbers(await fifth.rest()), [7])
})

test('what is no longer kept for a client that was away is told as a number', async (t) => {
  await using port = await openMessagePort({ port: 0, history: 10 })
  const first = reader(await connected(t, port.port))
  const session = (await first.next())?.['session']
  for (let count = 0; count < 25; count++) port.publish(full)
  const second = await rawClient(t, port.port)
  await subscribe(second, { subscribe: 'all', after: { session, seq: 5 } })
  const third = await rawClient(t, port.port)
  await subscribe(third, { subscribe: 'all', after: { session: 'another', seq: 5 } })
  await port.close()
  const kept = Array.from({ length: 10 }, (_, at) => 16 + at)
  assert.deepEqual(numbers(await second.rest()), [undefined, ...kept])
  assert.deepEqual(await third.next(), { type: 'lost', count: 15 })
  assert.deepEqual(numbers(await third.rest()), kept)
})

test('a client that reads slowly misses messages and is told how many, and others miss none', async (t) => {
  await using port = await openMessagePort({ port: 0, history: 100 })
  const slow = await connected(t, port.port)
  const quick = await rawClient(t, port.port)
  const text = 'x'.repeat(10_000)
  const total = 3000
  let received = 0
  while (received < total) {
    port.publish({ ...full, longmessage: text })
    assert.equal((await quick.next())?.['seq'], ++received)
  }
  // Asked for by nobody: not missed either.
  for (let count = 0; count < 50; count++) port.publish({ ...back, longmessage: text })
  const late = reader(slow)
  await late.next()
  let [told, lost] = [0, 0]
  let last: unknown
  while (told + lost < total) {
    const line = (await late.next()) ?? {}
    if (line['type'] === 'lost') {
      lost += Number(line['count'])
    } else {
      told++
      last = line['seq']
      assert.equal(last, told + lost)
    }
  }
  assert.equal(last, total)
  assert.ok(lost > 0 && told > 100, `${told} told, ${lost} lost`)
  port.publish(full)
  assert.equal((await late.next())?.['seq'], total + 51)
})

test('a client that takes nothing at all is cut off', async (t) => {
  await using port = await openMessagePort({ port: 0, timeout: 50 })
  await connected(t, port.port)
  const quick = await rawClient(t, port.port)
  const loud = { ...full, longmessage: 'x'.repeat(16_000) }
  do {
    port.publish(loud)
    await quick.next()
  } while (port.connections > 1)
})

test('a client that asks without end and takes no answer is not heard, and is cut off', async (t) => {
  await using port = await openMessagePort({ port: 0, timeout: 50 })
  const flood = await connected(t, port.port)
  const request = `${JSON.stringify({ subscribe: 'all' })}\n`.repeat(1000)
  const closed = new Promise((resolve) => flood.once('close', resolve))
  while (port.connections === 0) await new Promise((resolve) => setImmediate(resolve))
  const pour = (): void => {
    while (!flood.destroyed && flood.write(request));
  }
  flood.on('drain', pour)
  pour()
  while (port.connections > 0) await new Promise((resolve) => setImmediate(resolve))
  flood.resume()
  await closed
})

test('what is no request is refused with a reason, and nobody else notices', async (t) => {
  await using port = await openMessagePort({ port: 0 })
  const bystander = await rawClient(t, port.port)
  const after = (value: unknown): string => `${JSON.stringify({ subscribe: 'all', after: value })}\n`
  const garbage: readonly [string, string | Buffer, string][] = [
    ['bytes', Buffer.from([0, 255, 254, 10]), 'BAD_REQUEST'],
    ['another protocol', 'GET / HTTP/1.1\r\nHost: grimsel\r\n\r\n', 'BAD_REQUEST'],
    ['null', 'null\n', 'BAD_REQUEST'],
    ['nothing to subscribe', '{}\n', 'BAD_REQUEST'],
    ['an unknown word', '{"subscribe":"errors"}\n', 'BAD_REQUEST'],
    ['after nothing', after(null), 'BAD_REQUEST'],
    ['after a number', after(5), 'BAD_REQUEST'],
    ['no session', after({ seq: 5 }), 'BAD_REQUEST'],
    ['a negative number', after({ session: '', seq: -1 }), 'BAD_REQUEST'],
    ['a text for a number', after({ session: '', seq: '1' }), 'BAD_REQUEST'],
    ['a line without end', 'x'.repeat(1_000_000), 'TOO_LONG'],
    ['a long line', `{"subscribe":"all"}${' '.repeat(5000)}\n`, 'TOO_LONG'],
  ]
  for (const [name, bytes, code] of garbage) {
    const client = await rawClient(t, port.port)
    client.socket.write(bytes)
    const [line, ...more] = await client.rest()
    assert.equal(line?.['code'], code, name)
    assert.deepEqual(more, [], name)
  }
  port.publish(full)
  assert.equal((await bystander.next())?.['seq'], 1)
})

test('clients are shown now and then that the port is alive', async (t) => {
  await using port = await openMessagePort({ port: 0, heartbeat: 10 })
  const client = reader(await connected(t, port.port))
  assert.equal((await client.next())?.['heartbeat'], 0.01)
  for (let count = 0; count < 3; count++) assert.deepEqual(await client.next(), { type: 'alive' })
})

test('fifty clients are told every message', async (t) => {
  await using port = await openMessagePort({ port: 0 })
  const clients = await Promise.all(Array.from({ length: 50 }, () => rawClient(t, port.port)))
  for (let count = 0; count < 100; count++) port.publish(full)
  const expected = Array.from({ length: 100 }, (_, at) => at + 1)
  await port.close()
  for (const client of clients) assert.deepEqual(numbers(await client.rest()), expected)
})

test('clients that hold all places keep nobody out: the one that is there for longest gives way', async (t) => {
  await using port = await openMessagePort({ port: 0, maxConnections: 8 })
  const holders: RawClient[] = []
  for (let count = 0; count < 8; count++) {
    const holder = await rawClient(t, port.port, count % 2 === 0 ? '127.0.0.1' : '::1')
    if (count < 4) await subscribe(holder, { subscribe: 'all' })
    holders.push(holder)
  }
  // Asking again keeps nobody there.
  await subscribe(holders[0] as RawClient, { subscribe: 'all' })
  const silent: RawClient[] = []
  for (let count = 0; count < 3; count++) silent.push(await rawClient(t, port.port))
  for (const holder of holders.splice(0, 3)) {
    const [line, ...more] = await holder.rest()
    assert.equal(line?.['code'], 'BUSY')
    assert.deepEqual(more, [])
  }
  port.publish(full)
  for (const client of [...holders, ...silent]) assert.equal((await client.next())?.['seq'], 1)
  assert.equal(port.connections, 8)
})

test('a client that asks for much at once does not go before the others', async (t) => {
  await using port = await openMessagePort({ port: 0 })
  const [greedy, modest] = [await rawClient(t, port.port), await rawClient(t, port.port)]
  const count = 3000
  let heard = 0
  const all = (async () => {
    for (; heard < count; heard++) assert.equal((await greedy.next())?.['type'], 'subscribed')
  })()
  greedy.socket.write('{"subscribe":[]}\n'.repeat(count))
  assert.deepEqual(await subscribe(modest, { subscribe: 'manual' }), manual)
  assert.ok(heard < count, `${heard} answers came before`)
  await all
})

test('a client that ends its side after its requests is told all it asked for, and then the end', async (t) => {
  await using port = await openMessagePort({ port: 0 })
  for (let count = 0; count < 200; count++) port.publish({ ...full, longmessage: 'x'.repeat(1000) })
  const client = await rawClient(t, port.port)
  const request = '{"subscribe":"all","after":{"session":"another","seq":0}}\n'
  client.socket.end('{"subscribe":[]}\n'.repeat(2000) + request)
  const lines = await client.rest()
  assert.equal(lines.filter(({ type }) => type === 'subscribed').length, 2001)
  assert.deepEqual(
    numbers(lines.slice(2001)),
    Array.from({ length: 200 }, (_, at) => at + 1),
  )
})

test('who had to make room misses nothing, if it comes again and says what it has', async (t) => {
  await using port = await openMessagePort({ port: 0, maxConnections: 1 })
  const first = reader(await connected(t, port.port))
  const session = (await first.next())?.['session']
  await rawClient(t, port.port)
  port.publish(full)
  assert.equal((await first.next())?.['code'], 'BUSY')
  const again = await rawClient(t, port.port)
  await subscribe(again, { subscribe: 'all', after: { session, seq: 0 } })
  assert.equal((await again.next())?.['seq'], 1)
})

test('the place of a client that is gone is free again', async (t) => {
  await using port = await openMessagePort({ port: 0, maxConnections: 1 })
  for (let count = 0; count < 10; count++) {
    const client = await rawClient(t, port.port)
    port.publish(full)
    assert.equal((await client.next())?.['seq'], count + 1)
    if (count % 2 === 0) client.socket.resetAndDestroy()
    else client.socket.end()
    while (port.connections > 0) await new Promise((resolve) => setImmediate(resolve))
  }
})

test('publishing on a closed port does nothing', async () => {
  const port = await openMessagePort({ port: 0 })
  await port.close()
  port.publish(full)
  await port.close()
})

test('a port that is taken is an error that names the key', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  await assert.rejects(openMessagePort({ port }), { code: 'EADDRINUSE', message: /^message_port: / })
  other.close()
})

test('wrong options are refused by name', async () => {
  const refused = (options: object, message: RegExp): Promise<void> =>
    assert.rejects(openMessagePort(options), { code: 'ERR_SUSTEN_OPTION', message })
  await refused({ query: () => [] }, /unknown option 'query'/)
  await refused({ port: -1 }, /option 'port'/)
  await refused({ heartbeat: 1 }, /option 'heartbeat'/)
  await refused({ history: 0 }, /option 'history'/)
})
