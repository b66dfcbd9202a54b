import assert from 'node:assert/strict'
import { test } from 'node:test'
import { coreKey, decide, defaultLimits, type Stored, type StoredShift, shiftKeys } from '#lib/core/index.js'
import { deleteAfterCopy, leastRecentlyRead } from '#lib/policy/index.js'
import { chain, pair, TierDriver, tiered } from './support/core-tiers.js'
import { bytes } from './support/core-world.js'

const failure = (code: string) => ({ code, errno: 1, syscall: 'test', path: bytes('/') })

/** The tier can't be reached for a moment: the release is to be ordered again. */
function keep(driver: TierDriver, name: string): void {
  driver.feed({ type: 'kept', tier: 'buffer', paths: [bytes(name)], failure: failure('ERR_SUSTEN_STORAGE') })
}

test('a storage that cannot serve files now keeps none from being served by another', () => {
  const driver = tiered(chain)
  driver.announce('a')
  driver.copyTo('disk', 'a')
  driver.copyTo('gpfs', 'a')
  driver.changeUser()
  const sent = (): unknown =>
    driver
      .settle()
      .filter(({ tier }) => tier === 'buffer')
      .map(({ to, files }) => [to, files.map(({ path }) => path)])
  assert.deepEqual(sent(), [['disk', ['a']]])
  const failed = failure('ERR_SUSTEN_STORAGE')
  driver.feed({ type: 'kept', tier: 'buffer', to: 'disk', paths: [bytes('a')], failure: failed })
  assert.deepEqual(sent(), [['gpfs', ['a']]], 'at once')
  driver.release('a')
  assert.equal(driver.on('a'), 'gone')
})

test('a storage that could not serve files is tried again, later and later, until it can', () => {
  const driver = tiered(pair)
  driver.arrive('a')
  driver.changeUser()
  const kept = { type: 'kept', tier: 'buffer', to: 'disk', failure: failure('ERR_SUSTEN_STORAGE') } as const
  const waits: number[] = []
  driver.settle()
  for (let time = 0; time < 4; time++) {
    driver.feed({ ...kept, paths: [bytes('a')] })
    const since = driver.now
    while (driver.leaving().length === 0) driver.pass(50)
    waits.push(driver.now - since)
  }
  assert.ok(
    waits.every((wait, i) => wait > (i === 0 ? 500 : (waits[i - 1] ?? 0))),
    `${waits}`,
  )
  driver.release('a')
  assert.equal(driver.records.has(bytes('a')), false, 'it is done with')
})

/** What a restart finds. */
function restarted(driver: TierDriver): TierDriver {
  const keys = [...driver.values.keys()].filter((key) => key.startsWith(shiftKeys))
  const stored: Stored = {
    core: driver.values.get(coreKey) as Stored['core'],
    shifts: keys.map((key) => driver.values.get(key) as StoredShift),
  }
  const next = new TierDriver({ ...driver.state.config, limits: { ...defaultLimits, load: 10 } }, stored)
  for (const [path, record] of driver.records) next.records.set(path, record)
  return next
}

test('a copy that read a file before it was given back does not say that it is there', () => {
  const driver = tiered(pair)
  driver.arrive('a')
  driver.fill(0.9)
  driver.settle()
  driver.announce('a')
  driver.release('a')
  driver.fill(0.2)
  driver.copyTo('disk', 'a')
  assert.equal(driver.on('a'), 'unsure')
  driver.fill(0.9)
  assert.deepEqual(driver.leaving(), ['a'], 'looked at once more')
  driver.release('a', 'already')
  assert.equal(driver.on('a'), 'link')
})

test('a copy that found a file where it was to be copied to is made again if that was given back meanwhile', () => {
  const driver = tiered({ ...chain, policy: deleteAfterCopy() })
  driver.arrive('a')
  driver.settle()
  driver.release('a')
  driver.settle()
  driver.announce('a')
  driver.release('a', 'released', 'disk')
  driver.all()
  driver.copyTo('disk', 'a')
  assert.equal(driver.copy('a')?.state, 'pending')
  assert.deepEqual(driver.ordered(), ['a'])
})

