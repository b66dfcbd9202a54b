/**
 * The proof of "drop-in": every case runs through `fs.promises.cp`, fs-extra's `copy` and `copyTree`, on trees of
 * their own that are planted alike. What comes out, or the code of the error, must be the same.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { constants } from 'node:fs'
import { cp, link, mkdir, readFile, stat, utimes } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import fsExtra from 'fs-extra'
import { type CopyTreeOptions, copyTree } from '#lib/copy-tree/index.js'
import { allow, type Directory, look, plant, scratch } from './support/tree.js'

interface Case {
  readonly name: string
  /** Planted in a fresh directory; `src` is copied to `dest`. */
  readonly plan: Directory | ((root: string) => Directory)
  /** More of it, that a plan can't say. */
  readonly prepare?: (root: string, t: TestContext) => Promise<void>
  readonly src?: (root: string) => string | URL
  readonly dest?: (root: string) => string | URL
  readonly options?: CopyTreeOptions | ((root: string) => CopyTreeOptions)
  /** The code with which it must fail. fs-extra has no codes: it must only fail. */
  readonly fails?: string
  /** Whom `copyTree` differs from here, and why. */
  readonly differs?: { readonly cp?: string; readonly fsExtra?: string }
  /** Looked at when it is done. Default the destination. */
  readonly result?: (root: string) => string
}

const tree: Directory = {
  'a.txt': 'alpha',
  empty: '',
  'empty directory': {},
  sub: { 'b.txt': 'beta', deeper: { 'c.txt': 'gamma', still: { deeper: { 'd.txt': 'delta' } } } },
}

const relativeLinks = 'fs-extra keeps the text of relative links; fs.cp makes them absolute'
const sameTarget = 'refused by Node 20, allowed by later versions and fs-extra: a tree must be copyable twice'

