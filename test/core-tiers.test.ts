import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { coreKey, defaultLimits, type Stored, type StoredShift, shiftKeys, shiftsOf, tiersOf } from '#lib/core/index.js'
import {
  deleteAfterCopy,
  grimsel,
  keepAll,
  keepSeries,
  leastRecentlyRead,
  type StoragePolicy,
} from '#lib/policy/index.js'
import { chain, pair, TierDriver, tiered } from './support/core-tiers.js'
import { bytes, fingerprintOf } from './support/core-world.js'

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `f${i}`)

test('below its limit a tier keeps everything', () => {
  const driver = tiered(pair)
  driver.arrive(...names(20))
  // Slowly.
  for (const fill of [0.4, 0.5, 0.6, 0.7, 0.79]) {
    driver.pass(60_000)
    driver.fill(fill)
  }
  assert.deepEqual(driver.leaving(), [])
})

test('at its limit a tier gives back its oldest files by links, as many as bring it below its low mark', () => {
  const driver = tiered(pair)
  driver.arrive(...names(60))
  driver.settle()
  driver.fill(0.8)
  const releases = driver.settle()
  const files = releases.flatMap((release) => release.files)
  // 300 bytes of 1000 are too many; each file has 10.
  assert.deepEqual(
    files.map(({ path }) => path),
    names(30),
  )
  assert.deepEqual(new Set(files.map(({ by }) => by)), new Set(['link']))
  assert.deepEqual([releases[0]?.tier, releases[0]?.to, releases[0]?.toIdentity], ['buffer', 'disk', 'own-disk'])
  for (const { path } of files) driver.release(path)
  assert.deepEqual(driver.leaving(), [])
  assert.equal(driver.on('f0'), 'link')
})

test('a release order says which version may go, and what must lie on the next tier', () => {
  const driver = tiered(pair)
  driver.arrive('run/a')
  driver.fill(0.9)
  const [order] = driver.settle().flatMap(({ files }) => files)
  assert.deepEqual(order, {
    path: 'run/a',
    cut: 0,
    by: 'link',
    known: { dev: 1n, ino: 7n, size: 10, mtimeNs: 10n, ctimeNs: 10n, digest: 'd10' },
    copy: { size: 10, mtimeNs: 10n, digest: 'd10' },
  })
})

test('on a storage the copy is known by its stamps, and must contain what serves it from then on', () => {
  const driver = tiered(chain)
  driver.announce('a')
  driver.copied('a', { storage: 'disk', fingerprint: fingerprintOf(10), digest: 'before' })
  driver.copied('a', { storage: 'gpfs', fingerprint: fingerprintOf(10), digest: 'after' })
  driver.changeUser()
  driver.settle()
  driver.release('a')
  const [release] = driver.settle()
  assert.equal(release?.tier, 'disk')
  assert.deepEqual(release.files[0]?.known, { size: 10, mtimeNs: 10n, digest: 'after' })
})

test('a copy that was changed on a storage is made anew, and not known any more', () => {
  const release: StoragePolicy['release'] = (_, { id }) => ({ when: id === 'disk' ? 'copied' : 'full', by: 'link' })
  const driver = tiered({ ...chain, policy: { name: 'disk', release } as StoragePolicy })
  driver.arrive('a')
  assert.deepEqual(driver.leaving(), ['a'])
  driver.release('a', 'changed', 'disk')
  assert.deepEqual([driver.copy('a', 'disk')?.state, driver.copy('a', 'disk')?.source], ['pending', undefined])
  assert.deepEqual(driver.ordered(), ['a'], 'at once the first time')
  driver.copyTo('disk', 'a')
  assert.deepEqual(driver.leaving(), ['a'])
  driver.release('a', 'changed', 'disk')
  assert.deepEqual(driver.ordered(), [], 'later then')
})

