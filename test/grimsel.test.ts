import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { deleteAfterCopy, Grimsel, Mirror, type StoragePolicy } from 'susten'
import {
  createGrimselPlace,
  external,
  grimselOptions,
  internal,
  openFor,
  optional,
  take,
} from './support/grimsel-world.js'
import { filesBelow, heard, until } from './support/mirror-world.js'

const user = { uid: 1000, gid: 100 }

test('only files that are announced are copied, and only those ever leave the buffer', async (t) => {
  const place = await createGrimselPlace(t)
  const { grimsel } = await openFor(t, place)
  place.write('run/notes.txt')
  await take(place, grimsel, 'run/a')
  await grimsel.changeUser(user)
  await grimsel.idle()
  assert.deepEqual(filesBelow(place.gpfs), ['run/a'])
  assert.deepEqual(filesBelow(place.buffer), ['run/notes.txt'])
})

test("a user change clears the old shift's files from the buffer, and from the internal storage, with their directories", async (t) => {
  const place = await createGrimselPlace(t)
  const { grimsel, told } = await openFor(t, place)
  await take(place, grimsel, 'run1/a', 'run1/deep/b')
  assert.deepEqual([place.at('buffer', 'run1/a'), place.at('disk', 'run1/a')], ['file', 'file'])
  assert.equal(await grimsel.changeUser({ ...user, userDirectory: 'lab' }), 1)
  await take(place, grimsel, 'run2/c')
  for (const where of ['buffer', 'disk'] as const) {
    assert.deepEqual([place.at(where, 'run1'), place.at(where, 'run2/c')], ['nothing', 'file'], where)
  }
  assert.deepEqual(filesBelow(place.gpfs), ['run1/a', 'run1/deep/b', 'run2/c'])
  await until(() => told.messages.filter(({ code }) => code === 'SHIFT_CLEARED').length === 2, 'both are cleared')
  const [running, old] = grimsel.status().shifts
  assert.deepEqual([running?.number, running?.uid, running?.gid, running?.userDirectory], [1, 1000, 100, 'lab'])
  assert.deepEqual(old?.storages, [
    { storage: 'disk', pending: 0, copied: 2, failed: 0, bytes: 39 },
    { storage: 'gpfs', pending: 0, copied: 2, failed: 0, bytes: 39 },
  ])
})

test('it is not idle before the directories of an old shift are gone, though its files are', async (t) => {
  const place = await createGrimselPlace(t)
  const engines = { disk: { faults: [{ call: 'unlinkat', effect: 'delay', delay: 150, times: -1 }] } } as const
  const { grimsel } = await openFor(t, place, { engines })
  await take(place, grimsel, 'run1/a')
  await grimsel.changeUser(user)
  await grimsel.idle()
  assert.equal(place.at('disk', 'run1'), 'nothing')
})

test('without an external storage the internal one is never cleared', async (t) => {
  const place = await createGrimselPlace(t)
  const { grimsel } = await openFor(t, place, { storages: [internal(place)] })
  await take(place, grimsel, 'a')
  await grimsel.changeUser(user)
  await grimsel.idle()
  assert.deepEqual([place.at('buffer', 'a'), place.at('disk', 'a')], ['nothing', 'file'])
})

test('files of an ended shift stay until they are durable further down', async (t) => {
  const place = await createGrimselPlace(t)
  const { grimsel } = await openFor(t, place)
  grimsel.pause('gpfs')
  await grimsel.add([place.write('a'), place.write('b')])
  await grimsel.changeUser(user)
  await until(() => place.at('buffer', 'a') === 'nothing', 'the buffer is cleared')
  assert.deepEqual([place.at('disk', 'a'), place.at('disk', 'b')], ['file', 'file'])
  grimsel.resume('gpfs')
  await grimsel.idle()
  assert.deepEqual([filesBelow(place.disk), filesBelow(place.gpfs)], [[], ['a', 'b']])
})

test('a storage that was held up gets its files from further down once the buffer has given them back', async (t) => {
  const place = await createGrimselPlace(t)
  const { grimsel } = await openFor(t, place, { storages: [internal(place), external(place), optional(place)] })
  grimsel.pause('tape')
  place.write('p/run/a', 'first')
  place.write('p/run/b', 'second')
  await grimsel.add(['p/./run/a', 'p/run/b'])
  await grimsel.changeUser(user)
  await until(() => place.at('disk', 'run/a') === 'nothing', 'both tiers are cleared')
  grimsel.resume('tape')
  await grimsel.idle()
  assert.deepEqual(filesBelow(place.tape), ['p/run/b', 'run/a'])
  assert.equal(readFileSync(join(place.tape, 'run/a'), 'utf8'), 'first')
})