test('a copy that finds nothing while its file is being given back waits for what comes of that', () => {
  const driver = tiered({ ...chain, policy: deleteAfterCopy() })
  driver.announce('a')
  driver.copyTo('disk', 'a')
  driver.failed('a', 'EACCES', 'storage', 'gpfs')
  assert.deepEqual(driver.leaving(), ['a'])
  driver.pass(10_000)
  driver.failed('a', 'ENOENT', 'source', 'gpfs')
  assert.equal(driver.copy('a', 'gpfs')?.state, 'pending')
  driver.release('a')
  driver.pass(10_000)
  const copies = driver.all().flatMap((command) => (command.type === 'copy' ? command.files : []))
  assert.equal(copies.at(-1)?.from, 'disk')
})

test('a release waits until all that was said of its file since it was chosen is durable', () => {
  const policy = { ...deleteAfterCopy(), retry: () => 'give-up' as const }
  const driver = tiered({ ...chain, policy })
  driver.announce('a')
  driver.copyTo('disk', 'a')
  driver.failed('a', 'EACCES', 'storage', 'gpfs')
  assert.deepEqual(driver.leaving(), ['a'])
  keep(driver, 'a')
  // It is time to release it again, and at the same moment its record changes.
  const at = driver.now + 10_000
  const record = driver.records.get(bytes('a'))
  const commands = decide(driver.state, [{ type: 'retry', at, path: bytes('a'), record }])
  assert.deepEqual(
    commands.map(({ type }) => type).filter((type) => type === 'journal' || type === 'release'),
    ['journal'],
  )
})

test('a file that was found to be held is said to go again before it does', () => {
  const usb = { id: 'usb', type: 'optional', target: bytes('/usb') } as const
  const policy = { ...deleteAfterCopy(), retry: () => 500 }
  const driver = tiered({ ...pair, storages: [...(pair.storages ?? []), usb], tierSources: true, policy })
  driver.announce('a')
  driver.copyTo('disk', 'a')
  driver.failed('a', 'EACCES', 'storage', 'usb')
  assert.deepEqual(driver.leaving(), ['a'])
  keep(driver, 'a')
  driver.pass(600)
  driver.copyTo('usb', 'a')
  assert.equal(driver.on('a'), 'held')
  driver.pass(600)
  assert.deepEqual(driver.leaving(), ['a'])
  assert.equal(driver.on('a'), 'unsure')
})

test('what may be a link to one storage already is not given back for another one', () => {
  const driver = tiered(chain)
  driver.arrive('a')
  driver.feed({ type: 'unavailable', storage: 'disk', failure: failure('EIO') })
  driver.fill(0.9)
  assert.deepEqual(
    driver.settle().map(({ to }) => to),
    ['gpfs'],
  )
  const next = restarted(driver)
  next.volume({}, 'disk')
  next.fill(0.9)
  assert.deepEqual(next.settle(), [], 'whether the link is there can be told by its text only')
  next.volume({}, 'gpfs')
  assert.deepEqual(
    next.settle().map(({ to }) => to),
    ['gpfs'],
  )
})

test('what was chosen and not sent off can be given back for another storage', () => {
  const driver = tiered(chain)
  driver.arrive('a')
  driver.fill(0.9)
  driver.settle()
  keep(driver, 'a')
  driver.feed({ type: 'unavailable', storage: 'disk', failure: failure('EIO') })
  driver.pass(10_000)
  assert.deepEqual(
    driver.settle().map(({ to }) => to),
    ['gpfs'],
  )
})

