import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmod, chown, lchown, link, lstat, lutimes, open, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type CopyTreeOptions, copyTree } from '#lib/copy-tree/index.js'
import { look, plant, scratch } from './support/tree.js'

const isRoot = process.geteuid?.() === 0
const asRoot = { skip: isRoot ? false : 'needs root' }
const exact = { bigint: true } as const

/** Copies `src` to `dest` of a fresh directory after `prepare`, and gives both paths. */
async function copied(
  t: TestContext,
  prepare: (src: string) => Promise<unknown>,
  options: CopyTreeOptions = {},
): Promise<{ src: string; dest: string }> {
  const root = await scratch(t)
  const [src, dest] = [join(root, 'src'), join(root, 'dest')]
  await prepare(src)
  await copyTree(src, dest, options)
  return { src, dest }
}

/** touch(1) sets nanoseconds, which node:fs can't. */
function touch(path: string, flag: '-a' | '-m', time: string): void {
  assert.equal(spawnSync('touch', ['-h', flag, '-d', time, path]).status, 0)
}

test('times of files, directories and links are kept to the nanosecond', async (t) => {
  const names = ['', '/f', '/d', '/d/inner', '/l'] as const
  const { src, dest } = await copied(t, async (path) => {
    await plant(path, { f: 'x', d: { inner: 'y' }, l: { link: 'f' } })
    for (const name of [...names].reverse()) {
      touch(`${path}${name}`, '-m', '2021-03-04 05:06:07.123456789')
      touch(`${path}${name}`, '-a', '2022-04-05 06:07:08.987654321')
    }
  })
  for (const name of names) {
    const [was, is] = [await lstat(`${src}${name}`, exact), await lstat(`${dest}${name}`, exact)]
    assert.equal(is.mtimeNs, was.mtimeNs, `mtime of src${name}`)
    assert.equal(is.mtimeNs % 1_000_000_000n, 123_456_789n)
    assert.equal(is.atimeNs % 1_000_000_000n, 987_654_321n, `atime of src${name}`)
  }
})

test('every directory of a large tree has its own time at the end', async (t) => {
  const files = Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`f${i}`, '']))
  const names = Array.from({ length: 100 }, (_, i) => `d${i}`)
  const prepare = async (path: string): Promise<void> => {
    await plant(path, Object.fromEntries(names.map((name) => [name, { ...files, inner: files }])))
    for (const [i, name] of names.entries()) {
      await utimes(join(path, name, 'inner'), 1000, 3000 + i)
      await utimes(join(path, name), 1000, 2000 + i)
    }
  }
  const { src, dest } = await copied(t, prepare, { durability: 'none' })
  for (const name of ['.', ...names, ...names.map((outer) => `${outer}/inner`)]) {
    assert.equal((await stat(join(dest, name))).mtimeMs, (await stat(join(src, name))).mtimeMs, name)
  }
})

for (const options of [{ preserveTimestamps: false }, { preserve: { times: 'off' } }] as const) {
  test(`times are those of the copying with ${JSON.stringify(options)}`, async (t) => {
    const { dest } = await copied(
      t,
      async (src) => {
        await writeFile(src, 'x')
        await utimes(src, 1000, 2000)
      },
      options,
    )
    assert.ok((await stat(dest)).mtimeMs > Date.UTC(2020))
  })
}

for (const mode of [0o600, 0o644, 0o400, 0o755, 0o777, 0o000]) {
  test(`mode ${mode.toString(8)} is kept, whatever the umask`, async (t) => {
    const umask = process.umask(0o077)
    t.after(() => process.umask(umask))
    if (!isRoot && (mode & 0o400) === 0) return t.skip('unreadable without root')
    const { dest } = await copied(t, async (src) => {
      await writeFile(src, 'x')
      await chmod(src, mode)
    })
    assert.equal((await stat(dest)).mode & 0o7777, mode)
  })
}

test('setuid and setgid are dropped, the sticky bit of directories is kept', async (t) => {
  const { dest } = await copied(t, async (src) => {
    await plant(src, { f: 'x', d: {} })
    await chmod(join(src, 'f'), 0o6755)
    await chmod(join(src, 'd'), 0o7775)
  })
  assert.equal((await stat(join(dest, 'f'))).mode & 0o7777, 0o755)
  assert.equal((await stat(join(dest, 'd'))).mode & 0o7777, 0o1775)
})

