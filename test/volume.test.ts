import assert from 'node:assert/strict'
import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { bytesOfText } from '#lib/bytes.js'
import { openEngine } from '#lib/engine/index.js'
import { volume } from '#lib/volume.js'
import { plant, scratch } from './support/tree.js'

test('a volume is told as statvfs tells it', async (t) => {
  const root = await scratch(t)
  const found = await volume(root)
  const { blocks, bsize, files } = await statfs(root)
  assert.equal(found.total, blocks * bsize)
  assert.equal(found.inodes, files)
  assert.equal(found.dev, (await stat(root, { bigint: true })).dev)
  assert.equal(found.readOnly, false)
  assert.ok(found.available <= found.free && found.free <= found.total)
})

test('fill counts as df does: used of what an ordinary user could use', async (t) => {
  const { fill, total, free, available } = await volume(await scratch(t))
  const used = total - free
  assert.ok(Math.abs(fill - used / (used + available)) < 0.01)
  assert.ok(fill >= 0 && fill <= 1)
})

test('the mount point is the same for a directory and a file in it, text, bytes and URL', async (t) => {
  const root = await scratch(t)
  await plant(root, { f: 'x' })
  const { mountPoint, mountPointBytes, identity, fsType } = await volume(root)
  assert.deepEqual(Buffer.from(mountPointBytes).toString(), mountPoint)
  assert.ok(mountPoint.startsWith('/'))
  assert.notEqual(fsType, '')
  for (const path of [join(root, 'f'), Buffer.from(root), pathToFileURL(root)]) {
    assert.equal((await volume(path)).identity, identity)
  }
})

test('two file systems have two identities', async () => {
  const [one, other] = await Promise.all([volume('/proc'), volume('/')])
  assert.notEqual(one.identity, other.identity)
  assert.equal(one.fsType, 'proc')
})

test('a missing path rejects with its name', async (t) => {
  const missing = join(await scratch(t), 'missing')
  await assert.rejects(volume(missing), { name: 'SustenError', code: 'ENOENT', path: missing })
})

test('an open engine answers as well', async (t) => {
  const engine = openEngine({ threads: 1 })
  t.after(() => engine.close())
  const root = await scratch(t)
  assert.equal((await engine.volume(bytesOfText(root))).identity, (await volume(root)).identity)
})

test('no thread is left behind', async () => {
  const before = (await readdir('/proc/self/task')).length
  await Promise.all(Array.from({ length: 10 }, () => volume('/')))
  assert.equal((await readdir('/proc/self/task')).length, before)
})
