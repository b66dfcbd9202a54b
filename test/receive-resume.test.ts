/** Transfers that break: what goes on where it broke, and what must not. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { digestOf } from '#lib/demo/digest.js'
import type { NativeReceiveResult } from '#lib/native.js'
import { content, header, type RawRequest, rawServer, receiveWorld, type TestServer } from './support/receive-world.js'

const body = content(300_000)
const part = 123_456
const tag = 'ETag: "v1"'

/** The beginning of the body, then the end of the connection. */
function cut(socket: Socket, ...fields: string[]): void {
  socket.write(header('HTTP/1.1 200 OK', `Content-Length: ${body.length}`, ...fields))
  socket.end(body.subarray(0, part))
}

/** The rest of the body as RFC 9110 has it. */
function rest(socket: Socket, from = part, ...fields: string[]): void {
  const range = `Content-Range: bytes ${from}-${body.length - 1}/${body.length}`
  socket.write(header('HTTP/1.1 206 Partial Content', range, `Content-Length: ${body.length - from}`, ...fields))
  socket.write(body.subarray(from))
}

interface Outcome {
  readonly result: NativeReceiveResult
  readonly requests: readonly string[]
  readonly server: TestServer
  /** What is under the name, if anything. */
  readonly file: Buffer | undefined
}

async function receiving(
  t: TestContext,
  answer: (socket: Socket, request: RawRequest) => void,
  resumes = 5,
): Promise<Outcome> {
  const requests: string[] = []
  const server = await rawServer(t, (socket, request) => {
    requests.push(request.text)
    answer(socket, request)
  })
  const { one, dest } = await receiveWorld(t)
  const result = await one(server, {}, { resumes })
  const file = result.outcome === 'created' ? readFileSync(join(dest, 'f')) : undefined
  return { result, requests, server, file }
}

test('a transfer that broke goes on where it broke', async (t) => {
  const { result, requests, file } = await receiving(t, (socket, { number }) => {
    if (number === 0) cut(socket, tag, 'Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT')
    else rest(socket, part, tag)
  })
  assert.equal(result.error, undefined)
  assert.equal(result.outcome, 'created')
  assert.equal(result.resumed, 1)
  assert.equal(result.status, 200)
  assert.equal(result.bytes, body.length)
  assert.equal(result.digest, digestOf(body))
  assert.equal(result.mtimeNs, 784_111_777_000_000_000n, 'the time that came with the first part')
  assert.ok(file?.equals(body))
  assert.ok(!requests[0]?.includes('Range'))
  assert.ok(requests[1]?.includes(`\r\nRange: bytes=${part}-\r\nIf-Range: "v1"\r\n`))
  assert.equal(requests.length, 2)
})

test('it may break again and again', async (t) => {
  const step = 70_000
  const { result, file } = await receiving(t, (socket, { text, number }) => {
    if (number === 0) return cut(socket, tag)
    const from = Number(/bytes=(\d+)-/.exec(text)?.[1])
    const range = `Content-Range: bytes ${from}-${body.length - 1}/${body.length}`
    socket.write(header('HTTP/1.1 206 Partial Content', range, `Content-Length: ${body.length - from}`))
    socket.end(body.subarray(from, from + step))
  })
  assert.equal(result.resumed, 3)
  assert.equal(result.digest, digestOf(body))
  assert.ok(file?.equals(body))
})

test('a time of last change ties the parts together if it cannot be ambiguous', async (t) => {
  const modified = 'Sun, 06 Nov 1994 08:49:37 GMT'
  const fields = (date: string): string[] => [`Last-Modified: ${modified}`, `Date: ${date}`]
  const later = await receiving(t, (socket, { number }) => {
    if (number === 0) cut(socket, ...fields('Sun, 06 Nov 1994 08:49:38 GMT'))
    else rest(socket)
  })
  assert.equal(later.result.outcome, 'created')
  assert.ok(later.requests[1]?.includes(`\r\nIf-Range: ${modified}\r\n`))
  const same = await receiving(t, (socket) => cut(socket, ...fields(modified)))
  assert.equal(same.result.error?.code, 'ERR_SUSTEN_SHORT')
  assert.equal(same.requests.length, 1)
})

test('without anything that tells versions apart, nothing is put together', async (t) => {
  for (const fields of [[], ['ETag: W/"v1"'], ['ETag: v1'], ['Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT']]) {
    const { result, requests } = await receiving(t, (socket) => cut(socket, ...fields))
    assert.equal(result.error?.code, 'ERR_SUSTEN_SHORT')
    assert.equal(requests.length, 1)
  }
})