test('nothing is released before it is copied, and nothing that was announced anew', () => {
  const driver = tiered(pair)
  driver.announce('a')
  driver.arrive('b')
  driver.announce('b')
  driver.fill(0.95)
  assert.deepEqual(driver.leaving(), [])
  driver.copyTo('disk', 'b', 11)
  driver.copyTo('disk', 'a')
  assert.deepEqual(driver.leaving().sort(), ['a', 'b'])
})

test('nothing is released before what it relies on is durable in the journal', () => {
  const driver = tiered({ ...pair, policy: deleteAfterCopy() })
  driver.announce('a')
  driver.copyTo('disk', 'a')
  const commands = driver.all()
  const journaled = commands.findIndex((command) => command.type === 'journal' && command.ops.some(isUnsure))
  const released = commands.findIndex(({ type }) => type === 'release')
  assert.ok(journaled !== -1 && journaled < released, `${journaled}, ${released}`)
})

const isUnsure = (op: { type: string; record?: unknown }): boolean => JSON.stringify(op, plain).includes('"unsure"')
const plain = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}` : value)

test('optional storages that still wait hold a file on the buffer, unless a tier further down can serve them', () => {
  for (const tierSources of [false, true]) {
    const driver = tiered({ ...chain, tierSources })
    driver.announce('a')
    driver.copyTo('disk', 'a')
    // What is in flight from the buffer is waited for.
    driver.failed('a', 'EACCES', 'storage', 'gpfs')
    driver.fill(0.95)
    assert.deepEqual(driver.leaving(), tierSources ? ['a'] : [])
    if (!tierSources) continue
    driver.release('a')
    driver.pass(10_000)
    const [copy] = driver.all().flatMap((command) => (command.type === 'copy' ? command.files : []))
    assert.deepEqual([copy?.path, copy?.from], ['a', 'disk'])
    driver.copied('a', {
      storage: 'gpfs',
      digest: 'd10',
      fingerprint: { dev: 2n, ino: 5n, size: 10, mtimeNs: 10n, ctimeNs: 99n },
    })
    assert.equal(driver.copy('a', 'gpfs')?.source?.ino, 7n, 'it is the version that the source had')
  }
})

test('a copy that was read from a tier and is something else is a failure', () => {
  const driver = tiered(chain)
  driver.announce('a')
  driver.copyTo('disk', 'a')
  driver.failed('a', 'EACCES', 'storage', 'gpfs')
  driver.fill(0.95)
  driver.settle()
  driver.release('a')
  driver.pass(10_000)
  driver.copied('a', { storage: 'gpfs', digest: 'other' })
  assert.deepEqual(
    [driver.copy('a', 'gpfs')?.state, driver.copy('a', 'gpfs')?.failure?.code],
    ['failed', 'ERR_SUSTEN_DIGEST'],
  )
})

test('what is told of a cleared shift names its user directory, if it had one', () => {
  const driver = tiered(pair)
  driver.feed({ type: 'userChange', uid: 7, gid: 8, userDirectory: 'visit/9' })
  driver.arrive('visit/9/a')
  driver.changeUser()
  for (const path of driver.settle().flatMap(({ files }) => files.map((file) => file.path))) driver.release(path)
  const texts = driver.messages().map(({ text }) => text)
  assert.deepEqual(texts, ['The files of shift 1 (uid 7, gid 8, directory visit/9) have left /buffer'])
})

test('a user change clears the buffer of the old files as soon as they are durable, and of no others', () => {
  const driver = tiered(pair)
  driver.arrive('old/a', 'old/b')
  driver.announce('old/late')
  driver.changeUser()
  driver.arrive('new/c')
  const [release, ...more] = driver.settle()
  assert.deepEqual(more, [])
  assert.deepEqual(
    release?.files.map(({ path, by }) => [path, by]),
    [
      ['old/a', 'clear'],
      ['old/b', 'clear'],
    ],
  )
  assert.deepEqual(release?.directories, ['old'])
  driver.copyTo('disk', 'old/late')
  assert.deepEqual(driver.leaving(), ['old/late'])
  assert.deepEqual(driver.messages(), [])
  for (const name of ['old/a', 'old/b', 'old/late']) driver.release(name)
  const [message] = driver.messages()
  assert.deepEqual([message?.code, message?.subject], ['SHIFT_CLEARED', '/mnt/buffer'])
  assert.deepEqual([...driver.records.keys()], ['new/c'], 'what no decision needs any more is forgotten')
  assert.equal(shiftsOf(driver.state).at(-1)?.storages[0]?.copied, 3, 'and stays counted')
})

test('links go before what they point to', () => {
  const driver = tiered(chain)
  driver.arrive('a')
  driver.fill(0.95)
  driver.settle()
  driver.release('a')
  assert.equal(driver.on('a'), 'link')
  driver.changeUser()
  const [first, ...more] = driver.settle()
  assert.deepEqual([first?.tier, first?.files[0]?.by, more.length], ['buffer', 'clear', 0])
  driver.release('a')
  const [second] = driver.settle()
  assert.deepEqual([second?.tier, second?.to, second?.files[0]?.by], ['disk', 'gpfs', 'clear'])
  driver.release('a', 'released', 'disk')
  assert.equal(driver.records.size, 0)
})

test('directories that the running shift uses stay, and those above them', () => {
  const driver = tiered(pair)
  driver.arrive('p11/run1/a', 'p11/run2/b', 'p11/run1/deep/c')
  driver.changeUser()
  driver.announce('p11/run2/new')
  const [release] = driver.settle()
  assert.deepEqual(release?.directories, ['p11/run1/deep', 'p11/run1'])
})

test('a file that was waiting for its copy and is announced in the next shift belongs to that', () => {
  const driver = tiered(pair)
  driver.announce('a')
  driver.changeUser()
  driver.announce('a')
  driver.copyTo('disk', 'a')
  assert.deepEqual(driver.leaving(), ['a'].slice(1))
  assert.equal(driver.records.get(bytes('a'))?.shift, 1)
})

test('a file that was changed is copied again, and goes then', () => {
  const driver = tiered(pair)
  driver.arrive('a')
  driver.changeUser()
  driver.settle()
  driver.release('a', 'changed')
  assert.deepEqual([driver.copy('a')?.state, driver.ordered()], ['pending', ['a']])
  driver.copyTo('disk', 'a', 11)
  const [order] = driver.settle().flatMap(({ files }) => files)
  assert.equal(order?.known.size, 11)
})

test('a file whose copy is missing is copied again, not released', () => {
  const driver = tiered(pair)
  driver.arrive('a')
  driver.changeUser()
  driver.settle()
  driver.release('a', 'missing')
  assert.deepEqual([driver.on('a'), driver.copy('a')?.state, driver.copy('a')?.source], ['held', 'pending', undefined])
})

test('a busy file is tried later, and holds up nobody', () => {
  const driver = tiered(pair)
  driver.arrive('a', 'b')
  driver.changeUser()
  driver.settle()
  driver.release('a', 'busy')
  driver.release('b')
  assert.deepEqual(driver.leaving(), [])
  driver.pass(1000)
  assert.deepEqual(driver.leaving(), ['a'])
})

test('a release that fails is told once, kept as a state, and tried again for as long as it takes', () => {
  const driver = tiered(pair)
  driver.arrive('a')
  driver.changeUser()
  driver.settle()
  const codes: string[] = []
  for (let i = 0; i < 20; i++) {
    driver.release('a', 'failed')
    codes.push(...driver.messages().map(({ code, subject }) => `${code} ${subject}`))
    driver.pass(60_000)
    assert.deepEqual(driver.leaving(), ['a'])
  }
  assert.deepEqual(codes, ['DEL_ERROR /buffer/a'])
  assert.equal(driver.records.get(bytes('a'))?.tiers?.[0]?.failure?.code, 'EPERM')
  driver.release('a')
  assert.equal(driver.records.size, 0)
})

test('a link that cannot be made is a LINK_ERROR', () => {
  const driver = tiered(pair)
  driver.arrive('run/a')
  driver.fill(0.9)
  driver.settle()
  driver.release('run/a', 'failed')
  assert.deepEqual(
    driver.messages().map(({ code, subject }) => [code, subject]),
    [['LINK_ERROR', '/buffer/run/a']],
  )
})

test('a file that is announced while it is released is looked at again', () => {
  const driver = tiered(pair)
  driver.arrive('a')
  driver.fill(0.9)
  driver.settle()
  driver.announce('a')
  driver.release('a')
  assert.equal(driver.on('a'), 'unsure')
  driver.failed('a', 'ERR_SUSTEN_NOT_REGULAR', 'source')
  assert.deepEqual([driver.on('a'), driver.copy('a')?.state], ['link', 'copied'])
})

test('a file that its user removed before it was copied is a failure, and no more held', () => {
  const driver = tiered(pair)
  driver.announce('a')
  driver.failed('a', 'ENOENT', 'source')
  assert.deepEqual([driver.copy('a')?.state, driver.on('a')], ['failed', 'gone'])
})

test('two storages that got different versions both get the one that is there', () => {
  const driver = tiered(chain)
  driver.announce('a')
  driver.copyTo('disk', 'a', 10)
  driver.copyTo('gpfs', 'a', 11)
  assert.deepEqual([driver.copy('a', 'disk')?.state, driver.copy('a', 'gpfs')?.state], ['pending', 'pending'])
})

test('while the next tier is away nothing is released; all of it is when it is back', () => {
  const driver = tiered(pair)
  driver.arrive('a', 'b')
  driver.feed({
    type: 'unavailable',
    storage: 'disk',
    failure: { code: 'EIO', errno: 5, syscall: 'open', path: bytes('/') },
  })
  driver.changeUser()
  assert.deepEqual(driver.leaving(), [])
  driver.volume()
  assert.deepEqual(driver.leaving(), ['a', 'b'])
})

test('without an external storage the internal one is never touched', () => {
  const driver = tiered(pair)
  driver.arrive('a')
  driver.changeUser()
  driver.volume({ fill: 0.99 })
  const tiers = driver.settle().map(({ tier }) => tier)
  assert.deepEqual(new Set(tiers), new Set(['buffer']))
})

test('a restart goes on exactly where it was, shifts and figures included', () => {
  const driver = tiered(chain)
  driver.arrive('a', 'b')
  driver.changeUser(7)
  driver.arrive('c')
  driver.settle()
  driver.release('a')
  const keys = [...driver.values.keys()].filter((key) => key.startsWith(shiftKeys))
  const stored: Stored = {
    core: driver.values.get(coreKey) as Stored['core'],
    shifts: keys.map((key) => driver.values.get(key) as StoredShift),
  }
  const next = new TierDriver({ ...chain, limits: { ...defaultLimits, load: 10 } }, stored)
  for (const [path, record] of driver.records) next.records.set(path, record)
  assert.deepEqual(shiftsOf(next.state), shiftsOf(driver.state))
  for (const id of ['disk', 'gpfs']) next.volume({}, id)
  // What was under way is done again, what was done is not.
  assert.deepEqual(
    next.settle().map(({ tier, files }) => [tier, files.map(({ path }) => path)]),
    [
      ['buffer', ['b']],
      ['disk', ['a']],
    ],
  )
})

test('shifts beyond the history are forgotten once they are cleared, and their figures are not lost', () => {
  const driver = tiered({ ...pair, history: 2 })
  for (let shift = 0; shift < 5; shift++) {
    driver.arrive(`f${shift}`)
    driver.changeUser(shift)
    for (const path of driver.leaving()) driver.release(path)
  }
  assert.deepEqual(
    shiftsOf(driver.state).map(({ number }) => number),
    [5, 4],
  )
  const counted = [...driver.state.counters.values()].reduce(
    (sum, byStorage) => sum + (byStorage.get('disk')?.copied ?? 0),
    0,
  )
  assert.equal(counted, 5)
  const keys = [...driver.values.keys()].filter((key) => key.startsWith(shiftKeys))
  assert.deepEqual(keys.sort(), ['shift/-1', 'shift/4', 'shift/5'])
})

test('a file whose copy to a tier was given up is not held there, and the shift is cleared without it', () => {
  const driver = tiered(chain)
  driver.announce('a', 'b')
  driver.copyTo('disk', 'a')
  for (const name of ['a', 'b']) driver.copyTo('gpfs', name)
  driver.failed('b', 'ERR_SUSTEN_NOT_REGULAR', 'storage')
  const held = (): unknown => tiersOf(driver.state).map((tier) => [tier.id, tier.held])
  assert.deepEqual(held(), [
    ['buffer', 2],
    ['disk', 1],
  ])
  driver.changeUser()
  for (let round = 0; round < 4; round++) {
    for (const { tier, files } of driver.settle()) for (const { path } of files) driver.release(path, 'released', tier)
  }
  assert.deepEqual(held(), [
    ['buffer', 0],
    ['disk', 0],
  ])
  const [, ended] = shiftsOf(driver.state)
  assert.deepEqual(
    ended?.tiers.map(({ tier, clearing }) => [tier, clearing]),
    [
      ['buffer', false],
      ['disk', false],
    ],
  )
})

test('a shift is listed with its user, and what is pending, copied and failed per storage', () => {
  const driver = tiered(pair)
  driver.feed({ type: 'userChange', uid: 12, gid: 34, userDirectory: 'p11' })
  driver.announce('a', 'b', 'c')
  driver.copyTo('disk', 'a')
  driver.failed('b', 'ENOENT', 'source')
  const [running, first] = shiftsOf(driver.state)
  assert.deepEqual(
    { ...running, started: 0, storages: running?.storages.map(({ bytes: _, ...rest }) => rest) },
    {
      number: 1,
      uid: 12,
      gid: 34,
      userDirectory: 'p11',
      started: 0,
      storages: [{ storage: 'disk', pending: 1, copied: 1, failed: 1 }],
      tiers: [{ tier: 'buffer', held: 2, links: 0, clearing: false }],
    },
  )
  assert.equal(first?.ended, running?.started)
})

test('files that stay cost no memory, however many there are', () => {
  const driver = tiered(pair)
  driver.arrive(...names(500))
  driver.changeUser()
  driver.fill(0.3)
  assert.ok(driver.state.files.size <= defaultLimits.releasing)
  const kept = tiered({ ...pair, policy: keepAll() })
  kept.arrive(...names(500))
  kept.changeUser()
  kept.fill(0.95)
  kept.settle()
  assert.equal(kept.state.files.size, 0)
  assert.equal(tiersOf(kept.state)[0]?.held, 500)
})

// ---- Policies --------------------------------------------------------------------------------------------------------

test('keepAll keeps everything, at a shift’s end too', () => {
  const driver = tiered({ ...pair, policy: keepAll() })
  driver.arrive('a')
  driver.changeUser()
  driver.fill(0.99)
  assert.deepEqual(driver.leaving(), [])
})

test('deleteAfterCopy gives back each file as soon as it is durable further down', () => {
  const driver = tiered({ ...chain, policy: deleteAfterCopy() })
  driver.announce('a')
  driver.copyTo('disk', 'a')
  assert.deepEqual(driver.leaving(), [], 'the external storage reads it now')
  driver.copyTo('gpfs', 'a')
  const [first] = driver.settle()
  assert.deepEqual([first?.tier, first?.files[0]?.by], ['buffer', 'delete'])
  driver.release('a')
  const [second] = driver.settle()
  assert.deepEqual([second?.tier, second?.files[0]?.by], ['disk', 'delete'])
  driver.release('a', 'released', 'disk')
  assert.equal(driver.records.size, 0)
})

test('leastRecentlyRead gives back first what was not read for longest', () => {
  const driver = tiered({ ...pair, policy: leastRecentlyRead() })
  driver.arrive(...names(40))
  for (const [i, name] of names(40).entries()) driver.accessed.set(name, (i * 17) % 40)
  driver.fill(0.8)
  const leaving = driver.leaving()
  const reads = leaving.map((name) => driver.accessed.get(name))
  assert.deepEqual(
    reads,
    Array.from({ length: 30 }, (_, i) => i),
  )
})

test('keepSeries keeps what matches, and leaves the rest to another policy', () => {
  for (const match of ['lysozyme', /_LYSOZYME_/gi, (path: string) => path.includes('lysozyme')]) {
    const driver = tiered({ ...pair, policy: keepSeries(match) })
    driver.arrive('x_lysozyme_1', 'other', 'y_lysozyme_2')
    driver.changeUser()
    assert.deepEqual(driver.leaving(), ['other'])
  }
})

test('a policy that deletes where links lead to the file gets a link, and that is told', () => {
  const policy: StoragePolicy = {
    name: 'odd',
    release: (_, { id }) => (id === 'buffer' ? { when: 'copied', by: 'link' } : { when: 'copied', by: 'delete' }),
  }
  const driver = tiered({ ...chain, policy })
  driver.arrive('a')
  driver.settle()
  driver.release('a')
  const commands = driver.all()
  const [release] = commands.flatMap((command) => (command.type === 'release' ? command.files : []))
  assert.equal(release?.by, 'link')
  const told = commands.flatMap((command) => (command.type === 'journal' ? command.notices : []))
  assert.ok(told.some((notice) => notice.type === 'message' && notice.message.code === 'POLICY'))
})

const wrong: Record<string, StoragePolicy['release']> = {
  'is no release': () => 'now' as never,
  'has no way': () => ({ when: 'copied' }) as never,
  'has an order that is none': () => ({ when: 'copied', by: 'delete', order: Number.NaN }),
  'is an error': () => {
    throw new Error('a mistake')
  },
}
for (const [what, release] of Object.entries(wrong)) {
  test(`a file stays, and it is told, where a policy's answer ${what}`, () => {
    const driver = tiered({ ...pair, policy: { name: 'wrong', ...(release && { release }) } })
    driver.arrive('a')
    const codes = driver.messages().map(({ code }) => code)
    assert.deepEqual([codes, driver.on('a')], [['POLICY'], 'held'])
  })
}

