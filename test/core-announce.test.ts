import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultLimits, isKnown, movingFiles } from '#lib/core/index.js'
import { ready, type Timeless } from './support/core-driver.js'
import { bytes, fingerprintOf } from './support/core-world.js'

const seen = (name: string, version: number): Timeless => ({
  type: 'announced',
  path: bytes(name),
  fingerprint: fingerprintOf(version),
})

test('a file that is announced while it waits is copied once', () => {
  const driver = ready()
  driver.feed({ type: 'pause' })
  driver.announce('a', 'a')
  driver.announce('a')
  driver.feed({ type: 'resume' })
  assert.deepEqual(driver.ordered(), ['a'])
})

test('a file that is announced while it is copied is copied again, and told when that is done', () => {
  const driver = ready()
  driver.announce('a')
  driver.announce('a')
  driver.notices()
  driver.copied('a')
  assert.equal(driver.copy('a')?.state, 'pending')
  assert.deepEqual(
    driver.take('copy').flatMap(({ files }) => files),
    [{ path: 'a', cut: 0, known: fingerprintOf(1), knownDigest: 'd1' }],
  )
  driver.copied('a', { fingerprint: fingerprintOf(2) })
  const told = driver.notices()
  assert.deepEqual(
    told.map((notice) => notice.type === 'copied' && notice.size),
    [2],
  )
})

test('what came of a copy that had to be made again is told with the second', () => {
  const driver = ready()
  driver.announce('a')
  driver.announce('a')
  driver.copied('a', { outcome: 'versioned', bytes: 5, version: bytes('a.~1~') })
  driver.notices()
  driver.copied('a', { outcome: 'unchanged', bytes: 0 })
  assert.deepEqual(
    driver.notices().map((notice) => notice.type === 'copied' && [notice.outcome, notice.bytes, notice.version]),
    [['versioned', 5, 'a.~1~']],
  )
})

test('a failure of a copy that was overtaken by an announcement does not count', () => {
  const driver = ready()
  driver.announce('a')
  driver.announce('a')
  driver.take('copy')
  driver.failed('a', 'ENOENT', 'source')
  assert.deepEqual([driver.copy('a')?.state, driver.ordered()], ['pending', ['a']])
})

test('a copied file that is announced again is copied again, with what is known of its copy', () => {
  const driver = ready()
  driver.announce('a')
  driver.copied('a')
  driver.take('copy')
  driver.announce('a')
  assert.equal(driver.copy('a')?.state, 'pending')
  assert.deepEqual(
    driver.take('copy').flatMap(({ files }) => files),
    [{ path: 'a', cut: 0, known: fingerprintOf(1), knownDigest: 'd1' }],
  )
})

test('an unchanged copy keeps its digest', () => {
  const driver = ready()
  driver.announce('a')
  driver.copied('a')
  driver.announce('a')
  driver.copied('a', { outcome: 'unchanged', digest: undefined, bytes: 0 })
  assert.deepEqual([driver.copy('a')?.state, driver.copy('a')?.digest], ['copied', 'd1'])
})

test('a look that finds the copied version changes nothing; another one is copied', () => {
  const driver = ready()
  driver.announce('a')
  driver.copied('a')
  driver.take('copy')
  driver.feed(seen('a', 1))
  assert.deepEqual([driver.ordered(), driver.copy('a')?.state], [[], 'copied'])
  driver.feed(seen('a', 2))
  assert.deepEqual(driver.ordered(), ['a'])
})

test('a look does not disturb a file that is being copied', () => {
  const driver = ready()
  driver.announce('a')
  driver.feed(seen('a', 1))
  driver.copied('a')
  assert.equal(driver.copy('a')?.state, 'copied')
})

test('a look that finds a newer version than the one being copied has it copied as well', () => {
  const driver = ready()
  driver.announce('a')
  driver.take('copy')
  driver.feed(seen('a', 2))
  driver.copied('a')
  assert.deepEqual([driver.copy('a')?.state, driver.ordered()], ['pending', ['a']])
  driver.copied('a', { fingerprint: fingerprintOf(2) })
  assert.equal(driver.copy('a')?.state, 'copied')
})

test('a file that was gone for its copy, and there for a look meanwhile, is copied', () => {
  const driver = ready()
  driver.announce('a')
  driver.take('copy')
  driver.feed(seen('a', 1))
  driver.failed('a', 'ENOENT', 'source')
  assert.deepEqual([driver.copy('a')?.state, driver.ordered()], ['pending', ['a']])
})

