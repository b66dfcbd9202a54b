import assert from 'node:assert/strict'
import { test } from 'node:test'
import { coreKey, pendingFiles, type Stored, statusOf } from '#lib/core/index.js'
import { Driver, ready } from './support/core-driver.js'
import { bytes } from './support/core-world.js'

const figures = (driver: Driver) => {
  const [storage] = statusOf(driver.state, driver.now).storages
  assert.ok(storage)
  return storage
}

test('figures tell each state of a file, and add up', () => {
  const driver = ready()
  driver.feed({ type: 'pause' })
  driver.announce('done', 'bad', 'waits', 'changes', 'ready')
  driver.feed({ type: 'resume' })
  driver.copied('done', { bytes: 123 })
  driver.failed('bad', 'ENOENT', 'source')
  driver.failed('waits', 'EACCES')
  driver.failed('changes', 'ERR_SUSTEN_CHANGED', 'source')
  const { pending, copying, waiting, copied, failed, bytes: carried } = figures(driver)
  assert.deepEqual(
    { pending, copying, waiting, copied, failed, carried },
    {
      pending: 3,
      copying: 1,
      waiting: 2,
      copied: 1,
      failed: 1,
      carried: 123,
    },
  )
  assert.equal(pendingFiles(driver.state), 3)
})

test('figures are plain data: JSON can hold them', () => {
  const driver = ready()
  driver.announce('a')
  const status = statusOf(driver.state, driver.now)
  assert.deepEqual(JSON.parse(JSON.stringify(status)), status)
})

test('bytes count each time that a file is copied', () => {
  const driver = ready()
  for (let i = 0; i < 3; i++) {
    driver.announce('a')
    driver.copied('a', { bytes: 100 })
  }
  assert.deepEqual([figures(driver).bytes, figures(driver).copied], [300, 1])
})

test('rates rise with what is copied, and fall when nothing is', () => {
  const driver = ready()
  for (let second = 0; second < 60; second++) {
    for (let i = 0; i < 10; i++) {
      driver.announce(`f${second}-${i}`)
      driver.copied(`f${second}-${i}`, { bytes: 1000 })
    }
    driver.pass(1000)
  }
  const { files, bytes: carried } = figures(driver).rates
  assert.ok(files > 8 && files < 12, `${files} files/s`)
  assert.ok(carried > 8000 && carried < 12_000, `${carried} bytes/s`)
  driver.pass(60_000)
  assert.ok(figures(driver).rates.files < 0.01)
})

test('figures go on where they were after a restart', () => {
  const driver = ready()
  driver.announce('a', 'b', 'c')
  driver.copied('a', { bytes: 5 })
  driver.failed('b', 'ENOENT', 'source')
  const next = new Driver({}, { core: driver.values.get(coreKey) as Stored['core'] })
  const { pending, copied, failed, bytes: carried } = figures(next)
  assert.deepEqual({ pending, copied, failed, carried }, { pending: 1, copied: 1, failed: 1, carried: 5 })
  next.volume()
  assert.equal(next.take('load').length, 1, 'what is pending is loaded')
  next.announce('d')
  assert.ok((next.records.get(bytes('d'))?.seq ?? 0) > 3, 'seqs go on')
})

test('files that the journal lists are copied, whatever the figures say', () => {
  const driver = new Driver({}, { core: { seq: 7, shift: 0, counters: {} }, pending: { disk: 2 } })
  driver.volume()
  assert.deepEqual(
    driver.take('load').map(({ after }) => after),
    [0],
  )
})

test('a storage that had failed begins anew with short waits once it works', () => {
  const driver = ready()
  driver.announce('a', 'b')
  for (let i = 0; i < 6; i++) {
    driver.failed('a', 'ENOSPC')
    driver.failed('b', 'ENOSPC')
    driver.pass(60_000)
  }
  driver.copied('a')
  assert.equal(figures(driver).state, 'up')
  driver.announce('c')
  driver.failed('c', 'ENOSPC')
  assert.ok(driver.storage().retryAt - driver.now <= 1000)
})

test('a storage is up again when nothing is left to try it with', () => {
  const driver = ready()
  driver.announce('a')
  driver.failed('a', 'ENOSPC')
  driver.pass(1000)
  assert.equal(figures(driver).state, 'probing')
  driver.failed('a', 'ENOENT', 'source')
  assert.equal(figures(driver).state, 'up')
})

test('why a storage is not up is told, and since when', () => {
  const driver = ready()
  driver.pass(5000)
  driver.announce('a')
  driver.failed('a', 'ENOSPC')
  const { state, reason, reasonText, since } = figures(driver)
  const text = /is unavailable: (.*); its files wait/.exec(driver.messages().at(-1)?.text ?? '')?.[1]
  assert.match(text ?? '', /ENOSPC, test/)
  assert.deepEqual(
    { state, reason, reasonText, since },
    { state: 'down', reason: 'ENOSPC', reasonText: text, since: driver.now },
  )
  driver.pass(1000)
  assert.deepEqual([figures(driver).state, figures(driver).reasonText], ['probing', text])
  driver.copied('a')
  assert.deepEqual([figures(driver).state, figures(driver).reasonText], ['up', undefined])
})

test('a file that is tried several times is told at its first failure and when it is given up', () => {
  const driver = ready({ retry: { attempts: 4, first: 20_000, max: 60_000 } })
  driver.announce('a')
  const texts: string[] = []
  for (let i = 0; i < 4; i++) {
    driver.failed('a', 'EACCES')
    driver.pass(60_000)
    texts.push(...driver.messages().map(({ text, count }) => `${count}: ${text}`))
  }
  assert.deepEqual(
    texts.map((text) => text.replace(/.*; /, '')),
    ['it is tried again', 'tried 4 times and given up until it is retried on request'],
  )
})
