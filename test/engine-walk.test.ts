import assert from 'node:assert/strict'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { bytesOfText } from '#lib/bytes.js'
import { type Engine, openEngine, type WalkEntries } from '#lib/engine/index.js'
import { copyJob, numbered } from './support/jobs.js'
import { plant, scratch } from './support/tree.js'

const whole = bytesOfText('')

function engineFor(t: TestContext, threads = 2): Engine {
  const engine = openEngine({ threads })
  t.after(() => engine.close('cancel'))
  return engine
}

async function collect(batches: AsyncIterable<WalkEntries>): Promise<string[]> {
  const names: string[] = []
  for await (const batch of batches) {
    assert.equal(batch.fingerprints.length, batch.names.length)
    names.push(...batch.names)
  }
  return names.sort()
}

test('a walk lists regular files, and nothing else', async (t) => {
  const root = await scratch(t)
  await plant(root, { a: 'x', d: { b: 'y', e: { c: 'z' }, empty: {} }, l: { link: 'a' }, ld: { link: 'd' } })
  const names = await collect(engineFor(t).walk({ root: bytesOfText(root), below: whole }))
  assert.deepEqual(names, ['a', 'd/b', 'd/e/c'])
})

test('a walk may start at a directory below the root', async (t) => {
  const root = await scratch(t)
  await plant(root, { a: 'x', d: { b: 'y', e: { c: 'z' } } })
  const names = await collect(engineFor(t).walk({ root: bytesOfText(root), below: bytesOfText('d') }))
  assert.deepEqual(names, ['d/b', 'd/e/c'])
})

test('fingerprints are those of stat', async (t) => {
  const root = await scratch(t)
  await plant(root, { a: 'content' })
  for await (const { fingerprints } of engineFor(t).walk({ root: bytesOfText(root), below: whole })) {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(join(root, 'a'), { bigint: true })
    assert.deepEqual(fingerprints, [{ dev, ino, size: Number(size), mtimeNs, ctimeNs }])
  }
})

test('a walk of many files reads ahead only a little, and misses none', async (t) => {
  const root = await scratch(t)
  await plant(root, numbered(3000))
  const engine = engineFor(t, 1)
  const names = new Set<string>()
  for await (const batch of engine.walk({ root: bytesOfText(root), below: whole })) {
    // While this loop is busy the only thread is free for others.
    await engine.volume(bytesOfText(root))
    for (const name of batch.names) names.add(name)
  }
  assert.equal(names.size, 3000)
})

test('leaving the loop ends the walk, and the engine goes on', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: numbered(3000), dest: {} })
  const engine = engineFor(t, 1)
  for await (const { names } of engine.walk({ root: bytesOfText(root), below: whole })) {
    assert.ok(names.length > 0)
    break
  }
  assert.equal((await engine.copyFiles(copyJob(join(root, 'src'), join(root, 'dest'), 5))).length, 5)
  await engine.close()
})

test('a missing root rejects with its path', async (t) => {
  const root = await scratch(t)
  const walking = collect(engineFor(t).walk({ root: bytesOfText(join(root, 'missing')), below: whole }))
  await assert.rejects(walking, { name: 'SustenError', code: 'ENOENT', path: join(root, 'missing') })
})

test('an exception in the loop ends the walk and is thrown on', async (t) => {
  const root = await scratch(t)
  await plant(root, numbered(1000))
  const engine = engineFor(t)
  const mine = new Error('mine')
  const walking = (async () => {
    for await (const batch of engine.walk({ root: bytesOfText(root), below: whole })) {
      if (batch.names.length > 0) throw mine
    }
  })()
  assert.equal(await walking.catch((error: unknown) => error), mine)
  await engine.close()
})

test('a directory that cannot be read is told, and the rest is listed', async (t) => {
  const root = await scratch(t)
  await plant(root, { a: 'x', closed: { b: 'y' } })
  // The second: the first is the root.
  const engine = openEngine({ threads: 1, faults: [{ call: 'openat', effect: 'EACCES', at: 2 }] })
  t.after(() => engine.close('cancel'))
  const unreadable: [string, string][] = []
  const names: string[] = []
  for await (const batch of engine.walk({ root: bytesOfText(root), below: whole })) {
    names.push(...batch.names)
    unreadable.push(...batch.unreadable.map(({ code, path }) => [code, path] as [string, string]))
  }
  assert.deepEqual([names, unreadable], [['a'], [['EACCES', join(root, 'closed')]]])
})