test('the time of a copy is kept where it differs from that of its source, and goes with the next order', () => {
  const driver = ready()
  driver.announce('a')
  driver.copied('a', { mtimeNs: 5n })
  driver.take('copy')
  driver.announce('a')
  assert.deepEqual(
    driver.take('copy').flatMap(({ files }) => files),
    [{ path: 'a', cut: 0, known: fingerprintOf(1), knownDigest: 'd1', knownMtimeNs: 5n }],
  )
})

test('a look leaves a failed file alone, unless it failed for want of the file', () => {
  const driver = ready()
  driver.announce('denied', 'absent')
  for (let i = 0; i < 3; i++) {
    driver.failed('denied', 'EACCES')
    driver.pass(60_000)
  }
  driver.failed('absent', 'ENOENT', 'source')
  assert.deepEqual([driver.copy('denied')?.state, driver.copy('absent')?.state], ['failed', 'failed'])
  driver.take('copy')
  driver.feed(seen('denied', 1), seen('absent', 1))
  assert.deepEqual(driver.ordered(), ['absent'])
})

test('what needs no announcement is told by the record alone', () => {
  const driver = ready()
  driver.announce('a')
  const record = () => {
    const found = driver.records.get(bytes('a'))
    assert.ok(found)
    return found
  }
  const { state } = driver
  assert.equal(isKnown(state, record(), fingerprintOf(1)), false, 'what is in flight may be an older version')
  driver.copied('a')
  assert.equal(isKnown(state, record(), fingerprintOf(1)), true)
  assert.equal(isKnown(state, record(), { ...fingerprintOf(1), dev: 5n }), true, 'a device number means nothing')
  assert.equal(isKnown(state, record(), fingerprintOf(2)), false)
  driver.feed({ type: 'pause' })
  driver.announce('a')
  assert.equal(isKnown(state, record(), fingerprintOf(2)), true, 'pending')
  const { config } = state
  const storages = [...config.storages, { id: 'new', type: 'optional', target: bytes('/n') } as const]
  const more = { ...state, config: { ...config, storages } }
  assert.equal(isKnown(more, record(), fingerprintOf(1)), false, 'a storage that came later has no copy')
})

test('a file with a new replicate root is a new copy there: nothing of the old one is known of it', () => {
  const driver = ready()
  driver.announce('run/a')
  driver.copied('run/a')
  driver.take('copy')
  driver.feed({ type: 'announced', path: bytes('run/a'), cut: 4 })
  assert.deepEqual(
    driver.take('copy').flatMap(({ files }) => files),
    [{ path: 'run/a', cut: 4 }],
  )
})

test('a copy under way to the old replicate root does not count for the new one', () => {
  const driver = ready()
  driver.announce('run/a')
  driver.feed({ type: 'announced', path: bytes('run/a'), cut: 4 })
  driver.take('copy')
  driver.copied('run/a')
  assert.deepEqual([driver.copy('run/a')?.state, driver.copy('run/a')?.source], ['pending', undefined])
  assert.deepEqual(
    driver.take('copy').flatMap(({ files }) => files),
    [{ path: 'run/a', cut: 4 }],
  )
})

test('a file that is gone is forgotten once all its copies are done, and stays counted', () => {
  const driver = ready()
  driver.announce('done', 'waiting')
  driver.copied('done')
  driver.feed({ type: 'vanished', path: bytes('done') }, { type: 'vanished', path: bytes('waiting') })
  assert.deepEqual([...driver.records.keys()], ['waiting'])
  assert.equal(driver.state.counters.get(0)?.get('disk')?.copied, 1)
})

test('a file that is forgotten and announced in one breath is a new file', () => {
  const driver = ready()
  driver.announce('a')
  driver.copied('a')
  driver.take('copy')
  driver.feed({ type: 'vanished', path: bytes('a') }, { type: 'announced', path: bytes('a') })
  assert.deepEqual(
    driver.take('copy').flatMap(({ files }) => files),
    [{ path: 'a', cut: 0 }],
  )
  assert.equal(driver.copy('a')?.source, undefined)
  assert.deepEqual({ ...driver.state.counters.get(0)?.get('disk') }, { pending: 1, copied: 1, failed: 0, bytes: 10 })
})

