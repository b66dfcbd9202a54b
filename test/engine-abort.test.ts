import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { bytesOfText } from '#lib/bytes.js'
import { type Engine, type EngineOptions, openEngine } from '#lib/engine/index.js'
import { SustenError } from '#lib/errors.js'
import { copyJob, numbered } from './support/jobs.js'
import { leftovers, plant, scratch } from './support/tree.js'

const slow: EngineOptions = { faults: [{ call: 'futimens', effect: 'delay', delay: 5, times: -1 }] }

async function setUp(t: TestContext, options: EngineOptions): Promise<{ engine: Engine; src: string; dest: string }> {
  const root = await scratch(t)
  await plant(root, { src: numbered(200), dest: {} })
  const engine = openEngine({ threads: 2, ...options })
  t.after(() => engine.close('cancel'))
  return { engine, src: join(root, 'src'), dest: join(root, 'dest') }
}

test('an aborted signal rejects before anything is handed over', async (t) => {
  const { engine, src, dest } = await setUp(t, {})
  const copying = engine.copyFiles(copyJob(src, dest, 200), { signal: AbortSignal.abort('enough') })
  await assert.rejects(copying, (error) => {
    assert.ok(error instanceof SustenError)
    assert.equal(error.code, 'ABORT_ERR')
    assert.equal(error.name, 'AbortError')
    assert.equal(error.cause, 'enough')
    return true
  })
  assert.deepEqual(await readdir(dest), [])
})

test('aborting in the very turn of the call is not lost', async (t) => {
  const { engine, src, dest } = await setUp(t, slow)
  const abort = new AbortController()
  const copying = engine.copyFiles(copyJob(src, dest, 200), { signal: abort.signal })
  abort.abort()
  await assert.rejects(copying, { code: 'ABORT_ERR' })
  assert.ok((await readdir(dest)).length < 200)
})

test('aborting a running job leaves whole files and nothing temporary', async (t) => {
  const { engine, src, dest } = await setUp(t, slow)
  const abort = new AbortController()
  let copied = 0
  const copying = engine.copyFiles(copyJob(src, dest, 200), {
    signal: abort.signal,
    onFile: ({ outcome }) => {
      if (outcome === 'created') copied++
      abort.abort()
    },
  })
  await assert.rejects(copying, { code: 'ABORT_ERR' })
  // What was told to be copied is there, and nothing runs any more.
  assert.equal((await readdir(dest)).length, copied)
  assert.deepEqual(await leftovers(dest), [])
})

test('aborting a waiting job does not disturb those before and behind it', async (t) => {
  const { engine, src, dest } = await setUp(t, { ...slow, queueLimit: 20 })
  const abort = new AbortController()
  const first = engine.copyFiles(copyJob(src, dest, 20))
  const waiting = engine.copyFiles(copyJob(src, dest, 20), { signal: abort.signal })
  const last = engine.copyFiles(copyJob(src, dest, 20))
  abort.abort()
  await assert.rejects(waiting, { code: 'ABORT_ERR' })
  assert.deepEqual([(await first).length, (await last).length], [20, 20])
})

test('many jobs put one listener on their signal, and take it away', async (t) => {
  const { engine, src, dest } = await setUp(t, { queueLimit: 50 })
  const { signal } = new AbortController()
  const jobs = Array.from({ length: 20 }, () => engine.copyFiles(copyJob(src, dest, 20), { signal }))
  assert.equal(getEventListeners(signal, 'abort').length, 1)
  await Promise.all(jobs)
  assert.equal(getEventListeners(signal, 'abort').length, 0)
})

test('one signal cancels all of its jobs and no other', async (t) => {
  const { engine, src, dest } = await setUp(t, slow)
  const abort = new AbortController()
  const jobs = Array.from({ length: 4 }, () => engine.copyFiles(copyJob(src, dest, 100), { signal: abort.signal }))
  const other = engine.copyFiles(copyJob(src, dest, 50))
  abort.abort()
  for (const outcome of await Promise.allSettled(jobs)) assert.equal(outcome.status, 'rejected')
  assert.equal((await other).length, 50)
  assert.equal(getEventListeners(abort.signal, 'abort').length, 0)
})

test('aborting after the end changes nothing', async (t) => {
  const { engine, src, dest } = await setUp(t, {})
  const abort = new AbortController()
  const results = await engine.copyFiles(copyJob(src, dest, 10), { signal: abort.signal })
  abort.abort()
  assert.equal(results.length, 10)
  assert.equal((await engine.copyFiles(copyJob(src, dest, 10))).length, 10)
})

test('aborting a walk ends it with the reason', async (t) => {
  const { engine, src } = await setUp(t, {})
  const abort = new AbortController()
  const walking = (async () => {
    for await (const { names } of engine.walk({ root: bytesOfText(src), below: bytesOfText('') }, abort)) {
      assert.ok(names.length > 0)
      abort.abort('enough')
    }
  })()
  await assert.rejects(walking, { code: 'ABORT_ERR' })
})
