import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Allow, callControl, type Method, openControl } from '#lib/control/index.js'
import { asUser, callAs, controlWorld } from './support/control-world.js'
import { openRoot } from './support/pipe-world.js'

const skip = process.geteuid?.() === 0 ? false : 'needs root'
const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups']
const methods = { echo: { call: (params: unknown) => params } }
const victim = fileURLToPath(new URL('./fixtures/control-server.js', import.meta.url))

test('whom the kernel calls a stranger is turned away before anything it sent is looked at', { skip }, async (t) => {
  const called: unknown[] = []
  const note: Method = { call: (params) => called.push(params) }
  // The mode lets everybody connect, since a user is allowed.
  const { path, refused } = await controlWorld(t, { note }, { allow: { uids: [54_321] } })
  const told = await callAs(nobody, path, 'note')
  assert.doesNotMatch(told, /hello/)
  assert.match(told, /"code":"EACCES"/)
  assert.match(told, /user 65534 may not use the control socket/)
  assert.equal(refused.length, 1)
  assert.equal(refused[0]?.caller?.uid, 65_534)
  assert.doesNotMatch(await callAs(nobody, path, 'note', 'at once'), /hello|result/)
  assert.equal(refused.length, 2)
  assert.deepEqual(called, [])
  assert.match(await callAs(['--reuid=54321', '--regid=65534', '--clear-groups'], path, 'note'), /"result":1/)
})

test('a group that is allowed is, as the first and as any other group of a caller', { skip }, async (t) => {
  const { path, refused } = await controlWorld(t, methods, { allow: { gids: [54_322, 54_321] } })
  assert.match(await callAs(['--reuid=65534', '--regid=54321', '--clear-groups'], path, 'echo'), /"result":null/)
  const many = Array.from({ length: 100 }, (_, i) => 60_000 + i)
  for (const groups of ['54321', '1,2,54322', [...many, 54_321].join()]) {
    assert.match(await callAs(['--reuid=65534', '--regid=65534', `--groups=${groups}`], path, 'echo'), /"result":null/)
  }
  assert.match(await callAs(['--reuid=65534', '--regid=65534', `--groups=${many.join()}`], path, 'echo'), /EACCES/)
  assert.equal(refused.length, 1)
  assert.deepEqual(refused[0]?.caller?.groups, many)
})

test('the socket is no more open than it has to be', { skip }, async (t) => {
  const cases: [Allow, number, number][] = [
    [{}, 0o600, 0],
    [{ gids: [54_321] }, 0o660, 54_321],
    [{ uids: [54_321] }, 0o666, 0],
    [{ gids: [1, 2] }, 0o666, 0],
  ]
  for (const [allow, mode, gid] of cases) {
    const { root, path, control } = await controlWorld(t, methods, { allow })
    const stats = lstatSync(path)
    assert.deepEqual([stats.isSocket(), stats.mode & 0o7777, stats.uid, stats.gid], [true, mode, 0, gid])
    assert.deepEqual(readdirSync(root).sort(), ['control', 'control.lock'])
    await control.close()
  }
  const { path } = await controlWorld(t, methods)
  assert.match(await callAs(nobody, path, 'echo'), /EACCES/)
})