test('a policy sees what it needs to decide on a file', () => {
  const asked: unknown[] = []
  const policy: StoragePolicy = {
    name: 'curious',
    release(file, tier) {
      asked.push([file, tier])
      return { when: 'never' }
    },
  }
  const driver = tiered({ ...pair, policy })
  driver.arrive('run/a')
  const announced = driver.now
  const file = { path: 'run/a', replicated: 'run/a', shift: 0, announced, size: 10, modified: 0, accessed: 0 }
  assert.deepEqual(asked[0], [
    { ...file, durable: ['disk'] },
    { id: 'buffer', next: 'disk', fill: 0.2, limit: 0.8, createLinks: true },
  ])
})

test('the example of POLICIES.md that gives space back lets master files go last', () => {
  const text = readFileSync(new URL('../../docs/POLICIES.md', import.meta.url), 'utf8')
  const example = [...text.matchAll(/```ts\n([\s\S]*?)```/g)]
    .map(([, code]) => code)
    .find((code) => code?.includes('grimsel()'))
  const code = example
    ?.replace(/^import.*$/m, '')
    .replace(/^await using[\s\S]*/m, '')
    .replace('const mastersLast: StoragePolicy =', 'return')
  const policy = new Function('grimsel', code ?? '')(grimsel) as StoragePolicy
  const driver = tiered({ ...pair, policy })
  driver.arrive('x_master.h5')
  driver.pass(1000)
  driver.arrive(...names(40))
  driver.fill(0.9)
  assert.deepEqual(driver.leaving(), names(40))
  driver.fill(0.95)
  for (const name of names(40)) driver.release(name)
  assert.deepEqual(driver.leaving(), ['x_master.h5'])
})