const cases: Case[] = [
  { name: 'a file gets a new name', plan: { src: 'content' } },
  { name: 'an empty file is copied', plan: { src: '' } },
  { name: 'a tree is copied', plan: { src: tree } },
  { name: 'a directory without entries is copied', plan: { src: {} } },
  {
    name: 'missing directories above the destination are made',
    plan: { src: tree },
    dest: (r) => join(r, 'x/y/z/dest'),
  },
  {
    name: 'permissions are carried over',
    plan: { src: tree },
    prepare: async (root) => {
      await allow(join(root, 'src/a.txt'), 0o640)
      await allow(join(root, 'src/empty'), 0o555)
      await allow(join(root, 'src/sub'), 0o750)
      await allow(join(root, 'src/sub/deeper'), 0o500)
    },
  },
  { name: 'a file in the way is replaced', plan: { src: 'new', dest: 'old and longer' } },
  { name: 'overwrite: true replaces too', plan: { src: 'new', dest: 'old' }, options: { overwrite: true } },
  {
    name: 'force: false leaves what exists',
    plan: { src: 'new', dest: 'old' },
    options: { force: false, overwrite: false },
  },
  {
    name: 'force: false copies what is missing',
    plan: { src: tree, dest: { 'a.txt': 'mine', sub: { 'b.txt': 'mine' } } },
    options: { force: false, overwrite: false },
  },
  {
    name: 'errorOnExist with force: false refuses a file in the way',
    plan: { src: 'new', dest: 'old' },
    options: { force: false, overwrite: false, errorOnExist: true },
    fails: 'ERR_FS_CP_EEXIST',
  },
  {
    name: 'errorOnExist refuses a file in the way inside a tree',
    plan: { src: { f: 'new' }, dest: { f: 'old' } },
    options: { force: false, overwrite: false, errorOnExist: true },
    fails: 'ERR_FS_CP_EEXIST',
  },
  {
    name: 'errorOnExist without force: false replaces',
    plan: { src: 'new', dest: 'old' },
    options: { errorOnExist: true },
  },
  {
    name: 'errorOnExist does not mind directories',
    plan: { src: tree, dest: { other: 'kept' } },
    options: { force: false, overwrite: false, errorOnExist: true },
  },
  {
    name: 'a tree is merged into what is there',
    plan: { src: tree, dest: { 'a.txt': 'older', other: 'kept', sub: { more: 'kept' } } },
    prepare: (root) => allow(join(root, 'dest/sub'), 0o711),
  },
  { name: 'a directory does not replace a file', plan: { src: tree, dest: 'file' }, fails: 'ERR_FS_CP_DIR_TO_NON_DIR' },
  { name: 'a file does not replace a directory', plan: { src: 'file', dest: {} }, fails: 'ERR_FS_CP_NON_DIR_TO_DIR' },
  {
    name: 'a directory inside does not replace a file',
    plan: { src: { x: { y: 'z' } }, dest: { x: 'file' } },
    fails: 'ERR_FS_CP_DIR_TO_NON_DIR',
  },
  {
    name: 'a file inside does not replace a directory',
    plan: { src: { x: 'file' }, dest: { x: {} } },
    fails: 'ERR_FS_CP_NON_DIR_TO_DIR',
  },
  {
    name: 'a directory does not replace a link to a directory',
    plan: { src: tree, real: {}, dest: { link: 'real' } },
    fails: 'ERR_FS_CP_DIR_TO_NON_DIR',
  },
  {
    name: 'a file replaces a link, not what it points to',
    plan: { src: 'new', real: 'old', dest: { link: 'real' } },
    result: (root) => root,
  },
  { name: 'a missing source is ENOENT', plan: {}, fails: 'ENOENT' },
  {
    name: 'a directory is not copied onto itself',
    plan: { src: tree },
    dest: (r) => join(r, 'src'),
    fails: 'ERR_FS_CP_EINVAL',
  },
  {
    name: 'a file is not copied onto itself',
    plan: { src: 'f' },
    dest: (r) => join(r, 'src'),
    fails: 'ERR_FS_CP_EINVAL',
  },
  {
    name: 'a file is not copied onto a hard link of itself',
    plan: { src: 'f' },
    prepare: (root) => link(join(root, 'src'), join(root, 'dest')),
    fails: 'ERR_FS_CP_EINVAL',
  },
  {
    name: 'a directory is not copied into itself',
    plan: { src: tree },
    dest: (r) => join(r, 'src/sub/dest'),
    fails: 'ERR_FS_CP_EINVAL',
  },
  {
    name: 'a directory is not copied into itself through a link',
    plan: { src: tree, way: { link: 'src' } },
    dest: (r) => join(r, 'way/sub/dest'),
    fails: 'ERR_FS_CP_EINVAL',
  },
  {
    name: 'a directory whose name only begins alike is no part of the source',
    plan: { src: tree },
    dest: (r) => join(r, 'src-2'),
    result: (r) => join(r, 'src-2'),
  },
  {
    name: 'a directory is copied to the one above it',
    plan: { all: { src: tree } },
    src: (r) => join(r, 'all/src'),
    dest: (r) => join(r, 'all'),
    result: (r) => join(r, 'all'),
  },
  {
    name: 'recursive: false refuses a directory',
    plan: { src: tree },
    options: { recursive: false },
    fails: 'ERR_FS_EISDIR',
    differs: { fsExtra: 'it has no such option' },
  },
  { name: 'recursive: false copies a file', plan: { src: 'f' }, options: { recursive: false } },
  {
    name: 'a source may be a file: URL',
    plan: { src: tree },
    src: (r) => pathToFileURL(join(r, 'src')),
    dest: (r) => pathToFileURL(join(r, 'dest')),
    differs: { fsExtra: 'it takes text only' },
  },
  {
    name: 'slashes at the end change nothing',
    plan: { src: tree },
    src: (r) => `${r}/src/`,
    dest: (r) => `${r}/dest/`,
  },
  {
    name: 'a link to a directory with a slash is that directory',
    plan: { real: tree, src: { link: 'real' } },
    src: (r) => `${r}/src/`,
  },

  { name: 'a link is copied as a link', plan: (root) => ({ real: 'f', src: { link: join(root, 'real') } }) },
  {
    name: 'a link to a directory is copied as a link',
    plan: (root) => ({ real: tree, src: { link: join(root, 'real') } }),
  },
  {
    name: 'a relative link becomes absolute',
    plan: { src: { f: 'x', sub: { up: { link: '../f' } }, here: { link: './sub/../f' } } },
    differs: { fsExtra: relativeLinks },
  },
  { name: 'a dangling link is copied', plan: { src: { nowhere: { link: '/no/such/thing' } } } },
  {
    name: 'verbatimSymlinks keeps the text',
    plan: { src: { f: 'x', l: { link: 'f' }, up: { link: '../src/./f' } } },
    options: { verbatimSymlinks: true },
  },
  {
    name: 'dereference copies what links point to',
    plan: { real: 'f', dir: tree, src: { f: { link: '../real' }, d: { link: '../dir' } } },
    options: { dereference: true },
  },
  {
    name: 'dereference follows a root that is a link',
    plan: { real: tree, src: { link: 'real' } },
    options: { dereference: true },
  },
  {
    name: 'dereference follows a destination that is a link to a directory',
    plan: { src: tree, real: { kept: 'x' }, dest: { link: 'real' } },
    options: { dereference: true },
    result: (r) => r,
  },
  {
    name: 'dereference fails on a dangling link',
    plan: { src: { l: { link: 'gone' } } },
    options: { dereference: true },
    fails: 'ENOENT',
  },
  {
    name: 'dereference and verbatimSymlinks exclude each other',
    plan: { src: 'x' },
    options: { dereference: true, verbatimSymlinks: true },
    fails: 'ERR_INCOMPATIBLE_OPTION_PAIR',
    differs: { fsExtra: 'it has no verbatimSymlinks' },
  },
  {
    name: 'a link to a file elsewhere replaces a link',
    plan: (root) => ({
      one: 'x',
      two: 'y',
      src: { l: { link: join(root, 'one') } },
      dest: { l: { link: join(root, 'two') } },
    }),
  },
  {
    name: 'a link to a directory elsewhere replaces a link',
    plan: (root) => ({
      one: {},
      two: {},
      src: { l: { link: join(root, 'one') } },
      dest: { l: { link: join(root, 'two') } },
    }),
  },
  {
    name: 'a link with the same target is copied again',
    plan: (root) => ({ one: {}, src: { l: { link: join(root, 'one') } }, dest: { l: { link: join(root, 'one') } } }),
    differs: { cp: sameTarget },
  },
  {
    name: 'a link does not replace a file',
    plan: (root) => ({ one: 'x', src: { l: { link: join(root, 'one') } }, dest: { l: 'file' } }),
    fails: 'EEXIST',
  },
  {
    name: 'a link to a directory does not replace one to a directory inside it',
    plan: (root) => ({
      one: { two: {} },
      src: { l: { link: join(root, 'one') } },
      dest: { l: { link: join(root, 'one/two') } },
    }),
    fails: 'ERR_FS_CP_EINVAL',
  },
  {
    name: 'a link to a directory does not replace one to a directory above it',
    plan: (root) => ({
      one: { two: {} },
      src: { l: { link: join(root, 'one/two') } },
      dest: { l: { link: join(root, 'one') } },
    }),
    fails: 'ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY',
  },

  {
    name: 'a FIFO is refused',
    plan: {},
    prepare: async (root) => void fifo(join(root, 'src')),
    fails: 'ERR_FS_CP_FIFO_PIPE',
  },
  {
    name: 'a FIFO inside a tree is refused',
    plan: { src: {} },
    prepare: async (root) => void fifo(join(root, 'src/fifo')),
    fails: 'ERR_FS_CP_FIFO_PIPE',
  },
  {
    name: 'a socket inside a tree is refused',
    plan: { src: {} },
    prepare: (root, t) => socket(join(root, 'src/socket'), t),
    fails: 'ERR_FS_CP_SOCKET',
  },

  { name: 'a filter leaves out files', plan: { src: tree }, options: { filter: (src) => !src.endsWith('b.txt') } },
  {
    name: 'a filter keeps out of directories',
    plan: { src: tree },
    options: { filter: (src) => !src.endsWith('/deeper') },
  },
  {
    name: 'a filter may be asynchronous',
    plan: { src: tree },
    options: { filter: async (_src, dest) => !dest.includes('/dest/sub/') },
  },
  {
    name: 'a filter that refuses the root leaves nothing',
    plan: { src: tree },
    options: { filter: () => false },
    result: (r) => r,
  },
  {
    name: "a filter's exception is the copy's",
    plan: { src: tree },
    options: {
      filter: () => {
        throw Object.assign(new Error('no'), { code: 'E_MINE' })
      },
    },
    fails: 'E_MINE',
  },
  {
    name: "an asynchronous filter's rejection is the copy's",
    plan: { src: tree },
    options: {
      filter: async (src) => {
        if (src.endsWith('c.txt')) throw Object.assign(new Error('no'), { code: 'E_MINE' })
        return true
      },
    },
    fails: 'E_MINE',
  },

  {
    name: 'COPYFILE_EXCL changes nothing',
    plan: { src: 'new', dest: 'old' },
    options: { mode: constants.COPYFILE_EXCL },
  },
  {
    name: 'COPYFILE_FICLONE copies where nothing can be cloned',
    plan: { src: 'new' },
    options: { mode: constants.COPYFILE_FICLONE },
  },
]