test('root keeps owner and group of files, directories and links', asRoot, async (t) => {
  const { dest } = await copied(t, async (src) => {
    await plant(src, { f: 'x', d: {}, l: { link: 'f' } })
    for (const [i, name] of ['', '/f', '/d', '/l'].entries()) await lchown(`${src}${name}`, 4001 + i, 5001 + i)
  })
  for (const [i, name] of ['', '/f', '/d', '/l'].entries()) {
    const { uid, gid } = await lstat(`${dest}${name}`)
    assert.deepEqual([uid, gid], [4001 + i, 5001 + i], `owner of dest${name}`)
  }
})

test('owner and group are switched off one by one', asRoot, async (t) => {
  const prepare = async (src: string): Promise<void> => {
    await writeFile(src, 'x')
    await chown(src, 4001, 5001)
  }
  const noOwner = await copied(t, prepare, { preserve: { uid: 'off' } })
  const noGroup = await copied(t, prepare, { preserve: { gid: 'off' } })
  const [one, other] = [await stat(noOwner.dest), await stat(noGroup.dest)]
  assert.deepEqual([one.uid, one.gid], [0, 5001])
  assert.deepEqual([other.uid, other.gid], [4001, 0])
})

test('a file system without owners fails the file with keep and not with try', asRoot, async (t) => {
  const root = await scratch(t)
  await writeFile(join(root, 'src'), 'x')
  await chown(join(root, 'src'), 4001, 5001)
  for (const [owner, expected] of [
    ['keep', 'EPERM'],
    ['try', undefined],
  ] as const) {
    const { openEngine } = await import('#lib/engine/index.js')
    const engine = openEngine({ faults: [{ call: 'fchown', effect: 'EPERM', times: -1 }] })
    t.after(() => engine.close())
    const { failures } = await copyTree(join(root, 'src'), join(root, 'dest'), {
      engine,
      preserve: { uid: owner, gid: owner },
      onError: 'continue',
    })
    assert.equal(failures[0]?.code, expected)
  }
})

/** Runs a script as an ordinary user; it prints JSON. */
function asUser(script: string, ...args: string[]): unknown {
  const library = new URL('../../dist/copy-tree/index.js', import.meta.url).href
  const code = `import { copyTree } from '${library}'; const args = process.argv.slice(1); console.log(JSON.stringify(await (${script})(...args)))`
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', code, ...args], {
    uid: 65534,
    gid: 65534,
    encoding: 'utf8',
  })
  assert.equal(status, 0, stderr)
  return JSON.parse(stdout)
}

test('an ordinary user who copies what belongs to others becomes the owner, as with fs.cp', asRoot, async (t) => {
  const root = await scratch(t)
  await chmod(root, 0o777)
  await plant(join(root, 'src'), { f: 'x', l: { link: 'f' } })
  const script = '(src, dest) => copyTree(src, dest)'
  const report = asUser(script, join(root, 'src'), join(root, 'dest'))
  assert.deepEqual((report as { failures: unknown[] }).failures, [])
  for (const name of ['.', 'f', 'l']) {
    const { uid, gid } = await lstat(join(root, 'dest', name))
    assert.deepEqual([uid, gid], [65534, 65534])
  }
})

test('an ordinary user who asks to keep owners gets an error that names file, call and code', asRoot, async (t) => {
  const root = await scratch(t)
  await chmod(root, 0o777)
  await writeFile(join(root, 'src'), 'x')
  const script = `(src, dest) => copyTree(src, dest, { preserve: { uid: 'keep' } }).catch((e) => ({ ...e, name: e.name }))`
  const error = asUser(script, join(root, 'src'), join(root, 'dest')) as Record<string, unknown>
  assert.equal(error['name'], 'SustenError')
  assert.equal(error['code'], 'EPERM')
  assert.equal(error['errno'], -1)
  assert.equal(error['syscall'], 'fchown')
  assert.equal(error['path'], join(root, 'dest'))
  await assert.rejects(lstat(join(root, 'dest')), { code: 'ENOENT' })
})