test('a storage that was added later gets files that are seen again', () => {
  const driver = ready()
  driver.announce('a')
  driver.copied('a')
  const storages = [
    { id: 'disk', type: 'internal', target: bytes('/disk') },
    { id: 'late', type: 'optional', target: bytes('/late') },
  ] as const
  const next = ready({ storages })
  for (const [path, record] of driver.records) next.records.set(path, record)
  next.feed(seen('a', 1))
  const ordered = next.take('copy').map(({ storage, files }) => [storage, files.map(({ path }) => path)])
  assert.deepEqual(ordered, [['late', ['a']]])
})

test('files go in order of announcement, and take turns between directories within a batch', () => {
  const driver = ready({ limits: { ...defaultLimits, batch: 4, flying: 4 } })
  driver.feed({ type: 'pause' })
  driver.announce('x/1', 'x/2', 'x/3', 'y/1', 'y/2')
  driver.feed({ type: 'resume' })
  assert.deepEqual(driver.ordered(), ['x/1', 'y/1', 'x/2', 'x/3'])
})

test('a lone file goes at once; a flood goes in whole batches', () => {
  const driver = ready({ limits: { ...defaultLimits, batch: 10, flying: 20 } })
  driver.announce('first')
  assert.deepEqual(
    driver.take('copy').map(({ files }) => files.length),
    [1],
  )
  driver.announce(...Array.from({ length: 100 }, (_, i) => `f${i}`))
  assert.deepEqual(
    driver.take('copy').map(({ files }) => files.length),
    [10],
  )
  driver.copied('first')
  assert.deepEqual(
    driver.take('copy').map(({ files }) => files.length),
    [10],
  )
  for (let i = 0; i < 9; i++) driver.copied(`f${i}`)
  assert.deepEqual(
    driver.take('copy').map(({ files }) => files.length),
    [],
    'no batch of a few while others fly',
  )
  driver.copied('f9')
  assert.deepEqual(
    driver.take('copy').map(({ files }) => files.length),
    [10],
  )
})

test('only a window of pending files is in memory; the rest is loaded as it goes', () => {
  const limits = { ...defaultLimits, window: 10, load: 5, batch: 2, flying: 2 }
  const driver = ready({ limits })
  driver.feed({ type: 'pause' })
  driver.announce(...Array.from({ length: 100 }, (_, i) => `f${i}`))
  assert.ok(driver.state.files.size <= 12, `${driver.state.files.size} files in memory`)
  driver.feed({ type: 'resume' })
  let copied = 0
  for (let i = 0; i < 400 && driver.storage().pending > 0; i++) {
    const pending = [...driver.records.values()].filter(({ copies }) => copies[0]?.state === 'pending')
    for (const { after, limit } of driver.take('load')) {
      const records = pending.filter(({ seq }) => seq > after).slice(0, limit)
      const short = records.length < limit
      driver.feed({ type: 'loaded', storage: 'disk', records, last: records.at(-1)?.seq ?? after, short })
    }
    const flying = [...driver.state.files.values()].find((entry) => entry.slots[0]?.phase === 'flying')
    if (flying !== undefined) {
      driver.copied(flying.record.path)
      copied += 1
    } else driver.pass(1000)
    assert.ok(driver.state.files.size <= 20)
  }
  assert.deepEqual([copied, driver.storage().pending, movingFiles(driver.state)], [100, 0, 0])
})

test('the journal is not asked over and over for what it does not list yet', () => {
  const driver = ready({ limits: { ...defaultLimits, window: 2, batch: 1, flying: 1 } })
  driver.feed({ type: 'pause' })
  driver.announce(...Array.from({ length: 10 }, (_, i) => `f${i}`))
  driver.feed({ type: 'resume' })
  driver.copied('f0')
  driver.copied('f1')
  driver.copied('f2')
  driver.take('load')
  const state = driver.storage()
  state.loading = false
  driver.pass(1)
  assert.equal(driver.take('load').length, 1)
  driver.feed({ type: 'loaded', storage: 'disk', records: [], last: 0, short: true })
  driver.pass(1)
  driver.pass(1)
  assert.equal(driver.take('load').length, 0)
  driver.announce('more')
  assert.equal(driver.take('load').length, 1, 'asked again once more is durable')
})

test('nothing new is begun while too much waits to become durable', () => {
  const driver = ready({ limits: { ...defaultLimits, unjournaled: 4 } })
  driver.state.unjournaled = 10
  driver.announce('a')
  assert.deepEqual(driver.ordered(), [])
  driver.feed({ type: 'journaled', ops: 10 })
  assert.deepEqual(driver.ordered(), ['a'])
})