test('a file that has to go is kept only for a moment for a slow storage that has it in hand', () => {
  for (const ends of [false, true]) {
    const driver = tiered(chain)
    driver.announce('a')
    driver.copyTo('disk', 'a')
    if (ends) driver.changeUser()
    else driver.fill(0.95)
    assert.deepEqual(driver.leaving(), [])
    driver.pass(199)
    assert.deepEqual(driver.leaving(), [])
    driver.pass(1)
    assert.deepEqual(driver.leaving(), ['a'])
    // The slow one comes to it at last, and finds it put away.
    driver.failed('a', 'ENOENT', 'source', 'gpfs')
    driver.release('a')
    driver.pass(10_000)
    const [copy] = driver.all().flatMap((command) => (command.type === 'copy' ? command.files : []))
    assert.deepEqual([copy?.path, copy?.from], ['a', 'disk'])
  }
})

test('a file that merely may go is kept as long as a copy has it in hand', () => {
  const driver = tiered({ ...chain, policy: deleteAfterCopy() })
  driver.announce('a')
  driver.copyTo('disk', 'a')
  driver.pass(60_000)
  assert.deepEqual(driver.leaving(), [])
  driver.copyTo('gpfs', 'a')
  assert.deepEqual(driver.leaving(), ['a'])
})