test('an ordinary user needs no right to list the directories that hold the two roots', asRoot, async (t) => {
  const root = await scratch(t)
  await plant(root, { home: { src: { f: 'x' } }, mine: {} })
  await chmod(root, 0o711)
  await chmod(join(root, 'home'), 0o711)
  await chown(join(root, 'mine'), 65534, 65534)
  const script = '(src, dest) => copyTree(src, dest)'
  asUser(script, join(root, 'home/src'), join(root, 'mine/dest'))
  assert.deepEqual(Object.keys(await look(join(root, 'mine/dest'))), ['.', 'f'])
})

test('sparse files stay sparse, and their digests count the holes', async (t) => {
  for (const [name, verify] of [
    ['inline', 'inline'],
    ['none', 'none'],
  ] as const) {
    const { src, dest } = await copied(
      t,
      async (path) => {
        const file = await open(path, 'w')
        await file.write('begin', 0)
        await file.write('middle', 33_000_000)
        await file.truncate(64_000_000)
        await file.close()
      },
      { verify },
    )
    const [was, is] = [await stat(src), await stat(dest)]
    assert.equal(is.size, 64_000_000)
    assert.ok(is.blocks <= was.blocks + 16, `${name}: ${is.blocks} blocks, the source has ${was.blocks}`)
    assert.equal(spawnSync('cmp', [src, dest]).status, 0)
  }
})

test('a file that is one hole is copied as one', async (t) => {
  const { dest } = await copied(t, async (src) => {
    await writeFile(src, '')
    await truncate(src, 1 << 30)
  })
  const { size, blocks } = await stat(dest)
  assert.equal(size, 1 << 30)
  assert.ok(blocks < 64)
})

test('hard links become files of their own', async (t) => {
  const { dest } = await copied(t, async (src) => {
    await plant(src, { one: 'x' })
    await link(join(src, 'one'), join(src, 'two'))
  })
  const [one, two] = [await stat(join(dest, 'one')), await stat(join(dest, 'two'))]
  assert.notEqual(one.ino, two.ino)
  assert.equal(one.nlink, 1)
})

test('reading the source does not change its time of last access', asRoot, async (t) => {
  const { src } = await copied(t, async (path) => {
    await writeFile(path, 'x')
    await utimes(path, 1000, 2000)
  })
  assert.equal((await stat(src)).atimeMs, 1_000_000)
})

test('a directory that was there keeps its mode', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: { d: {} }, dest: { d: {} } })
  await chmod(join(root, 'src/d'), 0o700)
  await chmod(join(root, 'dest/d'), 0o751)
  await copyTree(join(root, 'src'), join(root, 'dest'))
  assert.equal((await stat(join(root, 'dest/d'))).mode & 0o7777, 0o751)
})

test('extended attributes are carried when asked for', async (t) => {
  const root = await scratch(t)
  await writeFile(join(root, 'src'), 'x')
  const set = spawnSync('setfattr', ['-n', 'user.beamline', '-v', 'P11', join(root, 'src')])
  if (set.error !== undefined) return t.skip('setfattr is not installed')
  if (set.status !== 0) return t.skip(`${root} has no user attributes`)
  await copyTree(join(root, 'src'), join(root, 'with'), { preserve: { xattrs: 'keep' } })
  await copyTree(join(root, 'src'), join(root, 'without'))
  const get = (name: string): string =>
    spawnSync('getfattr', ['--only-values', '-n', 'user.beamline', join(root, name)], { encoding: 'utf8' }).stdout
  assert.equal(get('with'), 'P11')
  assert.equal(get('without'), '')
})

test('the target of a link keeps its times when the link is copied', async (t) => {
  const root = await scratch(t)
  await plant(root, { real: 'x', src: { l: { link: '../real' } } })
  await utimes(join(root, 'real'), 1000, 2000)
  await lutimes(join(root, 'src/l'), 3000, 4000)
  await copyTree(join(root, 'src'), join(root, 'dest'))
  assert.equal((await stat(join(root, 'real'))).mtimeMs, 2_000_000)
  assert.equal((await lstat(join(root, 'dest/l'))).mtimeMs, 4_000_000)
})
