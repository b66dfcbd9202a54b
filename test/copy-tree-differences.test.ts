/** The differences that docs/COPYTREE.md lists: what `fs.cp` does, and what `copyTree` does instead. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmod, cp, link, lstat, readFile, readlink, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type CopyTreeOptions, copyTree } from '#lib/copy-tree/index.js'
import { type Directory, look, plant, scratch } from './support/tree.js'

const asRoot = { skip: process.geteuid?.() === 0 ? false : 'needs root' }

/** Copies `src` to `dest` both ways in directories of their own; `see` tells what came of it, or the error's code. */
async function both(
  t: TestContext,
  plan: Directory | ((root: string) => Directory),
  options: CopyTreeOptions,
  see: (root: string) => Promise<unknown>,
  prepare: (root: string) => Promise<unknown> = async () => {},
): Promise<{ cp: unknown; copyTree: unknown }> {
  const seen = { cp: undefined as unknown, copyTree: undefined as unknown }
  for (const who of ['cp', 'copyTree'] as const) {
    const root = await scratch(t)
    await plant(root, typeof plan === 'function' ? plan(root) : plan)
    await prepare(root)
    const [src, dest] = [join(root, 'src'), join(root, 'dest')]
    try {
      if (who === 'cp') await cp(src, dest, { recursive: true, ...options } as Parameters<typeof cp>[2])
      else await copyTree(src, dest, options)
      seen[who] = await see(root)
    } catch (error) {
      seen[who] = (error as NodeJS.ErrnoException).code
    }
  }
  return seen
}

test('directories are copied without recursive: true', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: { f: 'x' } })
  await assert.rejects(cp(join(root, 'src'), join(root, 'theirs')), { code: 'ERR_FS_EISDIR' })
  await copyTree(join(root, 'src'), join(root, 'ours'))
  assert.deepEqual(Object.keys(await look(join(root, 'ours'))), ['.', 'f'])
})

test('times are kept without being asked', async (t) => {
  const see = async (root: string): Promise<number> => (await stat(join(root, 'dest'))).mtimeMs
  const seen = await both(t, { src: 'x' }, {}, see, (root) => utimes(join(root, 'src'), 1000, 2000))
  assert.equal(seen.copyTree, 2_000_000)
  assert.notEqual(seen.cp, 2_000_000)
})

test('setuid and setgid are not carried over', async (t) => {
  const see = async (root: string): Promise<string> => ((await stat(join(root, 'dest'))).mode & 0o7777).toString(8)
  const seen = await both(t, { src: 'x' }, {}, see, (root) => chmod(join(root, 'src'), 0o6755))
  assert.deepEqual(seen, { cp: '6755', copyTree: '755' })
})

test('a device is refused instead of read', asRoot, async (t) => {
  const see = async (root: string): Promise<boolean> => (await stat(join(root, 'dest/null'))).isFile()
  const seen = await both(t, { src: {} }, {}, see, async (root) => {
    assert.equal(spawnSync('mknod', [join(root, 'src/null'), 'c', '1', '3']).status, 0)
  })
  assert.deepEqual(seen, { cp: true, copyTree: 'ERR_FS_CP_UNKNOWN' })
})

test('force: false leaves links too', async (t) => {
  const plan = (root: string): Directory => ({
    one: 'x',
    two: 'y',
    src: { l: { link: join(root, 'one') } },
    dest: { l: { link: join(root, 'two') } },
  })
  const see = (root: string): Promise<string> => readFile(join(root, 'dest/l'), 'utf8')
  assert.deepEqual(await both(t, plan, { force: false }, see), { cp: 'x', copyTree: 'y' })
})

test('a dangling link replaces a link', async (t) => {
  const plan = { src: { l: { link: '/no/one' } }, dest: { l: { link: '/no/two' } } }
  const see = (root: string): Promise<string> => readlink(join(root, 'dest/l'))
  assert.deepEqual(await both(t, plan, {}, see), { cp: 'ENOENT', copyTree: '/no/one' })
})

test('a link with the same target is no error', async (t) => {
  const plan = { src: { l: { link: '/one' } }, dest: { l: { link: '/one' } } }
  const { copyTree: ours } = await both(t, plan, {}, (root) => readlink(join(root, 'dest/l')))
  assert.equal(ours, '/one')
})

test('with dereference a dangling link in the way is replaced, not written through', async (t) => {
  const plan = { src: { f: 'x' }, dest: { f: { link: '../elsewhere' } } }
  const see = async (root: string): Promise<unknown> => [
    (await lstat(join(root, 'dest/f'))).isSymbolicLink(),
    await readFile(join(root, 'elsewhere'), 'utf8').catch(() => 'nothing'),
  ]
  const seen = await both(t, plan, { dereference: true }, see)
  assert.deepEqual(seen, { cp: [true, 'x'], copyTree: [false, 'nothing'] })
})

test('with dereference a link to a directory below the destination is not followed', async (t) => {
  const plan = { src: { d: { f: 'x' } }, elsewhere: {}, dest: { d: { link: '../elsewhere' } } }
  const see = (root: string): Promise<string> => readFile(join(root, 'elsewhere/f'), 'utf8')
  const seen = await both(t, plan, { dereference: true }, see)
  assert.deepEqual(seen, { cp: 'x', copyTree: 'ERR_FS_CP_DIR_TO_NON_DIR' })
})

test('a file inside a tree that is a hard link of its counterpart becomes a file of its own', async (t) => {
  const plan = { src: { f: 'x' }, dest: {} }
  const see = async (root: string): Promise<number> => (await stat(join(root, 'dest/f'))).nlink
  const seen = await both(t, plan, {}, see, (root) => link(join(root, 'src/f'), join(root, 'dest/f')))
  assert.deepEqual(seen, { cp: 'ERR_FS_CP_EINVAL', copyTree: 1 })
})

test('names that are not text are copied', async (t) => {
  const name = (root: string, side: string): Buffer => Buffer.concat([Buffer.from(`${root}/${side}/`), Buffer.of(0xff)])
  const see = (root: string): Promise<string> => readFile(name(root, 'dest'), 'utf8')
  const seen = await both(t, { src: {} }, {}, see, (root) => writeFile(name(root, 'src'), 'x'))
  assert.deepEqual(seen, { cp: 'ENOENT', copyTree: 'x' })
})

test('an unknown option is refused', async (t) => {
  const see = (root: string): Promise<string> => readFile(join(root, 'dest'), 'utf8')
  const seen = await both(t, { src: 'x' }, { overwite: false } as CopyTreeOptions, see)
  assert.deepEqual(seen, { cp: 'x', copyTree: 'ERR_SUSTEN_OPTION' })
})
