import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultLimits, movingFiles } from '#lib/core/index.js'
import { type Driver, ready } from './support/core-driver.js'
import { bytes } from './support/core-world.js'

/** Milliseconds until a file is ordered again. */
function waitFor(driver: Driver, name: string): number {
  for (let waited = 0; waited < 200_000; waited += 50) {
    if (driver.ordered().includes(name)) return waited
    driver.pass(50)
  }
  return Number.POSITIVE_INFINITY
}

test('a file that fails is tried again, each time after a longer wait, and given up at the bound', () => {
  const driver = ready({ retry: { attempts: 8, first: 1000, max: 60_000 } })
  driver.announce('a')
  driver.take('copy')
  const waits: number[] = []
  for (let attempt = 1; attempt < 8; attempt++) {
    driver.failed('a', 'EACCES')
    assert.deepEqual([driver.copy('a')?.state, driver.copy('a')?.attempts], ['pending', attempt])
    waits.push(waitFor(driver, 'a'))
  }
  driver.failed('a', 'EACCES')
  assert.deepEqual([driver.copy('a')?.state, driver.copy('a')?.failure?.code], ['failed', 'EACCES'])
  for (const [i, wait] of waits.entries()) {
    const full = Math.min(60_000, 1000 * 2 ** i)
    assert.ok(wait >= 0.75 * full && wait <= full + 50, `wait ${i + 1}: ${wait} of ${full} ms`)
  }
})

test('files that failed together are not tried again together', () => {
  const driver = ready()
  const names = Array.from({ length: 50 }, (_, i) => `f${i}`)
  driver.announce(...names)
  driver.take('copy')
  for (const name of names) driver.failed(name, 'EACCES')
  const times = new Set<number>()
  for (let waited = 0; waited < 1100; waited += 10) {
    if (driver.ordered().length > 0) times.add(waited)
    driver.pass(10)
  }
  assert.ok(times.size > 15, `at ${times.size} different times`)
})

test('a file that waits for its next attempt does not hold up others', () => {
  const driver = ready()
  driver.announce('bad')
  driver.failed('bad', 'EACCES')
  driver.take('copy')
  driver.announce('good')
  assert.deepEqual(driver.ordered(), ['good'])
})

test('a file that has failed is journaled with its attempts, so that they outlive a restart', () => {
  const driver = ready()
  driver.announce('a')
  driver.failed('a', 'EACCES')
  const copy = driver.records.get(bytes('a'))?.copies[0]
  assert.deepEqual([copy?.state, copy?.attempts, copy?.failure?.code], ['pending', 1, 'EACCES'])
})

test('an announcement makes a file that waits ready at once, with all attempts ahead of it', () => {
  const driver = ready()
  driver.announce('a')
  driver.failed('a', 'EACCES')
  driver.take('copy')
  driver.announce('a')
  assert.deepEqual(driver.ordered(), ['a'])
  assert.deepEqual([driver.copy('a')?.attempts, driver.copy('a')?.failure], [0, undefined])
})

test('a source that is gone is given up at once', () => {
  for (const code of ['ENOENT', 'ENOTDIR', 'ELOOP', 'ERR_SUSTEN_NOT_REGULAR']) {
    const driver = ready()
    driver.announce('a')
    driver.notices()
    driver.failed('a', code, 'source')
    assert.equal(driver.copy('a')?.state, 'failed', code)
    const told = driver.notices()
    assert.deepEqual(
      told.map(({ type }) => type),
      ['message', 'failed'],
    )
  }
})

test('the same code on the storage’s side is tried again', () => {
  const driver = ready()
  driver.announce('a')
  driver.failed('a', 'ENOENT', 'storage')
  assert.equal(driver.copy('a')?.state, 'pending')
})

test('a quota stops the files that it concerns, not the storage', () => {
  const driver = ready()
  driver.announce('over quota')
  driver.failed('over quota', 'EDQUOT')
  driver.take('copy')
  driver.announce('of another user')
  assert.deepEqual(driver.ordered(), ['of another user'])
  assert.equal(driver.copy('over quota')?.attempts, 1)
})

