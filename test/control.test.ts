import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync } from 'node:fs'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { callControl, type Method, watchControl } from '#lib/control/index.js'
import { SustenError } from '#lib/errors.js'
import { allOf, controlWorld, rawCaller } from './support/control-world.js'
import { openRoot, until } from './support/pipe-world.js'

const echo: Method = { call: (params) => params }
const request = (id: number | string, method: string, params?: unknown): string =>
  `${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`

/** A method that never answers, until nobody waits. */
function hanging(): Method & { readonly signals: AbortSignal[] } {
  const signals: AbortSignal[] = []
  return {
    signals,
    call: (_, { signal }) => {
      signals.push(signal)
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    },
  }
}

test('a call carries its parameters there and the answer back', async (t) => {
  const { path } = await controlWorld(t, {
    echo,
    nothing: { call: () => undefined },
    who: { call: (_, { caller }) => ({ ...caller }) },
  })
  const params = { text: 'Grüße \u2028\n"', list: [1, null, { deep: [true] }] }
  assert.deepEqual(await callControl(path, 'echo', params), params)
  assert.equal(await callControl(path, 'nothing'), null)
  const who = (await callControl(path, 'who')) as Record<string, unknown>
  assert.deepEqual([who['pid'], who['uid'], who['gid']], [process.pid, process.geteuid?.(), process.getegid?.()])
  const big = 'x'.repeat(200_000)
  assert.equal(await callControl(path, 'echo', big), big)
  const answers = await Promise.all(Array.from({ length: 30 }, (_, i) => callControl(path, 'echo', i)))
  assert.deepEqual(
    answers,
    Array.from({ length: 30 }, (_, i) => i),
  )
})

test('what a method throws reaches the caller with its fields', async (t) => {
  const pathBytes = Buffer.from('/data/\xff', 'latin1')
  const full = new SustenError('no room', {
    code: 'ENOSPC',
    errno: -28,
    syscall: 'write',
    path: '/data/\ufffd',
    dest: '/gpfs/x',
    pathBytes,
  })
  const throwing = (error: unknown): Method => ({
    call: () => {
      throw error
    },
  })
  const { path } = await controlWorld(t, {
    full: throwing(full),
    system: throwing(
      Object.assign(new Error('ENOENT: gone'), { code: 'ENOENT', errno: -2, syscall: 'open', path: '/a' }),
    ),
    plain: throwing(new TypeError('a mistake')),
    odd: throwing('a word'),
    big: { call: () => 1n },
    stream: {
      stream: async function* () {
        yield 1
        throw full
      },
    },
  })
  const { code, errno, syscall, dest, message } = full
  const fields = { name: 'SustenError', code, errno, syscall, dest, message, path: '/data/\ufffd' }
  await assert.rejects(callControl(path, 'full'), (error: SustenError) => {
    assert.deepEqual(Buffer.from(error.pathBytes ?? []), pathBytes)
    return true
  })
  await assert.rejects(callControl(path, 'full'), fields)
  await assert.rejects(callControl(path, 'system'), { code: 'ENOENT', errno: -2, syscall: 'open', path: '/a' })
  await assert.rejects(callControl(path, 'plain'), { code: 'EUNKNOWN', message: 'a mistake' })
  await assert.rejects(callControl(path, 'odd'), { message: 'a word' })
  await assert.rejects(callControl(path, 'big'), /BigInt/)
  const got: unknown[] = []
  const watching = async (): Promise<void> => {
    for await (const value of watchControl(path, 'stream')) got.push(value)
  }
  await assert.rejects(watching(), fields)
  assert.deepEqual(got, [1])
  await assert.rejects(callControl(path, 'toString'), {
    code: 'ERR_SUSTEN_OPTION',
    message: /no method 'toString'; known/,
  })
  await assert.rejects(callControl(path, 'stream'), { code: 'EPROTO', message: /use watchControl/ })
})

