import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { bytesOfText } from '#lib/bytes.js'
import { type Engine, type EngineOptions, openEngine } from '#lib/engine/index.js'
import type { NativeFileResult } from '#lib/native.js'
import { copyJob, numbered } from './support/jobs.js'
import { plant, scratch } from './support/tree.js'

function engineFor(t: TestContext, options: EngineOptions = {}): Engine {
  const engine = openEngine({ threads: 2, ...options })
  t.after(() => engine.close('cancel'))
  return engine
}

/** Two roots, the first with files `f0`, `f1`, …. */
async function roots(t: TestContext, count: number): Promise<{ root: string; src: string; dest: string }> {
  const root = await scratch(t)
  await plant(root, { src: numbered(count), dest: {} })
  return { root, src: join(root, 'src'), dest: join(root, 'dest') }
}

test('results come in the order of the files, however they were copied', async (t) => {
  const { src, dest } = await roots(t, 300)
  const results = await engineFor(t).copyFiles(copyJob(src, dest, 300))
  assert.equal(results.length, 300)
  for (const [i, result] of results.entries()) {
    assert.equal(result.index, i)
    assert.equal(result.outcome, 'created')
    assert.equal(result.bytes, `${i}`.length)
    assert.equal(await readFile(join(dest, `f${i}`), 'utf8'), `${i}`)
  }
})

test('a result has the digest and the fingerprint of the source', async (t) => {
  const { src, dest } = await roots(t, 1)
  const [result] = await engineFor(t).copyFiles(copyJob(src, dest, 1))
  // What `printf 0 | xxhsum -H2` prints.
  assert.equal(result?.digest, 'ce8f15881282a4001982e3a7bb241055')
  assert.equal(result?.fingerprint?.size, 1)
  assert.equal(typeof result?.fingerprint?.mtimeNs, 'bigint')
})

test('a file that fails is a result with its error, and the others are copied', async (t) => {
  const { src, dest } = await roots(t, 3)
  const job = copyJob(src, dest, 3)
  const missing = { src: bytesOfText('missing'), dest: bytesOfText('missing'), existing: 'replace' } as const
  const results = await engineFor(t).copyFiles({ ...job, files: [...job.files, missing] })
  assert.deepEqual(
    results.map(({ outcome }) => outcome),
    ['created', 'created', 'created', 'failed'],
  )
  const error = results[3]?.error
  assert.deepEqual([error?.code, error?.errno, error?.path], ['ENOENT', 2, join(src, 'missing')])
})

test('a job whose root is missing rejects', async (t) => {
  const { src, root } = await roots(t, 1)
  await assert.rejects(engineFor(t).copyFiles(copyJob(src, join(root, 'missing'), 1)), {
    name: 'SustenError',
    code: 'ENOENT',
    path: join(root, 'missing'),
  })
})

test('a job without files is done', async (t) => {
  const { src, dest } = await roots(t, 0)
  assert.deepEqual(await engineFor(t).copyFiles(copyJob(src, dest, 0)), [])
})

test('onFile hears of each file once', async (t) => {
  const { src, dest } = await roots(t, 100)
  const heard: NativeFileResult[] = []
  const results = await engineFor(t).copyFiles(copyJob(src, dest, 100), { onFile: (result) => heard.push(result) })
  assert.deepEqual(
    heard.sort((a, b) => a.index - b.index),
    results,
  )
})

test('an exception in onFile is the rejection, unchanged, and the engine goes on', async (t) => {
  const { src, dest } = await roots(t, 100)
  const engine = engineFor(t)
  const mine = new TypeError('mine')
  let calls = 0
  const copying = engine.copyFiles(copyJob(src, dest, 100), {
    onFile: () => {
      calls++
      throw mine
    },
  })
  assert.equal(await copying.catch((error: unknown) => error), mine)
  assert.equal(calls, 1)
  assert.equal((await engine.copyFiles(copyJob(src, dest, 100))).length, 100)
})

test('a job larger than the queue is copied whole', async (t) => {
  const { src, dest } = await roots(t, 50)
  const heard = new Set<number>()
  const results = await engineFor(t, { queueLimit: 7 }).copyFiles(copyJob(src, dest, 50), {
    onFile: ({ index }) => heard.add(index),
  })
  assert.deepEqual(
    results.map(({ index }) => index),
    Array.from({ length: 50 }, (_, i) => i),
  )
  assert.equal(heard.size, 50)
  assert.equal((await readdir(dest)).length, 50)
})

test('jobs beyond the queue wait, and begin in the order of the calls', async (t) => {
  const { src, dest } = await roots(t, 4)
  const engine = engineFor(t, { threads: 1, queueLimit: 4 })
  const begun: number[] = []
  const jobs = Array.from({ length: 20 }, (_, i) =>
    engine.copyFiles(copyJob(src, dest, 1 + (i % 4)), { onFile: () => begun.includes(i) || begun.push(i) }),
  )
  await Promise.all(jobs)
  assert.deepEqual(
    begun,
    Array.from({ length: 20 }, (_, i) => i),
  )
})

test('several engines work at the same time', async (t) => {
  const { src, dest, root } = await roots(t, 50)
  await plant(root, { dest2: {}, dest3: {} })
  const targets = [dest, `${dest}2`, `${dest}3`]
  await Promise.all(targets.map((target) => engineFor(t).copyFiles(copyJob(src, target, 50))))
  for (const target of targets) assert.equal((await readdir(target)).length, 50)
})

