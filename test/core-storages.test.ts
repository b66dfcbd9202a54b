import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultLimits } from '#lib/core/index.js'
import { Driver, ready } from './support/core-driver.js'
import { bytes } from './support/core-world.js'

const lost = { code: 'ENOENT', errno: 2, syscall: 'open', path: bytes('/disk') }

test('nothing is copied to a storage before its file system was read', () => {
  const driver = new Driver()
  driver.announce('a')
  assert.deepEqual(driver.ordered(), [])
  driver.volume()
  assert.deepEqual(driver.ordered(), ['a'])
})

test('the first file system that is read is the storage, and every copy is bound to it', () => {
  const driver = new Driver()
  driver.volume()
  driver.announce('a')
  assert.deepEqual(driver.values.get('identities'), { disk: 'own-disk' })
  assert.deepEqual(
    driver.take('copy').map(({ identity }) => identity),
    ['own-disk'],
  )
})

test('another file system than the journaled one gets nothing', () => {
  const driver = new Driver({}, { identities: { disk: 'own-disk' } })
  driver.announce('a')
  driver.volume({ identity: 'another' })
  driver.pass(3_600_000)
  assert.deepEqual(driver.ordered(), [])
  assert.equal(driver.storage().mode, 'down')
  driver.volume()
  assert.deepEqual(driver.ordered(), ['a'])
})

test('an exchange while copies go on is told once, and its end once', () => {
  const driver = ready()
  for (let i = 0; i < 5; i++) driver.volume({ identity: 'another' })
  driver.volume()
  driver.volume()
  const told = driver.messages().map(({ code, storage, severity }) => [code, storage, severity])
  assert.deepEqual(told, [
    ['STORAGE_UNAVAILABLE', 'disk', 'error'],
    ['STORAGE_BACK', 'disk', 'info'],
  ])
})

/** The file system of a disk with this number, mounted somewhere. */
const mountedAt = (place: string, disk: number) => ({
  mountPoint: bytes(place),
  identity: `ext4 uuid=${disk} root=/ at=${place}`,
})

/** The text of the one message that a storage is unavailable. */
function unavailableText(driver: Driver): string {
  const told = driver.messages().filter(({ code }) => code === 'STORAGE_UNAVAILABLE')
  assert.equal(told.length, 1)
  return told[0]?.text ?? ''
}

test('an exchanged disk and one that is not mounted are told apart, and only one may be meant', () => {
  const exchanged = new Driver()
  exchanged.volume(mountedAt('/disk', 1))
  exchanged.volume(mountedAt('/disk', 2))
  assert.match(
    unavailableText(exchanged),
    /another file system was mounted at \/disk in its place; if .* exchanged, accept it as storage 'disk';/,
  )
  const unmounted = new Driver({}, { identities: { disk: mountedAt('/disk', 1).identity } })
  unmounted.volume(mountedAt('/', 3))
  assert.match(
    unavailableText(unmounted),
    /its file system is not mounted; what is there now belongs to the one at \/;/,
  )
})

test('an exchange that comes after an unmount is told as well', () => {
  const driver = new Driver()
  driver.volume(mountedAt('/disk', 1))
  driver.volume(mountedAt('/', 3))
  driver.volume(mountedAt('/disk', 2))
  const texts = driver.messages().map(({ text }) => text)
  assert.match(texts[0] ?? '', /not mounted/)
  assert.match(texts[1] ?? '', /accept it as storage 'disk'/)
})

test('a wrong mountPoint is told as what it is: the target lies elsewhere', () => {
  const storages = [
    { id: 'disk', type: 'internal', target: bytes('/disk/raw'), mountPoint: bytes('/dev/shm') },
  ] as const
  const driver = new Driver({ storages })
  driver.volume({ mountPoint: bytes('/disk') })
  assert.match(
    unavailableText(driver),
    /target lies on the file system mounted at \/disk, not on one mounted at \/dev\/shm, as it must;/,
  )
})

test('messages about storages and the source say what an error code means', () => {
  const driver = ready()
  const full = { code: 'ENOSPC', errno: 28, syscall: 'pwrite', path: bytes('/disk/a') }
  driver.feed({ type: 'unavailable', storage: 'disk', failure: full })
  assert.match(unavailableText(driver), /is unavailable: no space left on device \(ENOSPC, pwrite\); its files wait/)
  driver.feed({ type: 'source', available: false, failure: { ...lost, path: bytes('/source') } })
  const [message] = driver.messages()
  assert.match(message?.text ?? '', /is unavailable: no such file or directory \(ENOENT, open\); all files wait/)
})

test('a file system that is not mounted where it should be gets nothing, at the first start too', () => {
  const storages = [{ id: 'disk', type: 'internal', target: bytes('/disk/raw'), mountPoint: bytes('/disk') }] as const
  const driver = new Driver({ storages })
  driver.announce('a')
  driver.volume({ mountPoint: bytes('/'), identity: 'root' })
  assert.deepEqual(driver.ordered(), [])
  assert.equal(driver.storage().identity, undefined, 'the file system below is not taken for the storage')
  driver.volume()
  assert.deepEqual(driver.ordered(), ['a'])
})