test('a stream brings what the method yields, until it ends or the caller goes', async (t) => {
  let returned = 0
  const signals: AbortSignal[] = []
  const { path } = await controlWorld(t, {
    count: {
      stream: async function* (params) {
        for (let i = 0; i < Number(params); i++) yield i
      },
    },
    forever: {
      stream: async function* (_, { signal }) {
        signals.push(signal)
        try {
          for (let i = 0; ; i++) {
            yield i
            await new Promise((resolve) => setImmediate(resolve))
          }
        } finally {
          returned++
        }
      },
    },
    quiet: {
      stream: (_, { signal }) => {
        signals.push(signal)
        return { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }
      },
    },
  })
  const got: unknown[] = []
  for await (const value of watchControl(path, 'count', 3000)) got.push(value)
  assert.equal(got.length, 3000)
  for await (const value of watchControl(path, 'forever')) if (value === 5) break
  await until(() => returned === 1)
  assert.ok(signals[0]?.aborted)
  const abort = new AbortController()
  const watching = watchControl(path, 'quiet', undefined, { signal: abort.signal }).next()
  await until(() => signals.length === 2)
  assert.ok(!signals[1]?.aborted)
  abort.abort()
  await assert.rejects(watching, { name: 'AbortError' })
  await until(() => signals[1]?.aborted ?? false)
})

test('a caller that takes no answers holds up its stream, and nobody else', async (t) => {
  let made = 0
  const { path } = await controlWorld(t, {
    echo,
    much: {
      stream: async function* () {
        for (; ; made++) yield 'x'.repeat(1000)
      },
    },
  })
  const slow = await rawCaller(t, path)
  slow.write(request(1, 'much'))
  await until(() => made > 0)
  let before = -1
  while (before !== made) {
    before = made
    await callControl(path, 'echo', 1)
    await callControl(path, 'echo', 2)
  }
  assert.ok(made < 2000, `${made} made`)
})

test('a signal and a time limit end a call', async (t) => {
  const hang = hanging()
  const { path } = await controlWorld(t, { hang })
  const abort = new AbortController()
  const reason = new Error('enough')
  const call = callControl(path, 'hang', undefined, { signal: abort.signal })
  await until(() => hang.signals.length === 1)
  abort.abort(reason)
  await assert.rejects(call, { name: 'AbortError', code: 'ABORT_ERR', cause: reason })
  await assert.rejects(callControl(path, 'hang', undefined, { signal: abort.signal }), { code: 'ABORT_ERR' })
  await assert.rejects(callControl(path, 'hang', undefined, { timeout: 50 }), {
    code: 'ETIMEDOUT',
    path,
    message: /50 ms/,
  })
})

test('who calls where nobody listens is told so', async (t) => {
  const root = await openRoot(t)
  const path = `${root}/none`
  await assert.rejects(callControl(path, 'x'), { code: 'ENOENT', path, message: /is the daemon running\?/ })
  const server = createServer().listen(path)
  await once(server, 'listening')
  // A socket file without a process.
  spawnSync('mv', [path, `${root}/left`])
  server.close()
  await assert.rejects(callControl(`${root}/left`, 'x'), { code: 'ECONNREFUSED', message: /is the daemon running\?/ })
  await assert.rejects(callControl(`/${'x'.repeat(200)}`, 'x'), { code: 'ENAMETOOLONG' })
  await assert.rejects(callControl(path, 'x', 1n), { code: 'ERR_SUSTEN_OPTION' })
})

test('a daemon that speaks otherwise, or goes away, is an error of the call', async (t) => {
  const root = await openRoot(t)
  const path = `${root}/other`
  let answer = 'HTTP/1.1 200\r\n'
  const server = createServer((socket) => socket.end(answer)).listen(path)
  t.after(() => server.close())
  await once(server, 'listening')
  await assert.rejects(callControl(path, 'x'), { code: 'EPROTO' })
  answer = '{"jsonrpc":"2.0","method":"hello","params":{"protocol":"susten-control","version":2}}\n'
  await assert.rejects(callControl(path, 'x'), { code: 'EPROTO', message: /version 2, not 1/ })
  answer = answer.replace('2}}', '1}}')
  await assert.rejects(callControl(path, 'x'), { code: 'ECONNRESET' })
  answer = ''
  await assert.rejects(callControl(path, 'x'), { code: 'ECONNRESET' })
})

