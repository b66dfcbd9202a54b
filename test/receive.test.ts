/** Files from an HTTP server, from the socket to the file. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chownSync, lstatSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { bytesOfBuffer, bytesOfText } from '#lib/bytes.js'
import { digestOf } from '#lib/demo/digest.js'
import { SustenError } from '#lib/errors.js'
import type { NativeProgress } from '#lib/native.js'
import { mount, whyNot } from './support/mounts.js'
import { content, fieldOf, header, httpServer, rawServer, receivable, receiveWorld } from './support/receive-world.js'
import { leftovers } from './support/tree.js'

const needsRoot = process.geteuid?.() === 0 ? false : 'needs root'
const lastModified = 'Sun, 06 Nov 1994 08:49:37 GMT'
const lastModifiedNs = 784_111_777_000_000_000n

test('a body becomes a file with its digest, mode and time', async (t) => {
  const body = content(300_001)
  const requests: string[] = []
  const server = await rawServer(t, (socket, { text }) => {
    requests.push(text)
    socket.write(
      header('HTTP/1.1 200 OK', `Content-Length: ${body.length}`, `Last-Modified: ${lastModified}`, 'ETag: "a"'),
    )
    socket.write(body)
  })
  const { one, dest } = await receiveWorld(t)
  const result = await one(server, {}, { headers: [['Accept', 'application/hdf5']] })
  assert.equal(result.error, undefined)
  assert.equal(result.outcome, 'created')
  assert.equal(result.status, 200)
  assert.equal(result.bytes, body.length)
  assert.equal(result.digest, digestOf(body))
  assert.equal(result.resumed, 0)
  assert.equal(fieldOf(result, 'etag'), '"a"')
  assert.ok(readFileSync(join(dest, 'f')).equals(body))
  const st = lstatSync(join(dest, 'f'), { bigint: true })
  assert.equal(st.mode & 0o7777n, 0o640n)
  assert.equal(st.mtimeNs, lastModifiedNs)
  assert.equal(result.mtimeNs, lastModifiedNs)
  const [request = ''] = requests
  assert.deepEqual(request.split('\r\n').sort(), [
    '',
    '',
    'Accept-Encoding: identity',
    'Accept: application/hdf5',
    'GET /data/f HTTP/1.1',
    `Host: 127.0.0.1:${server.port}`,
  ])
})

test('a time that is given goes before that of the server', async (t) => {
  const server = await httpServer(t, (_, response) => response.setHeader('Last-Modified', lastModified).end('x'))
  const { one, dest } = await receiveWorld(t)
  const result = await one(server, { mtimeNs: 1_700_000_000_123_456_789n })
  assert.equal(result.mtimeNs, 1_700_000_000_123_456_789n)
  assert.equal(lstatSync(join(dest, 'f'), { bigint: true }).mtimeNs, 1_700_000_000_123_456_789n)
})

test('a time of the server that is none is passed over', async (t) => {
  for (const value of ['yesterday', 'Sun, 31 Feb 1994 08:49:37 GMT', 'Sun, 06 Nov 9994 08:49:37 GMT', '']) {
    const server = await httpServer(t, (_, response) => response.setHeader('Last-Modified', value).end('x'))
    const { one } = await receiveWorld(t)
    const before = BigInt(Date.now() - 60_000) * 1_000_000n
    assert.ok(((await one(server)).mtimeNs ?? 0n) > before, value)
  }
})

test('an empty file is a file', async (t) => {
  const server = await httpServer(t, (_, response) => response.end())
  const { one, dest } = await receiveWorld(t)
  const result = await one(server)
  assert.equal(result.outcome, 'created')
  assert.equal(result.digest, digestOf(Buffer.alloc(0)))
  assert.equal(lstatSync(join(dest, 'f')).size, 0)
})

test('many files come over few connections', async (t) => {
  const server = await httpServer(t, (request, response) => response.end(`content of ${request.url}`))
  const { engine, dest, job } = await receiveWorld(t, { threads: 3 })
  const files = Array.from({ length: 300 }, (_, i) => receivable(`d${i % 3}/f${i}`))
  const results = await engine.receive(job(server, files))
  for (const [i, result] of results.entries()) {
    assert.equal(result.index, i)
    assert.equal(result.outcome, 'created')
    assert.equal(result.digest, digestOf(Buffer.from(`content of /data/d${i % 3}/f${i}`)))
  }
  assert.equal(readdirSync(join(dest, 'd0')).length, 100)
  await engine.receive(job(server, files.slice(0, 3)))
  assert.ok(server.connections() <= 3, `${server.connections()} connections`)
})

test('no more files come at once than a job allows', async (t) => {
  let now = 0
  let most = 0
  const server = await httpServer(t, (_, response) => {
    most = Math.max(most, ++now)
    setImmediate(() => response.end('x'))
    response.on('finish', () => now--)
  })
  const { engine, job } = await receiveWorld(t, { threads: 4 })
  const files = Array.from({ length: 40 }, (_, i) => receivable(`f${i}`))
  await engine.receive(job(server, files, { connections: 1 }))
  assert.equal(most, 1)
  assert.equal(server.connections(), 1)
})

test('a job larger than the queue comes part by part, its results in order', async (t) => {
  const server = await httpServer(t, (request, response) => response.end(request.url))
  const { engine, job } = await receiveWorld(t, { queueLimit: 10 })
  const files = Array.from({ length: 35 }, (_, i) => receivable(`f${i}`))
  const results = await engine.receive(job(server, files))
  assert.deepEqual(
    results.map(({ index, bytes }) => [index, bytes]),
    files.map(({ target }, i) => [i, target.length]),
  )
})

test('an error of the server is a result, makes nothing, and leaves the connection of use', async (t) => {
  const server = await httpServer(t, (request, response) => {
    response.statusCode = Number(request.url?.slice(-3))
    response.setHeader('X-Why', 'because')
    response.end(response.statusCode === 200 ? 'here' : 'no such thing')
  })
  const { engine, dest, job } = await receiveWorld(t, { threads: 1 })
  const files = [404, 500, 503, 200].map((status) => receivable(`d${status}/${status}`))
  const results = await engine.receive(job(server, files))
  assert.deepEqual(
    results.map(({ outcome, status }) => [outcome, status]),
    [
      ['status', 404],
      ['status', 500],
      ['status', 503],
      ['created', 200],
    ],
  )
  const [missing] = results
  assert.equal(missing && fieldOf(missing, 'x-why'), 'because')
  assert.equal(missing?.error, undefined)
  assert.deepEqual(readdirSync(dest), ['d200'])
  assert.equal(server.connections(), 1)
})

test('what is not a plain body of known length is left to others', async (t) => {
  const answers: Record<string, string> = {
    chunked: `${header('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked')}5\r\nhello\r\n0\r\n\r\n`,
    compressed: `${header('HTTP/1.1 200 OK', 'Content-Encoding: gzip', 'Content-Length: 5')}hello`,
    'until the end': `${header('HTTP/1.1 200 OK')}hello`,
    redirected: header('HTTP/1.1 302 Found', 'Location: /elsewhere', 'Content-Length: 0'),
    'a part': `${header('HTTP/1.1 206 Partial Content', 'Content-Range: bytes 0-4/9', 'Content-Length: 5')}hello`,
    nothing: header('HTTP/1.1 204 No Content'),
    created: `${header('HTTP/1.1 201 Created', 'Content-Length: 5')}hello`,
  }
  for (const [name, answer] of Object.entries(answers)) {
    const server = await rawServer(t, (socket) => socket.end(answer))
    const { one, dest } = await receiveWorld(t)
    const result = await one(server, { dest: bytesOfText('d/f') })
    assert.equal(result.outcome, 'unsupported', name)
    assert.equal(result.status, Number(answer.slice(9, 12)), name)
    assert.deepEqual(readdirSync(dest), [], name)
  }
})

test('what servers may do is taken', async (t) => {
  const answers: Record<string, string> = {
    'no reason': 'HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello',
    'an older version': `${header('HTTP/1.0 200 OK', 'Content-Length: 5')}hello`,
    'said to be plain': `${header('HTTP/1.1 200 OK', 'Content-Encoding: identity', 'content-length:5')}hello`,
    'after an interim answer': `${header('HTTP/1.1 100 Continue') + header('HTTP/1.1 200 OK', 'Content-Length: 5')}hello`,
    'bytes that are no text': `${header('HTTP/1.1 200 OK', 'X: \xe4\xff\t!', 'Content-Length:   5  ')}hello`,
  }
  for (const [name, answer] of Object.entries(answers)) {
    const server = await rawServer(t, (socket) => socket.write(Buffer.from(answer, 'latin1')))
    const { one, dest } = await receiveWorld(t)
    assert.equal((await one(server)).outcome, 'created', name)
    assert.equal(readFileSync(join(dest, 'f'), 'utf8'), 'hello', name)
  }
})

test('a header that comes in single bytes is one', async (t) => {
  const server = await rawServer(t, async (socket) => {
    for (const byte of header('HTTP/1.1 200 OK', 'Content-Length: 5')) {
      await new Promise((resolve) => socket.write(byte, resolve))
    }
    socket.write('hello')
  })
  const { one, dest } = await receiveWorld(t)
  assert.equal((await one(server)).outcome, 'created')
  assert.equal(readFileSync(join(dest, 'f'), 'utf8'), 'hello')
})

test('a kept connection that the server closes is made anew', async (t) => {
  const answer = `${header('HTTP/1.1 200 OK', 'Content-Length: 5')}hello`
  // Closed just when the next request arrives, or before.
  for (const early of [false, true]) {
    const server = await rawServer(t, (socket, { ofConnection }) => {
      if (ofConnection > 0) socket.destroy()
      else if (early) socket.end(answer)
      else socket.write(answer)
    })
    const { engine, job } = await receiveWorld(t, { threads: 1 })
    for (let i = 0; i < 3; ++i) {
      const [result] = await engine.receive(job(server, [receivable(`f${i}`)]))
      assert.equal(result?.outcome, 'created')
    }
    assert.equal(server.connections(), 3)
  }
})

test('a connection is not kept against the word of the server', async (t) => {
  for (const lines of [
    ['HTTP/1.1 200 OK', 'Connection: Keep-Alive, Close'],
    ['HTTP/1.0 200 OK', 'X: y'],
  ]) {
    const server = await rawServer(t, (socket) => socket.write(`${header(...lines, 'Content-Length: 1')}x`))
    const { engine, job } = await receiveWorld(t, { threads: 1 })
    await engine.receive(job(server, [receivable('a'), receivable('b')]))
    assert.equal(server.connections(), 2)
  }
})

test('closing the engine closes the connections that it kept', async (t) => {
  let closed: Promise<unknown> | undefined
  const server = await rawServer(t, (socket) => {
    closed = once(socket, 'close')
    socket.write(header('HTTP/1.1 200 OK', 'Content-Length: 0'))
  })
  const { engine, one } = await receiveWorld(t)
  await one(server)
  await engine.close()
  await closed
})

test('content under the name is never lost', async (t) => {
  const server = await httpServer(t, (_, response) => response.setHeader('Last-Modified', lastModified).end('new'))
  const { one, dest } = await receiveWorld(t)
  const path = join(dest, 'f')
  writeFileSync(path, 'old')
  assert.equal((await one(server, { existing: 'refuse' })).error?.code, 'EEXIST')
  assert.equal((await one(server, { existing: 'skip' })).outcome, 'skipped')
  assert.equal(readFileSync(path, 'utf8'), 'old')
  const versioned = await one(server, { existing: 'version' })
  assert.deepEqual([versioned.outcome, versioned.version], ['versioned', 'f.~1~'])
  assert.deepEqual([readFileSync(path, 'utf8'), readFileSync(`${path}.~1~`, 'utf8')], ['new', 'old'])
  assert.equal((await one(server, { existing: 'version' })).outcome, 'replaced', 'the same content again')
  utimesSync(path, 1000, 1000)
  writeFileSync(path, 'ours')
  const { size, mtimeNs } = lstatSync(path, { bigint: true })
  const own = await one(server, { existing: 'version', expect: { size: Number(size), mtimeNs } })
  assert.equal(own.outcome, 'replaced', 'our own earlier copy')
  writeFileSync(path, 'whatever')
  assert.equal((await one(server, { existing: 'replace' })).outcome, 'replaced')
  assert.deepEqual(readdirSync(dest).sort(), ['f', 'f.~1~'])
})

test('a file of another size or digest than expected is not taken', async (t) => {
  const server = await httpServer(t, (_, response) => response.end('hello'))
  const { one, dest } = await receiveWorld(t)
  const longer = await one(server, { size: 6 })
  assert.deepEqual([longer.error?.code, longer.error?.syscall], ['ERR_SUSTEN_CHANGED', 'content-length'])
  const other = await one(server, { digest: digestOf(Buffer.from('Hello')) })
  assert.deepEqual([other.error?.code, other.error?.syscall], ['ERR_SUSTEN_CHANGED', 'compare'])
  assert.deepEqual(readdirSync(dest), [])
  const right = await one(server, { size: 5, digest: digestOf(Buffer.from('hello')) })
  assert.equal(right.outcome, 'created')
})

test('without a digest the same bytes arrive', async (t) => {
  const body = content(1_000_003)
  const server = await httpServer(t, (_, response) => response.setHeader('Content-Length', body.length).end(body))
  const { one, dest } = await receiveWorld(t)
  const result = await one(server, {}, { digest: false })
  assert.equal(result.digest, undefined)
  assert.ok(readFileSync(join(dest, 'f')).equals(body))
})

test('files and directories belong to the user, directories of the layout to root', { skip: needsRoot }, async (t) => {
  const server = await httpServer(t, (_, response) => response.end('x'))
  const { one, dest } = await receiveWorld(t)
  const owner = { uid: 1234, gid: 5678 }
  await one(server, { dest: bytesOfText('a/b/c/d/f') }, { ...owner, layout: 2 })
  const seen = ['a', 'a/b', 'a/b/c', 'a/b/c/d', 'a/b/c/d/f'].map((name) => {
    const { uid, gid, mode } = lstatSync(join(dest, name))
    return `${uid}:${gid} ${(mode & 0o7777).toString(8)}`
  })
  assert.deepEqual(seen, ['0:0 755', '0:0 755', '1234:5678 750', '1234:5678 750', '1234:5678 640'])
})

test('nothing is written below a directory of somebody else’s, where owners are looked at', {
  skip: needsRoot,
}, async (t) => {
  const server = await httpServer(t, (_, response) => response.end('x'))
  const { one, dest } = await receiveWorld(t)
  const own = (name: string, uid: number): void => {
    mkdirSync(join(dest, name))
    chownSync(join(dest, name), uid, uid)
  }
  own('a', 9)
  own('a/b', 9)
  own('a/b/c', 0)
  own('a/hers', 1234)
  const owner = { uid: 1234, gid: 1234, layout: 1, directoryOwner: 1234 }
  const refused = await one(server, { dest: bytesOfText('a/b/c/f') }, owner)
  assert.deepEqual(
    [refused.outcome, refused.error],
    [
      'failed',
      {
        code: 'EPERM',
        errno: 1,
        syscall: 'owner',
        path: bytesOfText(join(dest, 'a/b')),
        dest: bytesOfText(join(dest, 'a/b/c/f')),
      },
    ],
  )
  assert.deepEqual(readdirSync(join(dest, 'a/b/c')), [])
  for (const name of ['f', 'a/f', 'a/hers/f', 'a/hers/new/f', 'a/hers/new/g']) {
    assert.equal((await one(server, { dest: bytesOfText(name) }, owner)).outcome, 'created', name)
  }
  assert.equal((await one(server, { dest: bytesOfText('a/b/c/f') }, { ...owner, layout: 2 })).outcome, 'created')
  assert.equal((await one(server, { dest: bytesOfText('a/b/f') }, { uid: 1234, layout: 1 })).outcome, 'created')
  await assert.rejects(one(server, {}, { directoryOwner: -1 }), /directoryOwner/)
})

test('names are bytes', async (t) => {
  const server = await httpServer(t, (_, response) => response.end('x'))
  const { one, dest } = await receiveWorld(t)
  const name = Buffer.from([0xff, 0x0a, 0xc3])
  assert.equal((await one(server, { dest: bytesOfBuffer(name) })).outcome, 'created')
  assert.ok(readdirSync(dest, { encoding: 'buffer' })[0]?.equals(name))
})

test('no name leads out of the target', async (t) => {
  const server = await httpServer(t, (_, response) => response.end('x'))
  const { one, dest } = await receiveWorld(t)
  for (const name of ['../f', '/f', 'a/../f', '.', '..', '', 'a//f', 'a\0b']) {
    assert.equal((await one(server, { dest: bytesOfText(name) })).error?.code, 'EINVAL', name)
  }
  assert.equal((await one(server, { dest: bytesOfText('n'.repeat(256)) })).error?.code, 'ENAMETOOLONG')
  assert.deepEqual(readdirSync(dest), [])
})

test('a name that is a directory fails, and says where', async (t) => {
  const server = await httpServer(t, (_, response) => response.end('x'))
  const { one, dest } = await receiveWorld(t)
  mkdirSync(join(dest, 'f'))
  const { error } = await one(server)
  assert.deepEqual([error?.code, error?.path], ['EISDIR', join(dest, 'f')])
})

test('a file system other than expected gets nothing, and nothing is asked for', async (t) => {
  let requests = 0
  const server = await httpServer(t, (_, response) => {
    requests++
    response.end('x')
  })
  const { engine, dest, job } = await receiveWorld(t)
  const elsewhere = job(server, [receivable('f')], { destIdentity: 'another' })
  await assert.rejects(engine.receive(elsewhere), { code: 'ERR_SUSTEN_STORAGE' })
  const { identity } = await engine.volume(bytesOfText(dest))
  const [result] = await engine.receive(job(server, [receivable('f')], { destIdentity: identity }))
  assert.equal(result?.outcome, 'created')
  assert.equal(requests, 1)
})

test('a server that is not there is told as such', async (t) => {
  const server = await httpServer(t, () => {})
  server.stop()
  const { one, dest } = await receiveWorld(t)
  const { error } = await one(server)
  assert.deepEqual(error, {
    code: 'ECONNREFUSED',
    errno: 111,
    syscall: 'connect',
    path: `http://127.0.0.1:${server.port}/data/f`,
    dest: join(dest, 'f'),
  })
})

test('addresses are tried in turn, and a host is looked up', async (t) => {
  const server = await httpServer(t, (request, response) => response.end(request.headers.host))
  const { one, dest } = await receiveWorld(t)
  await one(server, {}, { host: 'detector', addresses: ['::1', '127.0.0.1'] })
  assert.equal(readFileSync(join(dest, 'f'), 'utf8'), `detector:${server.port}`)
  assert.equal((await one(server, { existing: 'replace' }, { host: 'localhost' })).outcome, 'replaced')
  await one(server, { existing: 'replace' }, { host: '::1', addresses: ['127.0.0.1'] })
  assert.equal(readFileSync(join(dest, 'f'), 'utf8'), `[::1]:${server.port}`)
})

test('what no request can have is refused', async (t) => {
  const server = await httpServer(t, () => assert.fail('no request'))
  const { engine, job } = await receiveWorld(t)
  const file = receivable('f')
  const wrong = [
    job(server, [{ ...file, target: 'data' }]),
    job(server, [{ ...file, target: '/a b' }]),
    job(server, [{ ...file, target: '/a\r\nX: y' }]),
    job(server, [{ ...file, target: '/\xe4' }]),
    job(server, [file], { headers: [['X', 'y\r\nZ: w']] }),
    job(server, [file], { headers: [['X Y', 'z']] }),
    job(server, [file], { headers: [['Range', 'bytes=1-']] }),
    job(server, [file], { host: 'a b', addresses: ['127.0.0.1'] }),
    job(server, [file], { addresses: ['detector'] }),
    job(server, [file], { port: 65536 }),
    job(server, [file], { mode: 0o4755 }),
    job(server, [file], { uid: -1 }),
    job(server, [file], { timeouts: { connect: 1, header: 0, stall: 1, leastBytes: 1 } }),
  ]
  for (const each of wrong) await assert.rejects(engine.receive(each), { code: 'ERR_SUSTEN_OPTION' })
})

/** A server that sends half a file, then nothing until it is told to. */
function halting(body: Buffer, onHalf: (socket: Socket) => void): (socket: Socket) => void {
  return (socket) => {
    socket.write(header('HTTP/1.1 200 OK', `Content-Length: ${body.length}`))
    socket.write(body.subarray(0, body.length / 2), () => onHalf(socket))
  }
}

