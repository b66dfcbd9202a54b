/** Servers that break the rules, break off, or never end. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import type { NativeReceiveTimeouts } from '#lib/native.js'
import { content, header, rawServer, receivable, receiveWorld } from './support/receive-world.js'

/** One answer, then the end; what becomes of the file. */
async function failureOf(
  t: TestContext,
  answer: string | Buffer | ((socket: Socket) => void),
  timeouts?: NativeReceiveTimeouts,
): Promise<string> {
  const server = await rawServer(t, (socket) => {
    if (typeof answer === 'function') answer(socket)
    else socket.end(answer, 'latin1')
  })
  const { one, dest } = await receiveWorld(t)
  const { outcome, error } = await one(server, {}, timeouts && { timeouts })
  assert.deepEqual(readdirSync(dest), [])
  assert.equal(outcome, 'failed')
  assert.equal(error?.path, `http://127.0.0.1:${server.port}/data/f`)
  return `${error?.code} ${error?.syscall}`
}

const ok = 'HTTP/1.1 200 OK'

test('a header that is not as it must be is refused, with the part that is wrong', async (t) => {
  const wrong: [string, string][] = [
    ...['0x5', '-5', '+5', '5 5', '5,5', '5.0', '', '9999999999999999999', '18446744073709551621'].map(
      (value): [string, string] => [header(ok, `Content-Length: ${value}`), 'content-length'],
    ),
    [header(ok, 'Content-Length: 5', 'Content-Length: 6'), 'content-length'],
    [header(ok, 'Content-Length: 5', 'content-length: 5'), 'content-length'],
    [header(ok, 'Content-Length: 5', 'Transfer-Encoding: chunked'), 'transfer-encoding'],
    [header(ok, 'Transfer-Encoding: chunked', 'Transfer-Encoding: identity'), 'transfer-encoding'],
    [header(ok, 'ETag: "a"', 'ETag: "b"', 'Content-Length: 5'), 'etag'],
    [header(ok, 'X: a', ' folded', 'Content-Length: 5'), 'field'],
    [header(ok, 'Content-Length : 5'), 'field'],
    [header(ok, ': 5'), 'field'],
    [header(ok, 'no colon'), 'field'],
    [header(ok, 'X: a\0b', 'Content-Length: 5'), 'field'],
    [header(ok, 'X: a\rContent-Length: 5'), 'field'],
    [header(ok, 'X: a\nContent-Length: 5'), 'field'],
    [header(ok, 'X(y): a', 'Content-Length: 5'), 'field'],
    [header(ok, ...new Array(129).fill('X: y'), 'Content-Length: 5'), 'field'],
    [header('HTTP/1.1 200 OK\nContent-Length: 5'), 'status-line'],
    [header('HTTP/1.1  200 OK'), 'status-line'],
    [header('HTTP/1.1 2000 OK'), 'status-line'],
    [header('HTTP/1.1 20 OK'), 'status-line'],
    [header('HTTP/1.1 099 OK'), 'status-line'],
    [header('HTTP/1.1 600 OK'), 'status-line'],
    [header('HTTP/1.2 200 OK'), 'status-line'],
    [header('HTTP/2 200 OK'), 'status-line'],
    [header('HTTP/0.9 200 OK'), 'status-line'],
    [header('ICY 200 OK'), 'status-line'],
    [header(''), 'status-line'],
    ['<html>not HTTP at all</html>\r\n\r\n', 'status-line'],
    [header('HTTP/1.1 101 Switching Protocols', 'Upgrade: h2c'), 'status-line'],
    [header('HTTP/1.1 100 Continue').repeat(9), 'status-line'],
    [header(ok, `X: ${'y'.repeat(20_000)}`), 'header-size'],
    ['a'.repeat(40_000), 'header-size'],
  ]
  for (const [answer, part] of wrong) {
    const shown = JSON.stringify(answer.slice(0, 100))
    assert.equal(await failureOf(t, `${answer}hello`), `ERR_SUSTEN_HTTP ${part}`, shown)
  }
})

