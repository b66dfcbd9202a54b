import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { openPipe } from '#lib/source/index.js'
import { openRoot, pipeWorld, run, shell, until } from './support/pipe-world.js'

const echo = 'echo "$2" > "$1"'
const nobody = { uid: 65_534, gid: 65_534 }
const skip = process.geteuid?.() === 0 ? false : 'needs root'
const onPaths = (): void => {}

function mkfifo(path: string): void {
  assert.equal(spawnSync('mkfifo', [path]).status, 0)
}

/** What no attempt may change. */
function about(path: string): unknown {
  const { ino, mode, uid, gid, nlink, ctimeMs } = lstatSync(path)
  return { ino, mode, uid, gid, nlink, ctimeMs }
}

/** The names of what this process has open. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`)
    } catch {
      return ''
    }
  })
}

test('the pipe is made with the mode asked for, whatever the umask, and one of ours is taken and given it', async (t) => {
  const { path, pipe } = await pipeWorld(t)
  assert.ok(lstatSync(path).isFIFO())
  assert.equal(lstatSync(path).mode & 0o7777, 0o660)
  await pipe.close()
  const { ino } = lstatSync(path)
  await (await openPipe({ path, mode: 0o622, onPaths })).close()
  assert.equal(lstatSync(path).ino, ino)
  assert.equal(lstatSync(path).mode & 0o7777, 0o622)
})

test('a pipe that is read already is refused, and told by which process', async (t) => {
  const { path } = await pipeWorld(t)
  const message = new RegExp(`the pipe '${path}' is in use: process ${process.pid}, this one, has it open`)
  await assert.rejects(openPipe({ path, onPaths }), { code: 'ERR_SUSTEN_LOCKED', message })
})

test('what is no FIFO is refused, and left as it is', async (t) => {
  const root = await openRoot(t)
  mkfifo(`${root}/other`)
  symlinkSync('other', `${root}/link`)
  symlinkSync('nowhere', `${root}/dangling`)
  writeFileSync(`${root}/file`, 'content')
  mkdirSync(`${root}/directory`)
  const server = createServer().listen(`${root}/socket`)
  t.after(() => server.close())
  await once(server, 'listening')
  for (const [name, what] of [
    ['link', 'a symbolic link'],
    ['dangling', 'a symbolic link'],
    ['file', 'a regular file'],
    ['directory', 'a directory'],
    ['socket', 'a socket'],
  ]) {
    const path = `${root}/${name}`
    const before = [about(path), about(`${root}/other`)]
    const message = new RegExp(`${what} is where the pipe should be.*'${path}'`)
    await assert.rejects(openPipe({ path, onPaths }), { code: 'EEXIST', path, message })
    assert.deepEqual([about(path), about(`${root}/other`)], before)
  }
})

test("another's FIFO, and one with a second name, are refused and left as they are", { skip }, async (t) => {
  const root = await openRoot(t)
  chmodSync(root, 0o1777) // anyone could have been here before
  const path = `${root}/pipe`
  mkfifo(path)
  chownSync(path, nobody.uid, nobody.gid)
  const before = about(path)
  const another = { code: 'EPERM', path, message: /belongs to user 65534/ }
  await assert.rejects(openPipe({ path, onPaths }), another)
  assert.deepEqual(about(path), before)
  // The owner that is asked for has left it behind.
  await (await openPipe({ path, owner: nobody, onPaths })).close()
  unlinkSync(path)
  mkfifo(`${root}/initctl`)
  chmodSync(`${root}/initctl`, 0o600)
  linkSync(`${root}/initctl`, path)
  await assert.rejects(openPipe({ path, onPaths }), { code: 'EPERM', message: /second name/ })
  assert.equal(lstatSync(`${root}/initctl`).mode & 0o7777, 0o600)
})

test('a directory in which others could exchange the pipe is refused', { skip }, async (t) => {
  const root = await openRoot(t)
  const path = `${root}/pipe`
  chmodSync(root, 0o777)
  await assert.rejects(openPipe({ path, onPaths }), { code: 'EPERM', message: /everybody may write to/ })
  chmodSync(root, 0o755)
  chownSync(root, nobody.uid, nobody.gid)
  await assert.rejects(openPipe({ path, onPaths }), { code: 'EPERM', message: /user 65534's/ })
  chownSync(root, 0, 0)
  assert.equal(lstatSync(path, { throwIfNoEntry: false }), undefined)
  await assert.rejects(openPipe({ path: `${root}/no/pipe`, onPaths }), { code: 'ENOENT' })
})

test('who may write is decided by owner and mode', { skip }, async (t) => {
  const { path, paths } = await pipeWorld(t, { owner: { gid: 54_321 } })
  const { uid, gid, mode } = lstatSync(path)
  assert.deepEqual([uid, gid, mode & 0o7777], [0, 54_321, 0o660])
  assert.equal(await run(echo, [path, '/group'], { uid: nobody.uid, gid: 54_321 }), 0)
  assert.notEqual(await run(echo, [path, '/stranger'], nobody), 0)
  await until(() => paths.length === 1)
  assert.deepEqual(paths, ['/group'])
})

test('a pipe that is removed is made anew, told, and its writers still get through', async (t) => {
  const { path, paths, messages } = await pipeWorld(t)
  const old = shell('exec 3> "$1"; echo open; read go; echo /to/the/old >&3', [path])
  await once(old.stdout ?? old, 'data')
  unlinkSync(path)
  await until(() => messages.length === 1)
  assert.deepEqual(messages, [{ type: 'remade', path }])
  assert.equal(lstatSync(path).mode & 0o7777, 0o660)
  await run(echo, [path, '/to/the/new'])
  await until(() => paths.length === 1)
  old.stdin?.end('go\n')
  await until(() => paths.length === 2)
  assert.deepEqual(paths, ['/to/the/new', '/to/the/old'])
  // Its last writer has gone: it is let go of.
  await until(() => !openFiles().includes(`${path} (deleted)`))
  unlinkSync(path)
  await until(() => messages.length === 2)
  await until(() => !openFiles().includes(`${path} (deleted)`))
})

test('a pipe that is moved away with a line begun in it is read to its end', async (t) => {
  const { root, path, paths, messages, bad } = await pipeWorld(t)
  const old = shell('exec 3> "$1"; printf /half >&3; echo open; read go; echo /line >&3', [path])
  await once(old.stdout ?? old, 'data')
  renameSync(path, `${root}/moved`)
  await until(() => messages.length === 1)
  old.stdin?.end('go\n')
  await until(() => paths.length === 1)
  assert.deepEqual(paths, ['/half/line'])
  assert.deepEqual(bad, [])
})

test('another FIFO that root puts in its place is read from then on', async (t) => {
  const { root, path, paths, messages } = await pipeWorld(t)
  mkfifo(`${root}/fresh`)
  renameSync(`${root}/fresh`, path)
  await until(() => messages.length === 1)
  assert.deepEqual(messages, [{ type: 'replaced', path }])
  assert.equal(lstatSync(path).mode & 0o7777, 0o660)
  await run(echo, [path, '/new'])
  await until(() => paths.length === 1)
})

test('a regular file that took its place is moved away with what was announced in it', async (t) => {
  const { path, paths, messages } = await pipeWorld(t)
  writeFileSync(`${path}.~1~`, 'of an earlier time')
  unlinkSync(path)
  writeFileSync(path, '/announced\n')
  await until(() => messages.length === 2)
  assert.deepEqual(messages, [
    { type: 'moved', path, to: `${path}.~2~` },
    { type: 'remade', path },
  ])
  assert.equal(readFileSync(`${path}.~1~`, 'latin1'), 'of an earlier time')
  await run('cat "$1" > "$2"', [`${path}.~2~`, path])
  await until(() => paths.length === 1)
  assert.deepEqual(paths, ['/announced'])
})

test('something else in its place is told once, left alone, and the pipe comes back when it goes', async (t) => {
  const { path, paths, messages, pipe } = await pipeWorld(t)
  unlinkSync(path)
  mkdirSync(path)
  await until(() => messages.length === 1)
  const [message] = messages
  assert.ok(message?.type === 'blocked')
  assert.equal(message.error.code, 'EEXIST')
  rmdirSync(path)
  await until(() => messages.length === 2)
  assert.deepEqual(messages[1], { type: 'remade', path })
  await run(echo, [path, '/back'])
  await until(() => paths.length === 1)
  rmSync(path)
  await pipe.close()
})