test('progress is told while a file is on its way', async (t) => {
  const body = content(200_000)
  let half: Socket | undefined
  const server = await rawServer(
    t,
    halting(body, (socket) => {
      half = socket
    }),
  )
  const { engine, job } = await receiveWorld(t)
  const seen: NativeProgress[] = []
  const [result] = await engine.receive(job(server, [receivable('f')]), {
    onProgress(progress) {
      seen.push(progress)
      if (progress.bytes > 0) half?.write(body.subarray(body.length / 2))
      if (progress.bytes > 0) half = undefined
    },
  })
  assert.equal(result?.outcome, 'created')
  assert.ok(seen.some(({ bytes }) => bytes > 0 && bytes < body.length))
})

test('an abort ends a transfer that waits, and leaves nothing', async (t) => {
  const abort = new AbortController()
  const gone: Promise<unknown>[] = []
  const server = await rawServer(
    t,
    halting(content(200_000), (socket) => {
      gone.push(new Promise((resolve) => socket.on('close', resolve)))
      if (gone.length === 2) abort.abort('enough')
    }),
  )
  const { engine, dest, job } = await receiveWorld(t)
  const files = Array.from({ length: 10 }, (_, i) => receivable(`f${i}`))
  const ended: (string | undefined)[] = []
  const receiving = engine.receive(job(server, files), {
    signal: abort.signal,
    onFile: ({ error }) => ended.push(error?.code),
  })
  await assert.rejects(receiving, (error) => error instanceof SustenError && error.cause === 'enough')
  assert.deepEqual(ended, new Array(10).fill('ABORT_ERR'))
  assert.deepEqual(readdirSync(dest), [])
  await Promise.all(gone)
})