test('a copy that was to be read from a tier which has given the file back is read from the next one', () => {
  const storages = [...(chain.storages ?? []), { id: 'tape', type: 'optional', target: bytes('/tape') } as const]
  const driver = tiered({ ...chain, storages })
  driver.announce('a')
  driver.copyTo('disk', 'a')
  driver.changeUser()
  driver.pass(1000)
  assert.deepEqual(driver.leaving(), ['a'])
  driver.release('a')
  driver.failed('a', 'ELOOP', 'source', 'tape')
  driver.pass(10_000)
  const froms = (): unknown[] =>
    driver.all().flatMap((command) => (command.type === 'copy' ? command.files.map(({ from }) => from) : []))
  assert.deepEqual(froms(), ['disk'])
  driver.copyTo('gpfs', 'a')
  driver.pass(1000)
  assert.deepEqual(driver.leaving(), ['a'])
  driver.failed('a', 'ENOENT', 'source', 'tape')
  driver.release('a', 'released', 'disk')
  driver.pass(10_000)
  assert.deepEqual(froms(), ['gpfs'])
})

test('directories that deleted files left behind go at the end of the shift', () => {
  const driver = tiered({ ...pair, policy: { ...grimsel(), release: deleteAfterCopy().release } as StoragePolicy })
  driver.arrive('p11/run1/a', 'p11/run2/b')
  for (const name of driver.leaving()) driver.release(name)
  driver.changeUser()
  const releases = [...driver.settle(), ...driver.all()].filter((command) => command.type === 'release')
  assert.deepEqual(
    releases.map(({ files, directories }) => [files, directories]),
    [[[], ['p11/run1', 'p11/run2', 'p11']]],
  )
})