test('a read-only file system gets nothing', () => {
  const driver = new Driver()
  driver.announce('a')
  driver.volume({ readOnly: true })
  assert.deepEqual(driver.ordered(), [])
  assert.match(driver.storage().failure?.code ?? '', /EROFS/)
})

test('an accepted file system is the storage from then on', () => {
  const driver = new Driver({}, { identities: { disk: 'own-disk' } })
  driver.announce('a')
  driver.volume({ identity: 'another' })
  driver.feed({ type: 'accept', storage: 'disk' })
  driver.volume({ identity: 'another' })
  assert.deepEqual(driver.ordered(), ['a'])
  assert.deepEqual(driver.values.get('identities'), { disk: 'another' })
  driver.volume()
  assert.equal(driver.storage().mode, 'down', 'the old one is the stranger now')
})

test('accepting does not accept what can not be written to', () => {
  const driver = new Driver({}, { identities: { disk: 'own-disk' } })
  driver.volume({ identity: 'another', readOnly: true })
  driver.feed({ type: 'accept', storage: 'disk' })
  driver.volume({ identity: 'another', readOnly: true })
  assert.deepEqual([driver.storage().mode, driver.storage().identity], ['down', 'own-disk'])
})

for (const code of ['ENOSPC', 'EROFS', 'ESTALE', 'EIO', 'ETIMEDOUT', 'ENOTCONN', 'ERR_SUSTEN_STORAGE']) {
  test(`${code} stops the whole storage, fails no file, and a few copies try again later`, () => {
    const driver = ready()
    const names = Array.from({ length: 20 }, (_, i) => `f${String(i).padStart(2, '0')}`)
    driver.announce(...names)
    assert.equal(driver.ordered().length, 20)
    for (const name of names) driver.failed(name, code)
    driver.volume()
    assert.deepEqual(driver.ordered(), [])
    assert.deepEqual([driver.storage().mode, driver.storage().pending], ['down', 20])
    assert.equal(driver.copy('f00')?.attempts, 0)
    driver.pass(1000)
    assert.equal(driver.storage().mode, 'probing')
    assert.equal(driver.ordered().length, defaultLimits.probe)
  })
}

test('a storage that is tried again in vain is tried less and less often', () => {
  const driver = ready()
  driver.announce('a')
  const waits: number[] = []
  for (let i = 0; i < 12; i++) {
    driver.failed('a', 'ENOSPC')
    const due = driver.storage().retryAt - driver.now
    waits.push(due)
    assert.ok(driver.state.wake <= driver.storage().retryAt, 'it asks to be woken')
    driver.take('copy')
    driver.pass(due)
    assert.deepEqual(driver.ordered(), ['a'])
  }
  assert.ok(waits.every((wait, i) => i === 0 || wait >= (waits[i - 1] ?? 0) * 0.75))
  assert.ok((waits.at(0) ?? 0) <= 1000 && (waits.at(-1) ?? 0) >= 45_000 && (waits.at(-1) ?? 0) <= 60_000)
})

test('many copies that fail for the same reason count as one failure of the storage', () => {
  const driver = ready()
  const names = Array.from({ length: 100 }, (_, i) => `f${i}`)
  driver.announce(...names)
  for (const name of names) driver.failed(name, 'ENOSPC')
  assert.equal(driver.storage().strikes, 1)
  assert.equal(driver.messages().filter(({ code }) => code === 'STORAGE_UNAVAILABLE').length, 1)
})

test('one copy that succeeds brings a storage back, and all files go on', () => {
  const driver = ready()
  const names = Array.from({ length: 20 }, (_, i) => `f${i}`)
  driver.announce(...names)
  for (const name of names) driver.failed(name, 'ENOSPC')
  driver.take('copy')
  driver.pass(1000)
  const [first] = driver.ordered()
  driver.copied(first ?? '')
  assert.equal(driver.storage().mode, 'up')
  assert.equal(driver.take('copy').flatMap(({ files }) => files).length, 18)
})

test('a copy that was begun before a storage failed does not bring it back', () => {
  const driver = ready()
  driver.announce('early', 'full')
  driver.failed('full', 'ENOSPC')
  driver.copied('early')
  assert.equal(driver.storage().mode, 'down')
})

test('a failure of a copy that was begun before does not count again', () => {
  const driver = ready()
  driver.announce('a', 'b')
  driver.failed('a', 'ENOSPC')
  driver.pass(1000)
  assert.deepEqual(driver.ordered().slice(-1), ['a'])
  driver.failed('b', 'ENOSPC')
  assert.deepEqual([driver.storage().mode, driver.storage().strikes], ['probing', 1])
})