test('somebody else’s link under a name is left alone after three looks', () => {
  const driver = tiered(pair)
  driver.arrive('a')
  driver.fill(0.9)
  driver.settle()
  driver.release('a')
  driver.changeUser()
  for (let looks = 1; looks <= 3; looks++) {
    assert.deepEqual(driver.leaving(), ['a'], `look ${looks}`)
    driver.release('a', 'changed')
    if (looks < 3) driver.failed('a', 'ERR_SUSTEN_NOT_REGULAR', 'source')
  }
  assert.deepEqual(driver.leaving(), [])
  assert.equal(driver.on('a'), undefined, 'nothing is decided on it any more')
})

test('two files that take one name on a storage from each other are copied again ever later', () => {
  const driver = tiered({ ...pair, policy: deleteAfterCopy() })
  driver.arrive('a', 'b')
  driver.settle()
  for (const name of ['a', 'b']) driver.release(name, 'missing')
  assert.deepEqual(driver.ordered(), ['a', 'b'], 'at once the first time')
  for (const name of ['a', 'b']) driver.copyTo('disk', name)
  assert.deepEqual(driver.leaving(), ['a', 'b'])
  for (const name of ['a', 'b']) driver.release(name, 'missing')
  assert.deepEqual(driver.ordered(), [])
  const times: number[] = []
  for (let passed = 0; passed < 2000; passed += 10) {
    driver.pass(10)
    for (const _ of driver.ordered()) times.push(passed)
  }
  assert.equal(new Set(times).size, 2, 'and not at the same time')
})

test('releases that fail and do not fit among those that wait are not tried again at once', () => {
  const limits = { ...defaultLimits, load: 10, releasing: 4 }
  const driver = tiered({ ...pair, policy: deleteAfterCopy(), limits })
  driver.arrive('a', 'b', 'c', 'd')
  let orders = 0
  for (let rounds = 0; rounds < 20; rounds++) {
    for (const name of driver.leaving()) {
      orders += 1
      driver.release(name, 'failed')
    }
  }
  assert.ok(orders <= 8, `${orders} orders in no time`)
  driver.pass(100_000)
  assert.ok(driver.leaving().length > 0, 'but later')
})

test('storages that got different versions while a file was being given back both get the one that is there', () => {
  const usb = { id: 'usb', type: 'optional', target: bytes('/usb') } as const
  const policy = { ...deleteAfterCopy(), retry: () => 500 }
  const driver = tiered({ ...pair, storages: [...(pair.storages ?? []), usb], tierSources: true, policy })
  driver.announce('a')
  driver.copyTo('disk', 'a')
  driver.failed('a', 'EACCES', 'storage', 'usb')
  assert.deepEqual(driver.leaving(), ['a'])
  driver.pass(600)
  driver.copyTo('usb', 'a', 11)
  assert.equal(driver.on('a'), 'unsure')
  const next = restarted(driver)
  for (const id of ['disk', 'usb']) next.volume({}, id)
  assert.deepEqual(next.settle(), [])
  assert.deepEqual([next.copy('a')?.state, next.copy('a', 'usb')?.state], ['pending', 'pending'])
  next.copyTo('disk', 'a', 11)
  next.copyTo('usb', 'a', 11)
  assert.deepEqual(next.leaving(), ['a'])
})

test('of more candidates than are kept in mind those that go first go, and the search comes to its end', () => {
  const limits = { ...defaultLimits, load: 3, releasing: 8 }
  const driver = tiered({ ...pair, policy: leastRecentlyRead(), limits })
  const names = Array.from({ length: 12 }, (_, i) => `f${i}`)
  driver.arrive(...names)
  for (const [i, name] of names.entries()) driver.accessed.set(name, (i * 7) % 12)
  driver.fill(0.9)
  const listed = driver.listed
  // What is to be done at once must be found in so many pages.
  for (let pages = 0; pages < 50; pages++) {
    const loads = driver.all().filter((command) => command.type === 'loadTier')
    if (loads.length === 0) return
    for (const load of loads) driver.page(load)
  }
  assert.fail(`${driver.listed - listed} files listed, and no end`)
})