const copiers = {
  cp: (src: string | URL, dest: string | URL, options: CopyTreeOptions) => {
    const { overwrite, ...known } = options
    void overwrite
    return cp(src, dest, { recursive: true, ...known } as Parameters<typeof cp>[2])
  },
  fsExtra: (src: string | URL, dest: string | URL, options: CopyTreeOptions) =>
    fsExtra.copy(src as string, dest as string, { ...options } as fsExtra.CopyOptions),
  copyTree: (src: string | URL, dest: string | URL, options: CopyTreeOptions) => copyTree(src, dest, options),
} as const

async function outcome(t: TestContext, who: keyof typeof copiers, c: Case): Promise<{ code?: string; tree?: object }> {
  const root = await scratch(t)
  await plant(root, typeof c.plan === 'function' ? c.plan(root) : c.plan)
  await c.prepare?.(root, t)
  const options = typeof c.options === 'function' ? c.options(root) : (c.options ?? {})
  const src = c.src?.(root) ?? join(root, 'src')
  const dest = c.dest?.(root) ?? join(root, 'dest')
  try {
    await copiers[who](src, dest, options)
  } catch (error) {
    return { code: (error as NodeJS.ErrnoException).code ?? 'without a code' }
  }
  const result = c.result?.(root) ?? (dest instanceof URL ? join(root, 'dest') : dest)
  const seen = await look(result)
  return {
    tree: Object.fromEntries(Object.entries(seen).map(([name, what]) => [name, what.replaceAll(root, '<root>')])),
  }
}