test('a storage that others are to read from is asked for its identity first', async (t) => {
  const place = await createGrimselPlace(t)
  const storages = [internal(place), optional(place)]
  const { grimsel } = await openFor(t, place, { storages })
  grimsel.pause('tape')
  await grimsel.add(place.write('a'))
  await grimsel.changeUser(user)
  await until(() => place.at('buffer', 'a') === 'nothing', 'the buffer is cleared')
  // What stands there now is no storage of ours, whatever it holds.
  renameSync(place.disk, `${place.disk}-away`)
  grimsel.resume('tape')
  await until(() => grimsel.status().storages[0]?.state === 'down', 'the internal storage is out')
  assert.equal(grimsel.status().storages[1]?.failed, 0)
  renameSync(`${place.disk}-away`, place.disk)
  await grimsel.idle()
  assert.deepEqual(filesBelow(place.tape), ['a'])
})

test('a file that is announced again after it was released is copied again', async (t) => {
  const place = await createGrimselPlace(t)
  const { grimsel } = await openFor(t, place, { policy: deleteAfterCopy(), storages: [internal(place)] })
  await take(place, grimsel, 'a')
  assert.equal(place.at('buffer', 'a'), 'nothing')
  place.write('a', 'another content')
  await grimsel.add('a')
  await grimsel.idle()
  assert.equal(readFileSync(join(place.disk, 'a'), 'utf8'), 'another content')
  // Two contents under one name: the older one was kept.
  assert.equal(filesBelow(place.disk).length, 2)
})

test('a link that stands for a released file is replaced by a newer one, and not kept as a version', async (t) => {
  const place = await createGrimselPlace(t)
  const linked: StoragePolicy = { name: 'links', release: () => ({ when: 'copied', by: 'link' }) }
  const { grimsel, told } = await openFor(t, place, { policy: linked })
  await take(place, grimsel, 'run/a')
  const onGpfs = join(place.gpfs, 'run/a')
  assert.equal(place.at('disk', 'run/a'), onGpfs)
  rmSync(join(place.buffer, 'run/a'))
  place.write('run/a', 'another content')
  await grimsel.add('run/a')
  await grimsel.idle()
  assert.equal(readFileSync(join(place.disk, 'run/a'), 'utf8'), 'another content')
  assert.deepEqual(filesBelow(place.disk), ['run/a'])
  // Of the content there were two.
  assert.deepEqual(filesBelow(place.gpfs), ['run/a', 'run/a.~1~'])
  assert.deepEqual(
    told.messages.filter(({ code }) => code === 'COLLISION').map(({ storage }) => storage),
    ['gpfs'],
  )
})

test("a link in a file's place that is not ours is kept", async (t) => {
  const place = await createGrimselPlace(t)
  const { grimsel } = await openFor(t, place)
  symlinkSync('/somewhere', join(place.disk, 'a'))
  await take(place, grimsel, 'a')
  assert.deepEqual([place.at('disk', 'a'), place.at('disk', 'a.~1~')], ['file', '/somewhere'])
})

test('where groups are left to the system, directories hand on theirs at every depth', async (t) => {
  if (process.geteuid?.() !== 0) return t.skip('needs root to give away groups')
  const place = await createGrimselPlace(t)
  chownSync(place.disk, 0, 777)
  chmodSync(place.disk, 0o2775)
  const { grimsel } = await openFor(t, place, { storages: [{ ...internal(place), preserve: { gid: 'off' } }] })
  await take(place, grimsel, 'run/deep/a')
  for (const name of ['run', 'run/deep', 'run/deep/a']) {
    assert.equal(lstatSync(join(place.disk, name)).gid, 777, name)
  }
  assert.equal(lstatSync(join(place.disk, 'run/deep')).mode & 0o2000, 0o2000)
  assert.equal(lstatSync(join(place.disk, 'run/deep/a')).mode & 0o7000, 0)
})

test('shifts, and what is to be cleared, outlast a restart', async (t) => {
  const place = await createGrimselPlace(t)
  const first = await openFor(t, place)
  first.grimsel.pause('disk')
  await first.grimsel.add([place.write('a'), place.write('b')])
  await first.grimsel.changeUser({ ...user, userDirectory: 'lab' })
  await first.grimsel.close('stop')
  assert.equal(place.at('buffer', 'a'), 'file')
  const { grimsel } = await openFor(t, place)
  await grimsel.idle()
  assert.equal(place.at('buffer', 'a'), 'nothing')
  const [running] = grimsel.status().shifts
  assert.deepEqual([running?.number, running?.uid, running?.userDirectory], [1, 1000, 'lab'])
  assert.equal(await grimsel.changeUser(user), 2)
})

test('user changes that come at once each begin a shift of their own', async (t) => {
  const place = await createGrimselPlace(t)
  const { grimsel } = await openFor(t, place)
  const numbers = await Promise.all([1, 2, 3].map((uid) => grimsel.changeUser({ uid, gid: 0 })))
  assert.deepEqual(numbers, [1, 2, 3])
  assert.deepEqual(
    grimsel.status().shifts.map(({ uid }) => uid),
    [3, 2, 1, 0],
  )
})