test('an abort before anything was sent sends nothing', async (t) => {
  const server = await httpServer(t, () => assert.fail('no request'))
  const { engine, job } = await receiveWorld(t)
  const signal = AbortSignal.abort()
  for (const host of ['127.0.0.1', 'localhost']) {
    const receiving = engine.receive(job(server, [receivable('f')], { host }), { signal })
    await assert.rejects(receiving, { code: 'ABORT_ERR' })
  }
  assert.equal(server.connections(), 0)
})

test('an abort ends the wait for an answer', async (t) => {
  const abort = new AbortController()
  const server = await rawServer(t, () => abort.abort())
  const { engine, job } = await receiveWorld(t)
  await assert.rejects(engine.receive(job(server, [receivable('f')]), { signal: abort.signal }), { code: 'ABORT_ERR' })
})

test('closing an engine ends transfers that wait', async (t) => {
  const { engine, dest, job } = await receiveWorld(t)
  let closing: Promise<void> | undefined
  const server = await rawServer(
    t,
    halting(content(200_000), () => {
      closing = engine.close('cancel')
    }),
  )
  await assert.rejects(engine.receive(job(server, [receivable('f')])), { code: 'ABORT_ERR' })
  await closing
  assert.deepEqual(readdirSync(dest), [])
})

test('a full target fails its file, and leaves nothing', { skip: whyNot('tmpfs') ?? false }, async (t) => {
  const body = content(3_000_000)
  const server = await httpServer(t, (request, response) => response.end(request.url === '/data/f' ? body : 'small'))
  const small = mount('tmpfs')
  t.after(() => small.unmount())
  const { engine, job, one } = await receiveWorld(t, {}, small.path)
  const { error } = await one(server)
  assert.deepEqual([error?.code, error?.syscall, error?.path], ['ENOSPC', 'pwrite', join(small.path, 'f')])
  const [next] = await engine.receive(job(server, [receivable('g')]))
  assert.equal(next?.outcome, 'created')
})