test('a server that answers with the whole is taken from the beginning', async (t) => {
  for (const other of [content(50_000), content(400_000), Buffer.alloc(0)]) {
    const { result, file } = await receiving(t, (socket, { number }) => {
      if (number === 0) return cut(socket, tag)
      socket.write(header('HTTP/1.1 200 OK', `Content-Length: ${other.length}`, 'ETag: "v2"'))
      socket.write(other)
    })
    assert.equal(result.bytes, other.length)
    assert.equal(result.digest, digestOf(other))
    assert.ok(file?.equals(other))
  }
})

test('a range that cannot be had any more is asked for no longer', async (t) => {
  for (const status of ['416 Range Not Satisfiable', '412 Precondition Failed']) {
    const { result, requests, file } = await receiving(t, (socket, { number }) => {
      if (number === 0) return cut(socket, tag)
      if (number === 1) return void socket.write(header(`HTTP/1.1 ${status}`, 'Content-Length: 0'))
      socket.write(header('HTTP/1.1 200 OK', `Content-Length: ${part}`))
      socket.write(body.subarray(0, part))
    })
    assert.equal(result.outcome, 'created')
    assert.ok(file?.equals(body.subarray(0, part)))
    assert.ok(!requests[2]?.includes('Range'))
  }
})

test('a part that is not the rest is refused', async (t) => {
  const [size, last] = [body.length, body.length - 1]
  const left = `Content-Length: ${size - part}`
  const range = `Content-Range: bytes ${part}-${last}/${size}`
  const wrong: [string[], string][] = [
    [[left], 'content-range'],
    [[left, `Content-Range: bytes ${part + 1}-${last}/${size}`], 'content-range'],
    [[left, `Content-Range: bytes ${part - 1}-${last}/${size}`], 'content-range'],
    [[left, `Content-Range: bytes 0-${last}/${size}`], 'content-range'],
    [[left, `Content-Range: bytes ${part}-${last - 1}/${size}`], 'content-range'],
    [[left, `Content-Range: bytes ${part}-${last}/${size + 1}`], 'content-range'],
    [[left, `Content-Range: bytes ${part}-${last}/*`], 'content-range'],
    [[left, `Content-Range: bytes */${size}`], 'content-range'],
    [[left, `Content-Range: items ${part}-${last}/${size}`], 'content-range'],
    [[left, `Content-Range: bytes ${part}/${size}-${last}`], 'content-range'],
    [[left, range, range], 'content-range'],
    [['Content-Length: 5', range], 'content-length'],
    [[range], 'content-length'],
    [[left, range, 'Content-Encoding: gzip'], 'content-encoding'],
    [[left, range, 'ETag: "v2"'], 'etag'],
    [[left, range, tag, 'Last-Modified: Sun, 06 Nov 1994 08:49:38 GMT'], 'last-modified'],
  ]
  for (const [fields, syscall] of wrong) {
    const { result } = await receiving(t, (socket, { number }) => {
      if (number === 0) return cut(socket, tag, 'Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT')
      socket.write(header('HTTP/1.1 206 Partial Content', ...fields))
      socket.write(body.subarray(part))
    })
    const { code, syscall: at } = result.error ?? {}
    assert.deepEqual([code, at], ['ERR_SUSTEN_HTTP', syscall], fields.join(', '))
  }
})

test('an error of the server ends it', async (t) => {
  const { result } = await receiving(t, (socket, { number }) => {
    if (number === 0) cut(socket, tag)
    else socket.write(header('HTTP/1.1 404 Not Found', 'Content-Length: 0'))
  })
  assert.deepEqual([result.outcome, result.status], ['status', 404])
})

test('it goes on only so often', async (t) => {
  const { result, requests } = await receiving(
    t,
    (socket, { number }) => {
      if (number === 0) cut(socket, tag)
      else socket.end()
    },
    2,
  )
  assert.deepEqual([result.error?.code, result.error?.syscall], ['ERR_SUSTEN_SHORT', 'header'])
  assert.equal(result.resumed, 2)
  assert.equal(requests.length, 3)
  const never = await receiving(t, (socket) => cut(socket, tag), 0)
  assert.equal(never.requests.length, 1)
})

test('a server that went away is tried again, then told as such', async (t) => {
  const server = await rawServer(t, (socket) => {
    server.stop()
    cut(socket, tag)
  })
  const { one } = await receiveWorld(t)
  const { error, resumed } = await one(server, {}, { resumes: 2 })
  assert.deepEqual([error?.code, error?.syscall], ['ECONNREFUSED', 'connect'])
  assert.equal(resumed, 2)
})