test('what a dead process had put away for a release is back under its name before anything is copied', async (t) => {
  const place = await createGrimselPlace(t)
  const options = grimselOptions(place, { storages: [internal(place)] })
  const victim = fileURLToPath(new URL('./fixtures/grimsel-held.js', import.meta.url))
  const file = place.write('run/a')
  const child = spawn(process.execPath, [victim, JSON.stringify(options), file], { stdio: 'inherit' })
  const exit = once(child, 'exit')
  await until(() => !existsSync(file), 'it is put away')
  child.kill('SIGKILL')
  await exit
  const { grimsel } = await openFor(t, place, { storages: [internal(place)] })
  assert.equal(readFileSync(file, 'utf8'), 'content of run/a')
  await grimsel.idle()
  assert.deepEqual([filesBelow(place.buffer), filesBelow(place.disk)], [['run/a'], ['run/a']])
})

test('a journal belongs to a Grimsel or to a Mirror, not to both', async (t) => {
  const place = await createGrimselPlace(t)
  const { grimsel } = await openFor(t, place)
  await grimsel.close()
  const storages = [internal(place)]
  await assert.rejects(Mirror.open({ source: place.buffer, storages, journal: place.journal }), {
    code: 'ERR_SUSTEN_OPTION',
    message: `journal ${place.journal} is that of a Grimsel, not of a Mirror; give this one a journal of its own`,
  })
})

test('who leaves its scope stops it, and calls after that say so', async (t) => {
  const place = await createGrimselPlace(t)
  const { grimsel } = await openFor(t, place)
  await grimsel[Symbol.asyncDispose]()
  await assert.rejects(grimsel.add('a'), { code: 'ERR_SUSTEN_CLOSED' })
  await assert.rejects(grimsel.changeUser(user), { code: 'ERR_SUSTEN_CLOSED', message: 'the Grimsel is closed' })
  await assert.rejects(grimsel.add('/etc/passwd'), { code: 'ERR_SUSTEN_CLOSED' })
})

for (const [what, more, message] of [
  ['no buffer', { buffer: undefined }, "option 'buffer' is missing"],
  ['a relative buffer', { buffer: { directory: 'buffer' } }, "option 'buffer.directory' must be an absolute path"],
  ['an unknown option', { watch: true }, "'watch'"],
  ['no durability', { durability: 'none' }, "option 'durability' must be"],
  ['a limit of 1', { space: { limit: 1 } }, "option 'space.limit' must be a fraction from 0.01 to less than 1"],
  ['a low mark above the limit', { space: { limit: 0.5, lowWater: 0.6 } }, "option 'space.lowWater' must be"],
  ['no shift remembered', { history: 0 }, "option 'history'"],
] as const) {
  test(`${what} is refused, and names the option`, async (t) => {
    const place = await createGrimselPlace(t)
    const options = { ...grimselOptions(place), ...more } as unknown as Parameters<typeof Grimsel.open>[0]
    await assert.rejects(Grimsel.open(options), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'ERR_SUSTEN_OPTION')
      assert.ok(error.message.includes(message), error.message)
      return true
    })
    assert.equal(existsSync(place.journal), false)
  })
}

for (const [wrong, message] of [
  [{ uid: -1, gid: 0 }, "'uid'"],
  [{ uid: 0, gid: 1.5 }, "'gid'"],
  [{ uid: 0, gid: 0, userDirectory: '/abs' }, "'userDirectory'"],
  [{ uid: 0, gid: 0, userDirectory: 'a/../b' }, "'userDirectory'"],
  [{ uid: 0, gid: 0, userDirectory: 'a\nb' }, "'userDirectory' must have no control characters"],
  [{ uid: 0, userDirectory: '$HOME' }, "'userDirectory' must have no '$'"],
  [{}, 'names nobody'],
] as const) {
  test(`a user ${JSON.stringify(wrong)} is refused`, async (t) => {
    const place = await createGrimselPlace(t)
    const { grimsel } = await openFor(t, place)
    await assert.rejects(grimsel.changeUser(wrong), (error: Error) => error.message.includes(message))
    assert.equal(grimsel.status().shifts.length, 1)
  })
}

test('a buffer that is not there, or not mounted where it should be, is refused', async (t) => {
  const place = await createGrimselPlace(t)
  const directory = place.buffer
  await assert.rejects(openFor(t, place, { buffer: { directory, mountPoint: directory } }), {
    code: 'ERR_SUSTEN_STORAGE',
    message: `${directory} doesn't lie on a file system that is mounted at ${directory}: mount it, or give its right place`,
  })
  rmSync(directory, { recursive: true })
  await assert.rejects(openFor(t, place), { code: 'ENOENT', path: directory })
  // Neither has taken the journal.
  mkdirSync(directory)
  writeFileSync(join(directory, 'a'), '')
  const { grimsel, told } = await openFor(t, place)
  await grimsel.add('b')
  assert.equal((await heard(told, 'COPY_ERROR')).code, 'COPY_ERROR')
})
