import assert from 'node:assert/strict'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { copyTree } from '#lib/copy-tree/index.js'
import { type Engine, openEngine } from '#lib/engine/index.js'
import { SustenError } from '#lib/errors.js'
import type { NativeFault } from '#lib/native.js'
import { leftovers, look, plant, scratch } from './support/tree.js'

/** An engine whose system calls fail as asked. */
function faulty(t: TestContext, ...faults: NativeFault[]): Engine {
  const engine = openEngine({ threads: 2, faults })
  t.after(() => engine.close())
  return engine
}

async function failure(copying: Promise<unknown>): Promise<SustenError> {
  const error = await copying.then(
    () => assert.fail('nothing failed'),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof SustenError, `${error}`)
  return error
}

test('one failure is told with code, errno, call and path, and with the report', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: { a: 'x', b: 'y' } })
  const engine = faulty(t, { call: 'pwrite', effect: 'ENOSPC' }, { call: 'write', effect: 'ENOSPC' })
  const error = await failure(copyTree(join(root, 'src'), join(root, 'dest'), { engine, durability: 'none' }))
  assert.equal(error.code, 'ENOSPC')
  assert.equal(error.errno, -28)
  assert.match(error.syscall, /write/)
  assert.match(error.path ?? '', /\/dest\/[ab]$/)
  assert.match(error.message, /^ENOSPC: no space left on device, p?write '.*\/dest\/[ab]'/)
  assert.ok(error.failures.every(({ code }) => code === 'ENOSPC'))
  assert.ok(error.failures.length >= 1)
  assert.equal(error.cause, error.failures[0])
  assert.equal(error.report?.failures, error.failures)
  assert.deepEqual(await leftovers(root), [])
})

test('failures of one kind give an error of that kind', async (t) => {
  const root = await scratch(t)
  const names = Array.from({ length: 40 }, (_, i) => [`f${i}`, 'x'] as const)
  await plant(root, { src: Object.fromEntries(names) })
  const engine = faulty(t, { call: 'futimens', effect: 'EIO', times: -1 })
  const { failures } = await copyTree(join(root, 'src'), join(root, 'dest'), { engine, onError: 'continue' })
  // Every file, and the directory itself.
  assert.equal(failures.length, 41)
  assert.deepEqual([...new Set(failures.map(({ code, syscall }) => `${code} ${syscall}`))], ['EIO futimens'])
  assert.equal(new Set(failures.map(({ path }) => path)).size, 41)
  const error = await failure(copyTree(join(root, 'src'), join(root, 'again'), { engine }))
  assert.equal(error.code, 'EIO')
})

test('every failure is told once, directories with their files among them', async (t) => {
  const root = await scratch(t)
  const files = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`f${i}`, '']))
  await plant(root, { src: Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`d${i}`, files])) })
  const engine = openEngine({ threads: 4, faults: [{ call: 'futimens', effect: 'EIO', times: -1 }] })
  t.after(() => engine.close())
  const options = { engine, onError: 'continue', durability: 'none' } as const
  const { failures } = await copyTree(join(root, 'src'), join(root, 'dest'), options)
  assert.equal(new Set(failures.map(({ path }) => path)).size, 200 * 20 + 201)
  assert.equal(failures.length, 200 * 20 + 201)
})

test('failures of several kinds give ERR_SUSTEN_FAILURES, which holds them all', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: { a: 'x' } })
  // First the file's, then the directory's.
  const engine = faulty(t, { call: 'futimens', effect: 'EIO' }, { call: 'futimens', effect: 'EROFS', at: 2 })
  const error = await failure(copyTree(join(root, 'src'), join(root, 'dest'), { engine }))
  assert.equal(error.code, 'ERR_SUSTEN_FAILURES')
  assert.deepEqual(
    error.failures.map(({ code, path }) => [code, path]),
    [
      ['EIO', join(root, 'dest/a')],
      ['EROFS', join(root, 'dest')],
    ],
  )
  assert.match(error.message, /2 failures, the first: EIO: /)
  assert.equal(error.report?.directories, 1)
})

test('with onError: throw no file is begun after the first failure', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`f${i}`, 'x'])) })
  const engine = openEngine({ threads: 1, faults: [{ call: 'futimens', effect: 'EIO', at: 10 }] })
  t.after(() => engine.close())
  const error = await failure(copyTree(join(root, 'src'), join(root, 'dest'), { engine }))
  assert.equal(error.failures.length, 1)
  assert.ok((error.report?.files ?? 500) < 20, `${error.report?.files} files were copied`)
  assert.equal((await readdir(join(root, 'dest'))).length, error.report?.files)
})

test('with onError: continue all that can be copied is', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: { a: 'x', b: 'y', c: { d: 'z' } }, dest: { a: {} } })
  const report = await copyTree(join(root, 'src'), join(root, 'dest'), { onError: 'continue' })
  assert.deepEqual([report.files, report.failures.length], [2, 1])
  assert.equal(report.failures[0]?.code, 'ERR_FS_CP_NON_DIR_TO_DIR')
  assert.equal(report.failures[0]?.path, join(root, 'dest/a'))
  assert.equal(await readFile(join(root, 'dest/c/d'), 'utf8'), 'z')
})