test('a copy that was read before its file was given back does not bring it back', () => {
  const driver = tiered(chain)
  driver.announce('a')
  driver.copyTo('disk', 'a')
  driver.changeUser()
  driver.pass(1000)
  assert.deepEqual(driver.leaving(), ['a'])
  driver.release('a')
  assert.equal(driver.on('a'), 'gone')
  driver.copyTo('gpfs', 'a')
  assert.equal(driver.on('a'), 'gone')
})

test('a storage that is full gives space back, and serves what it has', () => {
  const driver = tiered(chain)
  for (const name of names(20)) {
    driver.announce(name)
    driver.copyTo('disk', name)
    driver.copyTo('gpfs', name)
  }
  driver.announce('more')
  driver.failed('more', 'ENOSPC', 'storage', 'disk')
  assert.notEqual(driver.storage('disk').mode, 'up')
  driver.fill(0.95, 'disk')
  assert.ok(driver.leaving().length > 0, 'it makes room')
  driver.fill(0.95)
  assert.ok(driver.leaving().length > 0, 'it serves what the buffer gives back')
})

test('a copy that was read from a storage lands after that storage got a newer version: copied again', () => {
  const driver = tiered(chain)
  driver.feed({ type: 'pause', storage: 'gpfs' })
  driver.announce('a')
  driver.copyTo('disk', 'a', 10)
  driver.fill(0.9)
  driver.settle()
  driver.release('a')
  driver.take('copy')
  driver.feed({ type: 'resume', storage: 'gpfs' })
  const [order] = driver.take('copy').flatMap(({ files }) => files)
  assert.equal(order?.from, 'disk')
  // The writer takes the link away and writes another version; the internal storage is quick.
  driver.announce('a')
  driver.copyTo('disk', 'a', 11)
  driver.copyTo('gpfs', 'a', 10)
  assert.equal(driver.copy('a', 'gpfs')?.state, 'pending')
})