test('a target that could never hold the file gets nothing of it', { skip: whyNot('tmpfs') ?? false }, async (t) => {
  const server = await rawServer(t, (socket) => socket.write(header('HTTP/1.1 200 OK', `Content-Length: ${2 ** 50}`)))
  const small = mount('tmpfs')
  t.after(() => small.unmount())
  const { one } = await receiveWorld(t, {}, small.path)
  assert.equal((await one(server)).error?.code, 'EFBIG')
})

test('a target that fails at any step fails its file, and leaves nothing', async (t) => {
  const body = content(200_000)
  const server = await httpServer(t, (_, response) => response.end(body))
  for (const call of ['openat', 'pwrite', 'fchmod', 'futimens', 'linkat']) {
    const { one, dest } = await receiveWorld(t, { threads: 1, faults: [{ call, effect: 'EIO', times: -1 }] })
    const { outcome, error } = await one(server, { mtimeNs: 1n }, { mode: 0o677 })
    assert.equal(outcome, 'failed', call)
    assert.equal(error?.code, 'EIO', call)
    assert.ok(error?.path.startsWith(dest), call)
    assert.deepEqual(readdirSync(dest), [], call)
  }
})

test('short and interrupted writes do not show', async (t) => {
  const body = content(200_000)
  const server = await httpServer(t, (_, response) => response.end(body))
  for (const effect of ['short', 'EINTR']) {
    const { one, dest } = await receiveWorld(t, { faults: [{ call: 'pwrite', effect, times: 3 }] })
    assert.equal((await one(server)).digest, digestOf(body), effect)
    assert.ok(readFileSync(join(dest, 'f')).equals(body), effect)
  }
})

