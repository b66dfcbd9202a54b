import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { copyTree } from '#lib/copy-tree/index.js'
import { leftovers, plant, scratch } from './support/tree.js'

const hasXxhsum = spawnSync('xxhsum', ['--version']).error === undefined
const withXxhsum = { skip: hasXxhsum ? false : 'xxhsum is not installed' }

/** Checks a manifest in a directory as a user would. `strict`: lines that can't be read are errors too. */
function check(directory: string, manifest: string, strict = true): { status: number | null; output: string } {
  const args = ['--check', ...(strict ? ['--strict'] : []), manifest]
  const { status, stdout, stderr } = spawnSync('xxhsum', args, { cwd: directory, encoding: 'utf8', input: '' })
  return { status, output: stdout + stderr }
}

const plan = { 'a.txt': 'alpha', sub: { 'b.txt': 'beta', l: { link: '/nowhere' }, deep: { empty: '' } } }

test('xxhsum -c accepts the manifest in the destination', withXxhsum, async (t) => {
  const root = await scratch(t)
  await plant(root, { src: plan })
  await copyTree(join(root, 'src'), join(root, 'dest'), { manifest: join(root, 'sums.xxh') })
  const { status, output } = check(join(root, 'dest'), join(root, 'sums.xxh'))
  assert.equal(status, 0, output)
  assert.deepEqual(output.match(/.*: OK/g)?.sort(), ['a.txt: OK', 'sub/b.txt: OK', 'sub/deep/empty: OK'])
})

test('xxhsum -c finds one changed byte', withXxhsum, async (t) => {
  const root = await scratch(t)
  await plant(root, { src: plan })
  await copyTree(join(root, 'src'), join(root, 'dest'), { manifest: join(root, 'sums.xxh') })
  await writeFile(join(root, 'dest/sub/b.txt'), 'bet4')
  const { status, output } = check(join(root, 'dest'), join(root, 'sums.xxh'))
  assert.equal(status, 1)
  assert.match(output, /sub\/b\.txt: FAILED/)
})

test('names that could be misread are checked all the same', withXxhsum, async (t) => {
  const root = await scratch(t)
  await mkdir(join(root, 'src'))
  const names = [
    'stdin',
    '-dash',
    'back\\slash',
    '\\lead',
    ' lead',
    'trail ',
    'cr\r',
    'tab\t',
    '(paren) = x',
    '*star',
    '#',
  ]
  for (const name of names) await writeFile(join(root, 'src', name), name)
  await writeFile(Buffer.concat([Buffer.from(join(root, 'src/inv')), Buffer.from([0xff, 0xfe])]), 'bytes')
  await copyTree(join(root, 'src'), join(root, 'dest'), { manifest: join(root, 'sums.xxh') })
  const { status, output } = check(join(root, 'dest'), join(root, 'sums.xxh'))
  assert.equal(status, 0, output)
  assert.equal(output.match(/: OK/g)?.length, names.length + 1)
})

test('a name with a newline takes one escaped line, and harms no other', withXxhsum, async (t) => {
  const root = await scratch(t)
  await plant(root, {
    src: { 'new\nline\\n': 'x', 'fake\n3da56ec08de5da93af92a1f85e52d146  a.txt': 'y', 'a.txt': 'alpha' },
  })
  await copyTree(join(root, 'src'), join(root, 'dest'), { manifest: join(root, 'sums.xxh') })
  const lines = (await readFile(join(root, 'sums.xxh'), 'utf8')).split('\n').filter((line) => line !== '')
  assert.equal(lines.length, 3)
  assert.ok(lines.some((line) => /^\\[0-9a-f]{32} {2}new\\nline\\\\n$/.test(line)))
  // Versions before 0.8.2 can't read such a line; all versions must accept the rest.
  const { status, output } = check(join(root, 'dest'), join(root, 'sums.xxh'), false)
  assert.equal(status, 0, output)
  assert.match(output, /^a\.txt: OK$/m)
})

test('a single file is listed under the name of its copy', withXxhsum, async (t) => {
  const root = await scratch(t)
  await plant(root, { src: 'alpha', to: {} })
  await copyTree(join(root, 'src'), join(root, 'to/dest'), { manifest: join(root, 'sums.xxh') })
  assert.equal(check(join(root, 'to'), join(root, 'sums.xxh')).status, 0)
})