test('closing with drain finishes what was begun, waiting jobs too', async (t) => {
  const { src, dest } = await roots(t, 10)
  const engine = engineFor(t, { queueLimit: 10 })
  const jobs = Array.from({ length: 5 }, () => engine.copyFiles(copyJob(src, dest, 10)))
  await engine.close()
  for (const results of await Promise.all(jobs)) assert.equal(results.length, 10)
})

test('closing with cancel rejects every job, waiting ones too', async (t) => {
  const { src, dest } = await roots(t, 100)
  const engine = engineFor(t, { queueLimit: 100, faults: [{ call: 'futimens', effect: 'delay', delay: 5, times: -1 }] })
  const jobs = Array.from({ length: 5 }, () => engine.copyFiles(copyJob(src, dest, 100)))
  const settled = Promise.allSettled(jobs)
  await engine.close('cancel')
  for (const outcome of await settled) {
    assert.equal(outcome.status, 'rejected')
    assert.equal(outcome.reason.code, 'ABORT_ERR')
  }
})

test('a drain can be turned into a cancel', async (t) => {
  const { src, dest } = await roots(t, 500)
  const engine = engineFor(t, { threads: 1, faults: [{ call: 'futimens', effect: 'delay', delay: 20, times: -1 }] })
  const job = engine.copyFiles(copyJob(src, dest, 500))
  const drained = engine.close('drain')
  const cancelled = engine.close('cancel')
  await assert.rejects(job, { code: 'ABORT_ERR' })
  await Promise.all([drained, cancelled])
})

test('a closed engine refuses every call, and may be closed again', async (t) => {
  const { src, dest } = await roots(t, 1)
  const engine = engineFor(t)
  await engine.close()
  await engine.close('cancel')
  const closed = { name: 'SustenError', code: 'ERR_SUSTEN_CLOSED' }
  await assert.rejects(engine.copyFiles(copyJob(src, dest, 1)), closed)
  await assert.rejects(engine.volume(bytesOfText(src)), closed)
  await assert.rejects(
    engine
      .walk({ root: bytesOfText(src), below: bytesOfText('') })
      [Symbol.asyncIterator]()
      .next(),
    closed,
  )
})

test('the threads are gone when close resolves', async (t) => {
  const before = (await readdir('/proc/self/task')).length
  const engine = engineFor(t, { threads: 6 })
  assert.equal((await readdir('/proc/self/task')).length, before + 6)
  assert.equal(engine.threads, 6)
  await engine.close()
  assert.equal((await readdir('/proc/self/task')).length, before)
})

for (const [what, options, code] of [
  ['no thread', { threads: 0 }, 'ERR_SUSTEN_OPTION'],
  ['too many threads', { threads: 257 }, 'ERR_SUSTEN_OPTION'],
  ['a negative nice value', { nice: -1 }, 'ERR_SUSTEN_OPTION'],
  ['no room', { queueLimit: 0 }, 'ERR_SUSTEN_OPTION'],
  ['an unknown option', { thread: 2 }, 'ERR_SUSTEN_OPTION'],
  ['a fault of an unknown call', { faults: [{ call: 'nonsense', effect: 'EIO' }] }, 'ERR_SUSTEN_OPTION'],
  ['a fault of an unknown kind', { faults: [{ call: 'read', effect: 'nonsense' }] }, 'ERR_SUSTEN_OPTION'],
] as const) {
  test(`an engine with ${what} is refused`, () => {
    assert.throws(() => openEngine(options as EngineOptions), { name: 'SustenError', code })
  })
}

/** Runs a script that has `openEngine` and a job `copy(engine)`; what it prints, and how it ends. */
function run(body: string, root: string): { stdout: string; status: number | null; signal: string | null } {
  const at = (name: string): string => new URL(`../../${name}`, import.meta.url).href
  const code = `
    import { openEngine } from '${at('dist/engine/index.js')}'
    import { copyJob } from '${at('build/test/support/jobs.js')}'
    const copy = (engine) => engine.copyFiles(copyJob('${root}/src', '${root}/dest', 100))
    ${body}`
  const { stdout, stderr, status, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    encoding: 'utf8',
    timeout: 30_000,
  })
  assert.equal(stderr, '')
  return { stdout, status, signal }
}

test('an idle engine does not keep the process alive', async (t) => {
  const { root } = await roots(t, 100)
  const body = `const engine = openEngine(); await copy(engine); console.log('copied')`
  assert.deepEqual(run(body, root), { stdout: 'copied\n', status: 0, signal: null })
})

test('a running job keeps the process alive', async (t) => {
  const { root } = await roots(t, 100)
  const body = `const engine = openEngine(); copy(engine).then((results) => console.log(results.length))`
  assert.deepEqual(run(body, root), { stdout: '100\n', status: 0, signal: null })
})

test('closing keeps the process alive until it is done', async (t) => {
  const { root } = await roots(t, 100)
  const body = `const engine = openEngine(); engine.close().then(() => console.log('closed'))`
  assert.deepEqual(run(body, root), { stdout: 'closed\n', status: 0, signal: null })
})

test('leaving the scope of an engine cancels its jobs', async (t) => {
  const { src, dest } = await roots(t, 200)
  const engine = engineFor(t, { faults: [{ call: 'futimens', effect: 'delay', delay: 5, times: -1 }] })
  const job = engine.copyFiles(copyJob(src, dest, 200))
  await Promise.all([assert.rejects(job, { code: 'ABORT_ERR' }), engine[Symbol.asyncDispose]()])
})