test('files are made durable alone and in groups', { skip: whyNot('ext4') ?? false }, async (t) => {
  const disk = mount('ext4')
  t.after(() => disk.unmount())
  const server = await httpServer(t, (request, response) => response.end(request.url))
  for (const durability of ['each', 'batch'] as const) {
    const { engine, dest, job } = await receiveWorld(t, { threads: 4 }, disk.path)
    const files = Array.from({ length: 40 }, (_, i) => receivable(`${durability}/d${i % 2}/f${i}`))
    const results = await engine.receive(job(server, files, { durability }))
    assert.deepEqual(new Set(results.map(({ outcome }) => outcome)), new Set(['created']))
    assert.deepEqual(await leftovers(join(dest, durability)), [])
  }
  disk.powerCut()
  for (const name of ['each/d1/f7', 'batch/d0/f30']) {
    assert.equal(readFileSync(join(disk.path, name), 'utf8'), `/data/${name}`)
  }
})

test('a file that waits to be synced does not wait for the server of the next', {
  skip: whyNot('ext4') ?? false,
}, async (t) => {
  const disk = mount('ext4')
  t.after(() => disk.unmount())
  let told = false
  let second: Socket | undefined
  const answer = `${header('HTTP/1.1 200 OK', 'Content-Length: 1')}x`
  const server = await rawServer(t, (socket, { number }) => {
    if (number === 0 || told) socket.write(answer)
    else second = socket
  })
  const { engine, job } = await receiveWorld(t, { threads: 1 }, disk.path)
  const results = await engine.receive(job(server, [receivable('a'), receivable('b')], { durability: 'batch' }), {
    onFile: ({ index }) => {
      if (index > 0) return
      told = true
      second?.write(answer)
    },
  })
  assert.deepEqual(
    results.map(({ outcome }) => outcome),
    ['created', 'created'],
  )
})
