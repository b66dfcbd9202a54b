import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { type CopyProgress, copyTree } from '#lib/copy-tree/index.js'
import { openEngine } from '#lib/engine/index.js'
import { leftovers, look, plant, scratch } from './support/tree.js'

const plan = { 'a.txt': 'alpha', sub: { 'b.txt': 'beta', l: { link: '/nowhere' }, deep: { empty: '' } } }

// What `printf alpha | xxhsum -H2` prints, and so on.
const digests = {
  'a.txt': '3da56ec08de5da93af92a1f85e52d146',
  'sub/b.txt': 'f19f3895086da42f5e80feea399a2d8b',
  'sub/deep/empty': '99aa06d3014798d86001c324468d497f',
}

test('the report counts files, bytes, directories and links', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: plan })
  const { seconds, ...report } = await copyTree(join(root, 'src'), join(root, 'dest'))
  assert.deepEqual(report, { files: 3, bytes: 9, directories: 3, symlinks: 1, skipped: 0, failures: [] })
  assert.ok(seconds > 0)
  assert.deepEqual(await look(join(root, 'dest')), await look(join(root, 'src')))
})

test('the report counts what was left out', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: { a: '1', b: '2', c: '3' }, dest: { a: 'mine' } })
  const report = await copyTree(join(root, 'src'), join(root, 'dest'), {
    force: false,
    filter: (src) => !src.endsWith('/c'),
  })
  assert.equal(report.files, 1)
  assert.equal(report.skipped, 2)
})

test('a root that the filter refuses gives a report of nothing', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: plan })
  const { seconds, ...report } = await copyTree(join(root, 'src'), join(root, 'dest'), { filter: () => false })
  assert.deepEqual(report, { files: 0, bytes: 0, directories: 0, symlinks: 0, skipped: 0, failures: [] })
  assert.ok(seconds >= 0)
})

for (const verify of ['inline', 'readback'] as const) {
  test(`digests are those of xxhsum -H2 (verify: ${verify})`, async (t) => {
    const root = await scratch(t)
    await plant(root, { src: plan })
    const report = await copyTree(join(root, 'src'), join(root, 'dest'), { digests: true, verify })
    const found = Object.fromEntries((report.digests ?? []).map(({ path, digest }) => [path, digest]))
    assert.deepEqual(found, digests)
    assert.deepEqual((report.digests ?? []).map(({ bytes }) => bytes).sort(), [0, 4, 5])
  })
}

test('the digest of a single file goes by the name of the copy', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: 'alpha' })
  const { digests: found } = await copyTree(join(root, 'src'), join(root, 'dest'), { digests: true })
  assert.deepEqual(found, [{ path: 'dest', digest: digests['a.txt'], bytes: 5 }])
})

test('given bytes, filter and report tell bytes', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: { f: 'x' } })
  const seen: Uint8Array[] = []
  const { digests: found } = await copyTree(Buffer.from(join(root, 'src')), join(root, 'dest'), {
    digests: true,
    filter: (src, dest) => {
      seen.push(src, dest)
      return true
    },
  })
  const expected = ['src', 'dest', 'src/f', 'dest/f'].map((name) => Buffer.from(join(root, name)))
  assert.deepEqual(seen, expected)
  assert.deepEqual(found?.[0]?.path, Buffer.from('f'))
})

for (const options of [
  { durability: 'none' },
  { durability: 'each' },
  { verify: 'none' },
  { verify: 'readback' },
  { strategy: 'sendfile' },
  { strategy: 'readwrite' },
  { strategy: 'sendfile', verify: 'none' },
  { concurrency: 1 },
  { concurrency: 32 },
] as const) {
  test(`the copy is whole with ${JSON.stringify(options)}`, async (t) => {
    const root = await scratch(t)
    await plant(root, { src: { ...plan, large: Buffer.alloc(3_000_001, 'x1y2') } })
    const report = await copyTree(join(root, 'src'), join(root, 'dest'), options)
    assert.equal(report.files, 4)
    assert.deepEqual(await look(join(root, 'dest')), await look(join(root, 'src')))
  })
}

test('a copy over an earlier one brings it up to date', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: plan })
  await copyTree(join(root, 'src'), join(root, 'dest'))
  await writeFile(join(root, 'src/sub/b.txt'), 'changed')
  await copyTree(join(root, 'src'), join(root, 'dest'))
  assert.equal(await readFile(join(root, 'dest/sub/b.txt'), 'utf8'), 'changed')
  assert.deepEqual(await look(join(root, 'dest')), await look(join(root, 'src')))
})

test('progress grows and ends at the total', async (t) => {
  const root = await scratch(t)
  const files = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`f${i}`, Buffer.alloc(1 << 20, i)]))
  await plant(root, { src: files })
  const seen: CopyProgress[] = []
  await copyTree(join(root, 'src'), join(root, 'dest'), { onProgress: (progress) => seen.push(progress) })
  const last = seen.at(-1)
  assert.deepEqual(last, { files: 50, bytes: 50 << 20, directories: 1, symlinks: 0, skipped: 0, failed: 0 })
  for (const [i, progress] of seen.entries()) {
    assert.ok(i === 0 || progress.files >= (seen[i - 1]?.files ?? 0), 'files never go back')
  }
})

test('concurrent calls share an engine', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: plan })
  const engine = openEngine({ threads: 2 })
  t.after(() => engine.close())
  const names = Array.from({ length: 8 }, (_, i) => join(root, `dest${i}`))
  await Promise.all(names.map((dest) => copyTree(join(root, 'src'), dest, { engine })))
  for (const dest of names) assert.deepEqual(await look(dest), await look(join(root, 'src')))
  // And it is still open.
  await copyTree(join(root, 'src'), join(root, 'again'), { engine })
})

test('callbacks run in the async context of the call', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: { f: 'x' } })
  const storage = new AsyncLocalStorage<string>()
  const seen: (string | undefined)[] = []
  await storage.run('mine', () =>
    copyTree(join(root, 'src'), join(root, 'dest'), {
      filter: () => seen.push(storage.getStore()) > 0,
      onProgress: () => seen.push(storage.getStore()),
    }),
  )
  assert.deepEqual([...new Set(seen)], ['mine'])
})

test('a tree deeper than any path can be is copied', async (t) => {
  const root = await scratch(t)
  const back = process.cwd()
  t.after(() => process.chdir(back))
  const down = ['src', ...Array.from({ length: 30 }, () => 'd'.repeat(200))]
  process.chdir(root)
  for (const name of down) {
    await mkdir(name)
    process.chdir(name)
  }
  await writeFile('bottom', 'reached')
  const report = await copyTree(join(root, 'src'), join(root, 'dest'))
  assert.equal(report.directories, down.length)
  process.chdir(join(root, 'dest'))
  for (const name of down.slice(1)) process.chdir(name)
  assert.equal(await readFile('bottom', 'utf8'), 'reached')
})

test('nothing temporary is left behind', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: plan, dest: { 'a.txt': 'old' } })
  await copyTree(join(root, 'src'), join(root, 'dest'), { manifest: join(root, 'dest/manifest') })
  assert.deepEqual(await leftovers(root), [])
})