test('what is to be read from a storage that is out is read from another one, or waits without being tried at once', () => {
  const storages = [...(chain.storages ?? []), { id: 'tape', type: 'optional', target: bytes('/tape') } as const]
  const driver = tiered({ ...chain, storages })
  driver.feed({ type: 'pause', storage: 'tape' })
  driver.announce('a')
  driver.copyTo('disk', 'a')
  driver.changeUser()
  driver.pass(200)
  assert.deepEqual(driver.leaving(), ['a'])
  driver.release('a')
  driver.feed({
    type: 'unavailable',
    storage: 'disk',
    failure: { code: 'EIO', errno: 5, syscall: 'statvfs', path: bytes('/disk') },
  })
  driver.take('copy')
  driver.feed({ type: 'resume', storage: 'tape' })
  assert.deepEqual(driver.take('copy'), [])
  driver.copyTo('gpfs', 'a')
  driver.pass(10_000)
  const [order] = driver.take('copy').flatMap(({ files }) => files)
  assert.equal(order?.from, 'gpfs')
})

test("a user's directory is not removed while his shift runs, though it was made, and used, before", () => {
  const driver = tiered(pair)
  driver.feed({ type: 'userChange', uid: 1, gid: 1, userDirectory: 'p11/lab' })
  driver.arrive('p11/lab/run/a')
  driver.feed({ type: 'userChange', uid: 1, gid: 1, userDirectory: 'p11/lab' })
  const releases = driver.settle()
  assert.deepEqual(
    releases.flatMap(({ directories }) => directories),
    ['p11/lab/run'],
  )
})

