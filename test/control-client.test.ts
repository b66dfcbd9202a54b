import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type ControlClient, type Method, openControlClient } from '#lib/control/index.js'
import { SustenError } from '#lib/errors.js'
import { controlWorld } from './support/control-world.js'
import { until } from './support/pipe-world.js'

const echo: Method = { call: (params) => params }

async function clientOf(t: TestContext, path: string): Promise<ControlClient> {
  const client = await openControlClient(path)
  t.after(() => client.close())
  return client
}

test('many calls go over one connection, in turn or at once, each with its own answer', async (t) => {
  const callers = new Set<unknown>()
  const late: Method = {
    async call(params, { caller }) {
      callers.add(caller)
      await new Promise((resolve) => setTimeout(resolve, 20 - Number(params)))
      return params
    },
  }
  const { path } = await controlWorld(t, { echo, late })
  const client = await clientOf(t, path)
  for (let i = 0; i < 500; i++) assert.equal(await client.call('echo', i), i)
  const numbers = Array.from({ length: 20 }, (_, index) => index)
  assert.deepEqual(await Promise.all(numbers.map((i) => client.call('late', i))), numbers)
  // The server says who calls once for each connection.
  assert.equal(callers.size, 1)
  assert.equal(client.isOpen, true)
})

test("what a method throws is that call's alone", async (t) => {
  const throwing: Method = {
    call() {
      throw new SustenError('no room', { code: 'ENOSPC', errno: -28, syscall: 'write' })
    },
  }
  const { path } = await controlWorld(t, { echo, throwing })
  const client = await clientOf(t, path)
  const [failed, answer] = await Promise.allSettled([client.call('throwing'), client.call('echo', 1)])
  assert.deepEqual(answer, { status: 'fulfilled', value: 1 })
  assert.equal(failed.status === 'rejected' && failed.reason.code, 'ENOSPC')
  await assert.rejects(client.call('none'), { code: 'ERR_SUSTEN_OPTION', message: /no method 'none'/ })
  await assert.rejects(client.call('echo', 1n), { code: 'ERR_SUSTEN_OPTION', message: /must be JSON/ })
  assert.equal(await client.call('echo', 2), 2)
})

test('a call that is given up harms no other', async (t) => {
  const answers: (() => void)[] = []
  const waits: Method = { call: () => new Promise<void>((resolve) => answers.push(resolve)) }
  const { path } = await controlWorld(t, { echo, waits })
  const client = await clientOf(t, path)
  await assert.rejects(client.call('waits', {}, { timeout: 20 }), { code: 'ETIMEDOUT' })
  const abort = new AbortController()
  const given = client.call('waits', {}, { signal: abort.signal })
  await until(() => answers.length === 2)
  abort.abort()
  await assert.rejects(given, { code: 'ABORT_ERR' })
  await assert.rejects(client.call('echo', 1, { signal: abort.signal }), { code: 'ABORT_ERR' })
  for (const answer of answers) answer()
  assert.equal(await client.call('echo', 'still there'), 'still there')
})

test('a lost connection fails what waits and what comes, and another one can be opened', async (t) => {
  const waits: Method = { call: (_, { signal }) => new Promise((resolve) => signal.addEventListener('abort', resolve)) }
  const { path, control } = await controlWorld(t, { waits, echo })
  const client = await clientOf(t, path)
  const waiting = client.call('waits')
  const lost = assert.rejects(waiting, { code: 'ECONNRESET' })
  await client.call('echo')
  await control.close()
  await lost
  assert.equal(client.isOpen, false)
  await assert.rejects(client.call('echo'), { code: 'ECONNRESET' })
  await assert.rejects(openControlClient(path), { code: 'ENOENT' })
  const next = await controlWorld(t, { echo })
  const other = await clientOf(t, next.path)
  assert.equal(await other.call('echo', 1), 1)
})

test('closing fails what waits, and no other call is taken', async (t) => {
  const waits: Method = { call: () => new Promise(() => {}) }
  const { path } = await controlWorld(t, { waits, echo })
  const client = await openControlClient(path)
  const waiting = assert.rejects(client.call('waits'), { code: 'ERR_SUSTEN_CLOSED' })
  await client.call('echo')
  await client.close()
  await waiting
  await assert.rejects(client.call('echo'), { code: 'ERR_SUSTEN_CLOSED' })
  await client.close()
})

test('who is turned away, and what is no control socket, is told at the opening', async (t) => {
  const { path } = await controlWorld(t, { echo })
  const clients = await Promise.all(Array.from({ length: 32 }, () => clientOf(t, path)))
  await assert.rejects(openControlClient(path), { code: 'EBUSY' })
  await clients[0]?.close()
  let next: ControlClient | undefined
  while (next === undefined) next = await openControlClient(path).catch(() => undefined)
  await next.close()
  await assert.rejects(openControlClient('/none/such'), { code: 'ENOENT' })
  await assert.rejects(openControlClient(path, { timeout: 0 }), { code: 'ERR_SUSTEN_OPTION' })
  await assert.rejects(openControlClient(path, { signal: AbortSignal.abort() }), { code: 'ABORT_ERR' })
})

test('a method that answers many times is refused', async (t) => {
  const { path } = await controlWorld(t, {
    stream: {
      stream: async function* () {
        yield 1
      },
    },
  })
  const client = await clientOf(t, path)
  await assert.rejects(client.call('stream'), { code: 'EPROTO', message: /watchControl/ })
  assert.equal(client.isOpen, false)
})