describe('copyTree does what fs.cp and fs-extra copy do', () => {
  for (const c of cases) {
    test(c.name, async (t) => {
      const ours = await outcome(t, 'copyTree', c)
      if (c.fails !== undefined) assert.deepEqual(ours, { code: c.fails })
      else assert.ok(ours.tree, `copyTree failed with ${ours.code}`)
      if (c.differs?.cp === undefined) assert.deepEqual(ours, await outcome(t, 'cp', c), 'as fs.cp')
      if (c.differs?.fsExtra !== undefined) return
      const theirs = await outcome(t, 'fsExtra', c)
      if (c.fails === undefined) assert.deepEqual(ours, theirs, 'as fs-extra')
      else assert.ok(theirs.code, 'fs-extra fails too')
    })
  }

  test('a filter is called with the same pairs of paths, relative where the roots are', async (t) => {
    const calls: Record<string, string[]> = {}
    const back = process.cwd()
    t.after(() => process.chdir(back))
    for (const who of ['cp', 'fsExtra', 'copyTree'] as const) {
      const root = await scratch(t)
      await plant(root, { src: tree })
      process.chdir(root)
      const seen: string[] = []
      const filter = (src: string, dest: string): boolean => {
        seen.push(`${src} -> ${dest}`)
        return !src.endsWith('deeper')
      }
      await copiers[who]('./src', 'x/../dest/', { filter })
      calls[who] = seen.sort()
    }
    assert.deepEqual(calls['copyTree'], calls['cp'])
    assert.deepEqual(calls['copyTree'], calls['fsExtra'])
  })

  test('a filter may stand in the place of the options, as for fs-extra', async (t) => {
    const root = await scratch(t)
    await plant(root, { src: { yes: '1', no: '2' } })
    await copyTree(join(root, 'src'), join(root, 'dest'), (src) => !src.endsWith('no'))
    assert.deepEqual(Object.keys(await look(join(root, 'dest'))), ['.', 'yes'])
  })

  test('preserveTimestamps keeps times', async (t) => {
    const root = await scratch(t)
    await plant(root, { src: { f: 'x' } })
    await utimes(join(root, 'src/f'), 1_600_000_000.123, 1_500_000_000.456)
    for (const who of ['cp', 'fsExtra', 'copyTree'] as const) {
      await copiers[who](join(root, 'src'), join(root, who), { preserveTimestamps: true })
      const { mtimeMs } = await stat(join(root, who, 'f'))
      assert.equal(Math.floor(mtimeMs), 1_500_000_000_456, who)
    }
  })

  test('COPYFILE_FICLONE_FORCE fails where fs.cp fails and clones where it clones', async (t) => {
    const codes: Record<string, unknown> = {}
    for (const who of ['cp', 'copyTree'] as const) {
      const root = await scratch(t)
      await plant(root, { src: 'content' })
      codes[who] = await copiers[who](join(root, 'src'), join(root, 'dest'), {
        mode: constants.COPYFILE_FICLONE_FORCE,
      }).then(
        () => readFile(join(root, 'dest'), 'utf8'),
        () => 'refused',
      )
    }
    assert.equal(codes['copyTree'], codes['cp'])
  })
})

function fifo(path: string): void {
  const { status } = spawnSync('mkfifo', [path])
  assert.equal(status, 0)
}

async function socket(path: string, t: TestContext): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(path, resolve))
  t.after(() => new Promise((resolve) => server.close(resolve)))
  await mkdir(`${path}-beside`)
}