test('directories are written to the journal when they change, not with every figure', () => {
  const driver = tiered(pair)
  driver.arrive('deep/er/a', 'deep/er/b')
  driver.changeUser()
  assert.equal(driver.settle().length, 1)
  for (const name of ['deep/er/a', 'deep/er/b']) driver.release(name)
  assert.equal(JSON.stringify([...driver.values].filter(([key]) => key.startsWith(shiftKeys))).includes('deep'), false)
})

test("a policy's answer that is another one each time, or a promise, holds up nothing", async () => {
  let turn = 0
  const tricky: StoragePolicy = {
    name: 'tricky',
    release: () => ({
      when: 'copied',
      get by() {
        turn += 1
        return turn % 2 === 0 ? 'link' : 'delete'
      },
    }),
  }
  const driver = tiered({ ...chain, policy: tricky })
  driver.arrive('a', 'b')
  assert.ok(driver.leaving().length <= 2)
  const late = { name: 'late', release: () => Promise.reject(new Error('late')) } as unknown as StoragePolicy
  const other = tiered({ ...chain, policy: late })
  other.arrive('a')
  assert.ok(other.messages().some(({ code, text }) => code === 'POLICY' && text.includes('promise')))
  assert.deepEqual(other.leaving(), [])
  // An unhandled rejection would end the process in the next turns.
  await new Promise((resolve) => setImmediate(resolve))
})