test('a file that keeps changing is never given up, and does not count as failed', () => {
  const driver = ready()
  driver.announce('log')
  for (let i = 0; i < 60; i++) {
    driver.failed('log', 'ERR_SUSTEN_CHANGED', 'source')
    driver.pass(5000)
  }
  assert.deepEqual([driver.copy('log')?.state, driver.copy('log')?.attempts], ['pending', 0])
  const told = driver.messages().filter(({ code }) => code === 'STILL_WRITTEN')
  assert.ok(told.length >= 1 && told.length < 10, `told ${told.length} times`)
  driver.copied('log')
  assert.equal(driver.copy('log')?.state, 'copied')
})

test('a file that changed is tried again within a second, later every five', () => {
  const driver = ready()
  driver.announce('a')
  driver.take('copy')
  driver.failed('a', 'ERR_SUSTEN_CHANGED', 'source')
  assert.ok(waitFor(driver, 'a') <= 250)
  for (let i = 0; i < 10; i++) {
    driver.failed('a', 'ERR_SUSTEN_CHANGED', 'source')
    assert.ok(waitFor(driver, 'a') <= 5050)
  }
})

test('what waits is not moving: draining does not wait for it', () => {
  const driver = ready()
  driver.announce('log', 'bad')
  assert.equal(movingFiles(driver.state), 2)
  driver.failed('log', 'ERR_SUSTEN_CHANGED', 'source')
  driver.failed('bad', 'EACCES')
  assert.equal(movingFiles(driver.state), 0)
})

test('files that wait are bounded: more go to the end of the queue instead, and nothing is lost', () => {
  const driver = ready({ limits: { ...defaultLimits, waiting: 3, flying: 8, batch: 8 } })
  const names = Array.from({ length: 8 }, (_, i) => `f${i}`)
  driver.announce(...names)
  for (const name of names) driver.failed(name, 'EACCES')
  assert.deepEqual([driver.storage().waiting, driver.storage().pending], [3, 8])
  const [load] = driver.take('load')
  assert.ok(load, 'the rest is in the journal')
  const records = [...driver.records.values()].filter(({ seq }) => seq > load.after)
  assert.equal(records.length, 5)
})

test('a retry makes failed copies pending, with a clean slate; others stay as they are', () => {
  const storages = [
    { id: 'disk', type: 'internal', target: bytes('/disk') },
    { id: 'gpfs', type: 'external', target: bytes('/gpfs') },
  ] as const
  const driver = ready({ storages })
  driver.announce('a')
  driver.copied('a')
  driver.failed('a', 'ENOENT', 'source', 'gpfs')
  driver.take('copy')
  driver.feed({ type: 'retry', path: bytes('a'), storage: 'disk' })
  assert.deepEqual(driver.take('copy'), [])
  driver.feed({ type: 'retry', path: bytes('a') })
  assert.deepEqual(
    driver.take('copy').map(({ storage }) => storage),
    ['gpfs'],
  )
  assert.deepEqual([driver.copy('a')?.state, driver.copy('a', 'gpfs')?.attempts], ['copied', 0])
})

test('a dismissed failure is forgotten; copies elsewhere stay known', () => {
  const storages = [
    { id: 'disk', type: 'internal', target: bytes('/disk') },
    { id: 'gpfs', type: 'external', target: bytes('/gpfs') },
  ] as const
  const driver = ready({ storages })
  driver.announce('a', 'b')
  driver.copied('a')
  for (const [name, storage] of [
    ['a', 'gpfs'],
    ['b', 'disk'],
    ['b', 'gpfs'],
  ] as const) {
    driver.failed(name, 'ENOENT', 'source', storage)
  }
  driver.feed({ type: 'dismiss', path: bytes('a') }, { type: 'dismiss', path: bytes('b') })
  assert.deepEqual([...driver.records.keys()], ['a'])
  assert.deepEqual([driver.copy('a')?.state, driver.copy('a', 'gpfs')], ['copied', undefined])
  assert.equal(driver.state.counters.get(0)?.get('gpfs')?.failed, 0)
})