test('a file that does not fit lets smaller ones go first', () => {
  const driver = ready({ limits: { ...defaultLimits, probe: 1 } })
  driver.announce('giant', 'small')
  driver.failed('giant', 'ENOSPC')
  driver.failed('small', 'ENOSPC')
  driver.take('copy')
  driver.pass(1000)
  const tried = driver.ordered()
  driver.failed(tried[0] ?? '', 'ENOSPC')
  driver.pass(3000)
  assert.notDeepEqual(driver.ordered(), tried)
})

test('an I/O error is the file’s own once other copies succeed and this one still fails', () => {
  const driver = ready()
  driver.announce('bad', 'good')
  driver.failed('bad', 'EIO')
  assert.deepEqual([driver.storage().mode, driver.copy('bad')?.attempts], ['down', 0])
  driver.pass(1000)
  driver.failed('bad', 'EIO')
  assert.deepEqual([driver.storage().mode, driver.copy('bad')?.attempts], ['down', 0], 'nothing has worked since')
  driver.copied('good')
  for (const attempts of [1, 2, 3]) {
    driver.pass(60_000)
    driver.failed('bad', 'EIO')
    assert.equal(driver.copy('bad')?.attempts, attempts)
    driver.announce(`more${attempts}`)
    driver.copied(`more${attempts}`)
  }
  assert.deepEqual([driver.copy('bad')?.state, driver.storage().mode], ['failed', 'up'])
})

test('a storage that can not be read is unavailable until it can', () => {
  const driver = ready()
  driver.feed({ type: 'unavailable', storage: 'disk', failure: lost })
  driver.announce('a')
  driver.pass(3_600_000)
  assert.deepEqual(driver.ordered(), [])
  driver.volume()
  assert.deepEqual([driver.ordered(), driver.storage().mode], [['a'], 'up'])
})

test('a copy to the wrong file system is put back, and the storage waits for the right one', () => {
  const driver = ready()
  driver.announce('a', 'b')
  const failure = { code: 'ERR_SUSTEN_STORAGE', errno: 0, syscall: 'open', path: bytes('/disk') }
  driver.feed({ type: 'returned', storage: 'disk', paths: [bytes('a'), bytes('b')], side: 'storage', failure })
  assert.deepEqual([driver.storage().mode, driver.storage().flying, driver.storage().pending], ['down', 0, 2])
})

test('without the source nothing is copied to any storage; no file fails', () => {
  const driver = ready()
  driver.announce('a')
  driver.take('copy')
  const failure = { code: 'ENOENT', errno: 2, syscall: 'open', path: bytes('/source') }
  driver.feed({ type: 'returned', storage: 'disk', paths: [bytes('a')], side: 'source', failure })
  driver.announce('b')
  driver.pass(60_000)
  assert.deepEqual(driver.ordered(), [])
  driver.feed({ type: 'source', available: true })
  assert.deepEqual(driver.ordered().sort(), ['a', 'b'])
})

test('a paused storage gets nothing until it is resumed; others go on', () => {
  const storages = [
    { id: 'disk', type: 'internal', target: bytes('/disk') },
    { id: 'gpfs', type: 'external', target: bytes('/gpfs') },
  ] as const
  const driver = ready({ storages })
  driver.feed({ type: 'pause', storage: 'gpfs' })
  driver.announce('a')
  assert.deepEqual(
    driver.take('copy').map(({ storage }) => storage),
    ['disk'],
  )
  driver.feed({ type: 'resume', storage: 'gpfs' })
  assert.deepEqual(
    driver.take('copy').map(({ storage }) => storage),
    ['gpfs'],
  )
})

test('resuming all resumes what was paused by itself, too; resuming one of all leaves the others paused', () => {
  const storages = [
    { id: 'disk', type: 'internal', target: bytes('/disk') },
    { id: 'gpfs', type: 'external', target: bytes('/gpfs') },
  ] as const
  const driver = ready({ storages })
  const copying = () => driver.take('copy').map(({ storage }) => storage)
  driver.feed({ type: 'pause', storage: 'gpfs' })
  driver.feed({ type: 'resume' })
  driver.announce('a')
  assert.deepEqual(copying().sort(), ['disk', 'gpfs'])
  driver.feed({ type: 'pause' })
  driver.feed({ type: 'resume', storage: 'disk' })
  driver.announce('b')
  assert.deepEqual(copying(), ['disk'])
})

test('a full storage is tried as soon as somebody has made room', () => {
  const driver = new Driver()
  driver.volume({ total: 1000, available: 0 })
  for (let i = 0; i < 12; i++) {
    driver.announce('a')
    driver.failed('a', 'ENOSPC', 'storage')
    driver.pass(60_000)
    driver.take('copy')
  }
  driver.failed('a', 'ENOSPC', 'storage')
  assert.equal(driver.storage().mode, 'down')
  driver.volume({ total: 1000, available: 5 })
  assert.equal(driver.storage().mode, 'down')
  driver.volume({ total: 1000, available: 500 })
  assert.deepEqual(driver.ordered(), ['a'])
})