test('closing answers what was asked, ends streams, drops what hangs, and takes the socket away', async (t) => {
  let release = (): void => {}
  const hang = hanging()
  let begun = 0
  const { path, control } = await controlWorld(t, {
    hang,
    held: {
      call: () => {
        begun++
        return new Promise((resolve) => {
          release = () => resolve('done')
        })
      },
    },
    quiet: {
      stream: () => {
        begun++
        return { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }
      },
    },
  })
  const held = callControl(path, 'held')
  const stream = watchControl(path, 'quiet').next()
  const hung = callControl(path, 'hang')
  await until(() => begun === 2 && hang.signals.length === 1)
  const closing = control.close()
  release()
  assert.equal(await held, 'done')
  assert.deepEqual(await stream, { done: true, value: undefined })
  await assert.rejects(hung, { code: 'ECONNRESET' })
  await closing
  assert.ok(hang.signals[0]?.aborted)
  assert.equal(lstatSync(path, { throwIfNoEntry: false }), undefined)
  await control.close()
  await assert.rejects(callControl(path, 'held'), { code: 'ENOENT' })
})

test('a method may close the socket that it was called through', async (t) => {
  const world = await controlWorld(t, { stop: { call: () => void world.control.close() } })
  assert.equal(await callControl(world.path, 'stop'), null)
  await world.control.close()
})

test('any program can call: requests in a row, answers by their ids, also when it ends its side at once', async (t) => {
  const { path } = await controlWorld(t, { echo })
  const socket = await rawCaller(t, path)
  const texts = Array.from({ length: 100 }, (_, i) => request(i, 'echo', i)).join('')
  socket.write(texts.slice(0, 777))
  socket.end(texts.slice(777))
  const lines = (await allOf(socket)).trimEnd().split('\n')
  const [hello, ...answers] = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual(hello, {
    jsonrpc: '2.0',
    method: 'hello',
    params: { protocol: 'susten-control', version: 1, pid: process.pid },
  })
  assert.deepEqual(
    answers.sort((a, b) => Number(a['id']) - Number(b['id'])),
    Array.from({ length: 100 }, (_, i) => ({ jsonrpc: '2.0', id: i, result: i })),
  )
})

test('garbage ends its own connection with a word of why, and no other', async (t) => {
  const called: unknown[] = []
  const { path } = await controlWorld(t, { note: { call: (params) => called.push(params) } }, { maxLine: 4096 })
  const good = request(2, 'note', 'x')
  const garbage: [string | Buffer, string][] = [
    [`no json\n${good}`, 'EPROTO'],
    [`[]\n${good}`, 'EPROTO'],
    [`null\n${good}`, 'EPROTO'],
    [`{"jsonrpc":"1.0","id":1,"method":"note"}\n${good}`, 'EPROTO'],
    [`{"jsonrpc":"2.0","method":"note"}\n${good}`, 'EPROTO'],
    [`{"jsonrpc":"2.0","id":{},"method":"note"}\n${good}`, 'EPROTO'],
    [`{"jsonrpc":"2.0","id":1,"method":["note"]}\n${good}`, 'EPROTO'],
    [Buffer.from(`"\xff"\n${good}`, 'latin1'), 'EPROTO'],
    ['x'.repeat(5000), 'EMSGSIZE'],
    [`${'['.repeat(4000)}\n`, 'EPROTO'],
    ['x\n'.repeat(100_000), 'EPROTO'],
  ]
  for (const [bytes, code] of garbage) {
    const socket = await rawCaller(t, path)
    const told = allOf(socket)
    socket.write(bytes)
    const last = (await told).trimEnd().split('\n').at(-1) ?? ''
    const { id, error } = JSON.parse(last) as { id: unknown; error: { data: { code: string } } }
    assert.deepEqual([id, error.data.code], [null, code], String(bytes).slice(0, 40))
  }
  assert.equal(await callControl(path, 'note', 'good'), 1)
  assert.deepEqual(called, ['good'])
})

test('one user has so many connections and no more; they are free again when they are closed', async (t) => {
  const { path, refused } = await controlWorld(t, { echo })
  const sockets = await Promise.all(Array.from({ length: 32 }, () => rawCaller(t, path)))
  await Promise.all(sockets.map((socket) => once(socket, 'data')))
  await assert.rejects(callControl(path, 'echo'), { code: 'EBUSY', message: /has 32 connections already/ })
  assert.equal(refused[0]?.caller?.pid, process.pid)
  for (const socket of sockets) socket.destroy()
  for (;;) {
    try {
      assert.equal(await callControl(path, 'echo', 1), 1)
      break
    } catch (error) {
      assert.equal((error as SustenError).code, 'EBUSY')
    }
  }
})