test('the manifest may lie inside the destination, in directories that are not there yet', withXxhsum, async (t) => {
  const root = await scratch(t)
  await plant(root, { src: plan })
  await copyTree(join(root, 'src'), join(root, 'dest'), { manifest: join(root, 'dest/meta/sums.xxh') })
  assert.equal(check(join(root, 'dest'), 'meta/sums.xxh').status, 0)
  assert.deepEqual(await leftovers(root), [])
})

test('a manifest of many files is whole', withXxhsum, async (t) => {
  const root = await scratch(t)
  await plant(root, { src: Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`file-${i}`, `${i}`])) })
  await copyTree(join(root, 'src'), join(root, 'dest'), { manifest: join(root, 'sums.xxh') })
  const { status, output } = check(join(root, 'dest'), join(root, 'sums.xxh'))
  assert.equal(status, 0)
  assert.equal(output.match(/: OK/g)?.length, 3000)
})

test('a tree without files gives an empty manifest', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: { d: {} } })
  await copyTree(join(root, 'src'), join(root, 'dest'), { manifest: join(root, 'sums.xxh') })
  assert.equal(await readFile(join(root, 'sums.xxh'), 'utf8'), '')
})

test('an earlier manifest is replaced, and left alone by a copy that fails', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: { a: 'x' }, 'sums.xxh': 'earlier', dest: {} })
  await plant(join(root, 'dest'), { a: {} })
  const options = { manifest: join(root, 'sums.xxh') }
  await assert.rejects(copyTree(join(root, 'src'), join(root, 'dest'), options), { code: 'ERR_FS_CP_NON_DIR_TO_DIR' })
  assert.equal(await readFile(join(root, 'sums.xxh'), 'utf8'), 'earlier')
  await rm(join(root, 'dest'), { recursive: true })
  await copyTree(join(root, 'src'), join(root, 'dest'), options)
  assert.match(await readFile(join(root, 'sums.xxh'), 'utf8'), /^[0-9a-f]{32} {2}a\n$/)
  assert.deepEqual(await leftovers(root), [])
})

test('with onError: continue the manifest lists what was copied', withXxhsum, async (t) => {
  const root = await scratch(t)
  await plant(root, { src: { a: 'x', b: 'y' }, dest: { a: {} } })
  const options = { manifest: join(root, 'sums.xxh'), onError: 'continue' } as const
  const { failures } = await copyTree(join(root, 'src'), join(root, 'dest'), options)
  assert.equal(failures.length, 1)
  const { status, output } = check(join(root, 'dest'), join(root, 'sums.xxh'))
  assert.equal(status, 0, output)
  assert.deepEqual(output.match(/.*: OK/g), ['b: OK'])
})

test('a manifest that cannot be written is a failure, and the files are copied', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: { a: 'x' }, file: 'no directory' })
  const manifest = join(root, 'file/sums.xxh')
  await assert.rejects(copyTree(join(root, 'src'), join(root, 'dest'), { manifest }), {
    name: 'SustenError',
    code: 'ENOTDIR',
  })
  assert.equal(await readFile(join(root, 'dest/a'), 'utf8'), 'x')
  const { failures, files } = await copyTree(join(root, 'src'), join(root, 'again'), { manifest, onError: 'continue' })
  assert.deepEqual([files, failures.map(({ code }) => code)], [1, ['ENOTDIR']])
})

test('a manifest that cannot take its name is told as what it is', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: { a: 'x' }, taken: {} })
  const manifest = join(root, 'taken')
  await assert.rejects(copyTree(join(root, 'src'), join(root, 'dest'), { manifest }), {
    name: 'SustenError',
    code: 'EISDIR',
    path: manifest,
    message: new RegExp(`^The manifest can't be written: EISDIR: .*, rename '${manifest}'$`),
  })
})

test('a cancelled copy leaves no manifest', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`f${i}`, 'x'])) })
  const abort = new AbortController()
  const copying = copyTree(join(root, 'src'), join(root, 'dest'), {
    manifest: join(root, 'sums.xxh'),
    signal: abort.signal,
    filter: (src) => {
      if (src.includes('/f')) abort.abort()
      return true
    },
  })
  await assert.rejects(copying, { code: 'ABORT_ERR' })
  assert.deepEqual((await readdir(root)).sort(), ['dest', 'src'])
})