test('a failed file leaves what was under its name as it was', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: 'new', dest: 'old' })
  const engine = faulty(
    t,
    { call: 'renameat2', effect: 'EIO', times: -1 },
    { call: 'linkat', effect: 'EIO', times: -1 },
  )
  await assert.rejects(copyTree(join(root, 'src'), join(root, 'dest'), { engine }), { code: 'EIO' })
  assert.equal(await readFile(join(root, 'dest'), 'utf8'), 'old')
  assert.deepEqual(await leftovers(root), [])
})

test('a source that cannot be opened is named', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: { f: 'x' } })
  const engine = faulty(t, { call: 'openat', effect: 'EACCES', at: 3, times: -1 })
  const error = await failure(copyTree(join(root, 'src'), join(root, 'dest'), { engine }))
  assert.equal(error.code, 'EACCES')
  assert.equal(error.syscall, 'openat')
})

test('a job that fails as a whole rejects with its cause', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: 'x' })
  const engine = faulty(t, { call: 'open', effect: 'EMFILE' })
  await assert.rejects(copyTree(join(root, 'src'), join(root, 'dest'), { engine }), {
    name: 'SustenError',
    code: 'EMFILE',
    errno: -24,
    syscall: 'open',
  })
})

test('a signal that is aborted already copies nothing', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: { f: 'x' } })
  const reason = new Error('mine')
  const dest = join(root, 'not/even/parents')
  const error = await failure(copyTree(join(root, 'src'), dest, { signal: AbortSignal.abort(reason) }))
  assert.equal(error.code, 'ABORT_ERR')
  assert.equal(error.cause, reason)
  assert.deepEqual(await readdir(root), ['src'])
})

test('aborting from the filter of the root copies nothing', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: { f: 'x' } })
  const abort = new AbortController()
  const filter = (): boolean => {
    abort.abort()
    return true
  }
  const copying = copyTree(join(root, 'src'), join(root, 'a/dest'), { filter, signal: abort.signal })
  await assert.rejects(copying, { code: 'ABORT_ERR' })
  assert.deepEqual(await readdir(root), ['src'])
})

test('aborting in the middle of a file ends the copy without a partial file', async (t) => {
  const root = await scratch(t)
  await writeFile(join(root, 'src'), Buffer.alloc(64 << 20, 'x'))
  const abort = new AbortController()
  // Each buffer takes its time, so the copy is surely under way when it is cancelled.
  const slow = { effect: 'delay', delay: 2, times: -1 }
  const engine = faulty(t, { call: 'read', ...slow }, { call: 'pread', ...slow })
  const copying = copyTree(join(root, 'src'), join(root, 'dest'), { engine, signal: abort.signal, durability: 'none' })
  setTimeout(() => abort.abort(), 100)
  await assert.rejects(copying, { code: 'ABORT_ERR' })
  assert.deepEqual(Object.keys(await look(root)), ['.', 'src'])
})

test('aborting in the middle of a tree leaves whole files only', async (t) => {
  const root = await scratch(t)
  const content = 'x'.repeat(100_000)
  await plant(root, { src: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`f${i}`, content])) })
  const abort = new AbortController()
  const engine = faulty(t, { call: 'futimens', effect: 'delay', delay: 5, times: -1 })
  const copying = copyTree(join(root, 'src'), join(root, 'dest'), {
    engine,
    signal: abort.signal,
    onProgress: ({ files }) => {
      if (files > 0) abort.abort()
    },
  })
  await assert.rejects(copying, { code: 'ABORT_ERR' })
  const names = await readdir(join(root, 'dest'))
  assert.ok(names.length < 300)
  for (const name of names) assert.equal(await readFile(join(root, 'dest', name), 'utf8'), content)
})

test("an exception in onProgress is the copy's rejection, unchanged", async (t) => {
  const root = await scratch(t)
  await plant(root, { src: { f: 'x' } })
  const mine = new TypeError('mine')
  const copying = copyTree(join(root, 'src'), join(root, 'dest'), {
    onProgress: () => {
      throw mine
    },
  })
  assert.equal(await copying.catch((error: unknown) => error), mine)
})

test("a filter's exception is the copy's rejection, unchanged, and its engine goes on", async (t) => {
  const root = await scratch(t)
  await plant(root, { src: { f: 'x', d: { g: 'y' } } })
  const engine = openEngine({ threads: 2 })
  t.after(() => engine.close())
  const mine = new TypeError('mine')
  const copying = copyTree(join(root, 'src'), join(root, 'dest'), {
    engine,
    filter: async (src) => {
      if (src.endsWith('g')) throw mine
      return true
    },
  })
  assert.equal(await copying.catch((error: unknown) => error), mine)
  const { files } = await copyTree(join(root, 'src'), join(root, 'dest'), { engine })
  assert.equal(files, 2)
})

test('a closed engine refuses to copy', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: 'x' })
  const engine = openEngine()
  await engine.close()
  await assert.rejects(copyTree(join(root, 'src'), join(root, 'dest'), { engine }), { code: 'ERR_SUSTEN_CLOSED' })
})

test('a way to copy that a file system does not offer is said in plain words', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: 'x' })
  const engine = openEngine({ faults: [{ call: 'ficlone', effect: 'ENOTSUP', times: -1 }] })
  t.after(() => engine.close())
  await assert.rejects(copyTree(join(root, 'src'), join(root, 'dest'), { strategy: 'reflink', engine }), {
    code: 'ENOTSUP',
    message: /^ENOTSUP: operation not supported, ficlone /,
  })
})