test('more than was announced is refused: perhaps less of the file came than there is', async (t) => {
  assert.equal(await failureOf(t, `${header(ok, 'Content-Length: 4')}hello`), 'ERR_SUSTEN_HTTP content-length')
  assert.equal(await failureOf(t, `${header(ok, 'Content-Length: 0')}!`), 'ERR_SUSTEN_HTTP content-length')
})

test('an answer that breaks off is no file', async (t) => {
  assert.equal(await failureOf(t, ''), 'ERR_SUSTEN_SHORT header')
  assert.equal(await failureOf(t, 'HTTP/1.1 200 OK\r\nContent-'), 'ERR_SUSTEN_SHORT header')
  assert.equal(await failureOf(t, header(ok, 'Content-Length: 5')), 'ERR_SUSTEN_SHORT body')
  assert.equal(await failureOf(t, `${header(ok, 'Content-Length: 6')}hello`), 'ERR_SUSTEN_SHORT body')
  const half = Buffer.concat([Buffer.from(header(ok, 'Content-Length: 300000')), content(150_000)])
  assert.equal(await failureOf(t, half), 'ERR_SUSTEN_SHORT body')
  const reset = (socket: Socket): void => {
    socket.write(half, () => socket.resetAndDestroy())
  }
  assert.match(await failureOf(t, reset), /^ECONNRESET recv$/)
})

test('a server that says nothing is waited for a while only', async (t) => {
  const patience: NativeReceiveTimeouts = { connect: 10_000, header: 100, stall: 100, leastBytes: 1 }
  assert.equal(await failureOf(t, () => {}, patience), 'ETIMEDOUT header')
  const half = `${header(ok, 'Content-Length: 10')}hello`
  assert.equal(await failureOf(t, (socket) => socket.write(half), patience), 'ETIMEDOUT body')
  const neverEnding = (socket: Socket): void => {
    const timer = setInterval(() => socket.write('X'), 5)
    socket.on('close', () => clearInterval(timer))
  }
  assert.equal(await failureOf(t, neverEnding, patience), 'ETIMEDOUT header')
  const trickling = (socket: Socket): void => {
    socket.write(header(ok, 'Content-Length: 1000000'))
    neverEnding(socket)
  }
  assert.equal(await failureOf(t, trickling, { ...patience, leastBytes: 10_000 }), 'ETIMEDOUT body')
})

test('one that nobody can connect to is waited for a while only', async (t) => {
  const server = await rawServer(t, () => {})
  const { engine, job } = await receiveWorld(t)
  const patience: NativeReceiveTimeouts = { connect: 100, header: 100, stall: 100, leastBytes: 1 }
  // An address for documentation (RFC 5737): nobody has it. Without any route it is refused at once.
  const [result] = await engine.receive(
    job(server, [receivable('f')], { addresses: ['192.0.2.1'], timeouts: patience }),
  )
  assert.equal(result?.outcome, 'failed')
  assert.equal(result.error?.syscall, 'connect')
})

test('the small body of an error that never ends holds nothing up', async (t) => {
  const server = await rawServer(t, (socket, { number }) => {
    if (number === 0) socket.write(header('HTTP/1.1 404 Not Found', 'Content-Length: 100'))
    else socket.write(header(ok, 'Content-Length: 0'))
  })
  const { engine, job } = await receiveWorld(t, { threads: 1 })
  const results = await engine.receive(job(server, [receivable('a'), receivable('b')]))
  assert.deepEqual(
    results.map(({ outcome }) => outcome),
    ['status', 'created'],
  )
  assert.equal(server.connections(), 2)
})

test('what a server says unasked on a kept connection is not the next answer', async (t) => {
  let kept: Socket | undefined
  const server = await rawServer(t, (socket, { number }) => {
    kept = socket
    socket.write(number === 0 ? header(ok, 'Content-Length: 0') : `${header(ok, 'Content-Length: 3')}yes`)
  })
  const { engine, job } = await receiveWorld(t, { threads: 1 })
  await engine.receive(job(server, [receivable('a')]))
  await new Promise((resolve) => kept?.write(`${header(ok, 'Content-Length: 2')}no`, resolve))
  const [result] = await engine.receive(job(server, [receivable('b')]))
  assert.equal(result?.bytes, 3)
  assert.equal(server.connections(), 2)
})