test('the socket of a process that was killed is replaced, that of a living one is refused', async (t) => {
  const root = await openRoot(t)
  const path = `${root}/control`
  const child = spawn(process.execPath, [victim, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  assert.equal(await callControl(path, 'echo', 1), 1)
  const locked = { code: 'ERR_SUSTEN_LOCKED', message: new RegExp(`process ${child.pid} has it open`) }
  await assert.rejects(openControl({ path, methods }), locked)
  assert.equal(await callControl(path, 'echo', 2), 2)
  child.kill('SIGKILL')
  await once(child, 'close')
  assert.ok(lstatSync(path).isSocket())
  await assert.rejects(callControl(path, 'echo'), { code: 'ECONNREFUSED' })
  await using control = await openControl({ path, methods })
  assert.equal(await callControl(control.path, 'echo', 3), 3)
})

test('what is no socket of ours is refused, and left as it is', { skip }, async (t) => {
  const root = await openRoot(t)
  const path = `${root}/control`
  const other = createServer((socket) => socket.destroy()).listen(path)
  t.after(() => other.close())
  await once(other, 'listening')
  await assert.rejects(openControl({ path, methods }), { code: 'EADDRINUSE', path })
  chownSync(path, 65_534, 65_534)
  await assert.rejects(openControl({ path, methods }), { code: 'EPERM', message: /belongs to user 65534/ })
  renameSync(path, `${root}/elsewhere`)
  writeFileSync(`${root}/file`, 'content')
  mkdirSync(`${root}/directory`)
  symlinkSync('elsewhere', `${root}/link`)
  for (const name of ['file', 'directory', 'link']) {
    await assert.rejects(openControl({ path: `${root}/${name}`, methods }), { code: 'EEXIST', path: `${root}/${name}` })
  }
  assert.ok(lstatSync(`${root}/link`).isSymbolicLink())
  chmodSync(root, 0o777)
  await assert.rejects(openControl({ path: `${root}/new`, methods }), { code: 'EPERM', message: /everybody may write/ })
  chmodSync(root, 0o755)
  await assert.rejects(openControl({ path: `${root}/${'x'.repeat(100)}`, methods }), { code: 'ENAMETOOLONG' })
})

test('a caller trusts root and itself only: nothing is sent to another who listens', { skip }, async (t) => {
  const root = await openRoot(t)
  chmodSync(root, 0o1777)
  const path = `${root}/control`
  const program = `
    let got = 0
    const hello = '{"jsonrpc":"2.0","method":"hello","params":{"protocol":"susten-control","version":1}}\\n'
    const answer = '{"jsonrpc":"2.0","id":1,"result":"a lie"}\\n'
    require('node:net').createServer((socket) => {
      socket.on('error', () => {})
      socket.write(hello + answer)
      socket.on('data', (data) => console.log('got ' + data))
    }).listen(process.argv[1], () => console.log('listening'))`
  const child = asUser(nobody, program, [path])
  t.after(() => child.kill('SIGKILL'))
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (some: string) => {
    text += some
  })
  await once(child.stdout ?? child, 'data')
  const message = /^user 65534, who isn't trusted, listens; if that is the daemon's user, run this as that user\. /
  await assert.rejects(callControl(path, 'echo', 'secret'), { code: 'EPERM', message })
  assert.equal(await callControl(path, 'echo', 'open', { trust: [65_534] }), 'a lie')
  assert.doesNotMatch(text, /secret/)
})

test('two that open at the same moment do not both get it', async (t) => {
  const root = await openRoot(t)
  const path = `${root}/control`
  const results = await Promise.allSettled([1, 2, 3].map(() => openControl({ path, methods })))
  const opened = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  assert.equal(opened.length, 1)
  assert.equal(await callControl(path, 'echo', 1), 1)
  await opened[0]?.close()
  assert.equal(spawnSync('ls', [root], { encoding: 'utf8' }).stdout, 'control.lock\n')
})

test('options are looked at', async () => {
  const wrong: [object, RegExp][] = [
    [{ methods }, /'path' must be a path/],
    [{ path: '/tmp/x', methods, allow: { users: [1] } }, /unknown option 'users'/],
    [{ path: '/tmp/x', methods, allow: { uids: ['root'] } }, /'allow.uids\[0\]'/],
    [{ path: '/tmp/x', methods, allow: { gids: 5 } }, /'allow.gids' must be a list/],
    [{ path: '/tmp/x', methods, maxLine: 1 }, /'maxLine'/],
    [{ path: '/tmp/x', methods: { bad: {} } }, /method 'bad' must have a function 'call' or 'stream'/],
  ]
  for (const [options, message] of wrong) {
    await assert.rejects(openControl(options as Parameters<typeof openControl>[0]), {
      code: 'ERR_SUSTEN_OPTION',
      message,
    })
  }
})
