import assert from 'node:assert/strict'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import { openStatusPort } from '#lib/grimsel/ports/index.js'
import { originOf, whoGivesWay } from '#lib/grimsel/ports/places.js'
import { type RawClient, rawClient } from './support/ports.js'

/** Clients by name, in the order in which they came, each with an origin. */
const clients = (...origins: string[]): Map<string, string> =>
  new Map(origins.map((origin, at) => [`${origin}${at}`, origin]))

test('of those from where most come, the one that is there for longest makes room', () => {
  assert.equal(whoGivesWay(clients('a', 'b', 'b', 'a', 'b'), 'c'), 'b1')
  assert.equal(whoGivesWay(clients('a', 'a', 'b', 'c'), 'c'), 'c3', 'with the new one there are as many as elsewhere')
  assert.equal(whoGivesWay(clients('a', 'a', 'a', 'c'), 'c'), 'a0')
  assert.equal(whoGivesWay(clients('a', 'a', 'a'), 'a'), 'a0')
})

test('who holds one place keeps it, however many come from elsewhere', () => {
  assert.equal(whoGivesWay(clients('a', 'b', 'c'), 'd'), undefined)
  assert.equal(whoGivesWay(clients('a', 'b', 'c'), 'b'), 'b1')
})

test("this computer's addresses are one origin, as is a network of which one may have every address", () => {
  for (const here of ['127.0.0.1', '127.3.2.1', '::1', '::ffff:127.0.0.1', '::FFFF:127.9.9.9']) {
    assert.equal(originOf(here), 'loopback')
  }
  assert.equal(originOf('192.0.2.1'), '192.0.2.1')
  assert.equal(originOf('::ffff:192.0.2.1'), '192.0.2.1')
  assert.equal(originOf('2001:db8:1:2:3:4:5:6'), '2001:db8:1:2')
  assert.equal(originOf('2001:db8:1:2::6'), '2001:db8:1:2')
  assert.equal(originOf('2001:db8::6'), '2001:db8:0:0')
  assert.notEqual(originOf('2001:db8:1:3::6'), originOf('2001:db8:1:2::6'))
})

const elsewhere = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address

test('clients from one address take no place from those from another', async (t) => {
  if (elsewhere === undefined) return t.skip('needs an IPv4 address besides 127.0.0.1')
  await using port = await openStatusPort({ host: '0.0.0.0', port: 0, query: () => [], maxConnections: 4 })
  const other = await rawClient(t, port.port, elsewhere)
  let last: RawClient | undefined
  for (let count = 0; count < 10; count++) last = await rawClient(t, port.port)
  assert.equal(port.connections, 4)
  for (const client of [other, last]) {
    client?.socket.write('{"query":"status"}\n')
    assert.deepEqual(await client?.next(), { type: 'end', entries: 0 })
  }
})
