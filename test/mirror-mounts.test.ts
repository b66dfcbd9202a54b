import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createPlace, figures, filesBelow, heard, message, open, until } from './support/mirror-world.js'
import { command, mount, whyNot } from './support/mounts.js'

const why = whyNot('tmpfs')

/** A place whose storage `gpfs` is a tmpfs of its own, for who knows how long. */
async function mountedPlace(t: TestContext, size = 4 << 20) {
  const place = await createPlace(t)
  const mountTmpfs = (bytes = size): string =>
    command('mount', '-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', place.gpfs)
  const unmount = (): string => command('umount', place.gpfs)
  mountTmpfs()
  t.after(() => {
    for (;;) {
      try {
        command('umount', '-l', place.gpfs)
      } catch {
        return
      }
    }
  })
  return { place, mountTmpfs, unmount }
}

test('nothing is written below the mount point of a storage that is not mounted', async (t) => {
  if (why !== undefined) return t.skip(why)
  const { place, unmount } = await mountedPlace(t)
  const { mirror, told } = await open(t, place)
  place.write('before')
  await mirror.idle()
  unmount()
  for (let i = 0; i < 20; i++) place.write(`run/f${i}`)
  await until(() => figures(mirror, 'disk').copied === 21, 'all files on the disk')
  await until(() => figures(mirror, 'gpfs').state === 'down', 'gpfs is down')
  assert.deepEqual(readdirSync(place.gpfs), [])
  assert.equal(figures(mirror, 'gpfs').reason, 'ERR_SUSTEN_STORAGE')
  assert.equal(figures(mirror, 'gpfs').pending, 20)
  assert.match(
    (await heard(told, 'STORAGE_UNAVAILABLE')).text,
    /another file system than expected|its file system is not mounted/,
  )
})

for (const name of ['image', 'run/image']) {
  test(`a target in which nothing may be made is a storage that is out: ${name} waits`, async (t) => {
    if (whyNot('ext4') !== undefined) return t.skip(whyNot('ext4'))
    const disk = mount('ext4', 8 << 20)
    t.after(() => disk.unmount())
    const place = { ...(await createPlace(t)), gpfs: join(disk.path, 'target') }
    mkdirSync(place.gpfs)
    command('chattr', '+i', place.gpfs)
    const { mirror, told } = await open(t, place)
    place.write(name)
    await mirror.scan()
    await until(() => figures(mirror, 'gpfs').state === 'down', 'gpfs is down')
    assert.match((await heard(told, 'STORAGE_UNAVAILABLE')).text, /EPERM/)
    command('chattr', '-i', place.gpfs)
    await mirror.idle()
    assert.deepEqual([filesBelow(place.gpfs), told.failed], [[name], []])
  })
}

test('a storage that is not mounted at the start is known by its mount point', async (t) => {
  if (why !== undefined) return t.skip(why)
  const { place, unmount, mountTmpfs } = await mountedPlace(t)
  unmount()
  place.write('image')
  const { mirror, told } = await open(t, place, { gpfs: { mountPoint: place.gpfs } })
  await until(() => figures(mirror, 'disk').copied === 1, 'the file on the disk')
  assert.deepEqual(readdirSync(place.gpfs), [])
  assert.match(
    (await heard(told, 'STORAGE_UNAVAILABLE')).text,
    /target lies on the file system mounted at .*, not on one mounted at .*gpfs/,
  )
  mountTmpfs()
  await mirror.idle()
  assert.deepEqual(filesBelow(place.gpfs), ['image'])
})

test('another file system in the place of a storage gets nothing, until it is accepted', async (t) => {
  if (why !== undefined) return t.skip(why)
  const { place } = await mountedPlace(t)
  const other = mount('ext4', 8 << 20)
  t.after(() => other.unmount())
  const { mirror, told } = await open(t, place)
  place.write('before')
  await mirror.idle()
  command('mount', '--bind', other.path, place.gpfs)
  place.write('after')
  await until(() => figures(mirror, 'disk').copied === 2, 'the file on the disk')
  await until(() => figures(mirror, 'gpfs').state === 'down', 'gpfs is down')
  assert.ok(!readdirSync(place.gpfs).includes('after'))
  await until(
    () => told.messages.some(({ text }) => text.includes("accept it as storage 'gpfs'")),
    'what to do is told',
  )
  await mirror.acceptStorage('gpfs')
  await mirror.idle()
  assert.ok(readdirSync(place.gpfs).includes('after'))
  assert.equal((await heard(told, 'STORAGE_ACCEPTED')).storage, 'gpfs')
  assert.equal(figures(mirror, 'gpfs').state, 'up')
})

test('a storage is known again after a restart: another file system gets nothing', async (t) => {
  if (why !== undefined) return t.skip(why)
  const { place, unmount } = await mountedPlace(t)
  place.write('before')
  const { mirror } = await open(t, place)
  await mirror.idle()
  await mirror.close()
  unmount()
  place.write('after')
  const { mirror: next } = await open(t, place)
  await until(() => figures(next, 'disk').copied === 2, 'the file on the disk')
  assert.deepEqual(readdirSync(place.gpfs), [])
  assert.equal(figures(next, 'gpfs').state, 'down')
})

test('an accepted storage stays accepted after a restart', async (t) => {
  if (why !== undefined) return t.skip(why)
  const { place, unmount } = await mountedPlace(t)
  const { mirror } = await open(t, place)
  place.write('before')
  await mirror.idle()
  unmount()
  await until(() => figures(mirror, 'gpfs').state === 'down', 'gpfs is down')
  await mirror.acceptStorage('gpfs')
  await mirror.idle()
  await mirror.close()
  place.write('after')
  const { mirror: next } = await open(t, place)
  await next.idle()
  assert.ok(readdirSync(place.gpfs).includes('after'))
})

test('a full storage stops its own queue, and goes on when space is freed', async (t) => {
  if (why !== undefined) return t.skip(why)
  const { place } = await mountedPlace(t, 1 << 20)
  writeFileSync(join(place.gpfs, 'ballast'), Buffer.alloc(900 << 10))
  const { mirror, told } = await open(t, place)
  for (let i = 0; i < 6; i++) place.write(`f${i}`, Buffer.alloc(100 << 10, i))
  await until(() => figures(mirror, 'disk').copied === 6, 'all files on the disk')
  await until(() => message(told, 'STORAGE_UNAVAILABLE') !== undefined, 'the storage is full')
  assert.match((await heard(told, 'STORAGE_UNAVAILABLE')).text, /no space left on device \(ENOSPC/)
  assert.ok(figures(mirror, 'gpfs').pending >= 4)
  assert.equal(figures(mirror, 'gpfs').failed, 0)
  rmSync(join(place.gpfs, 'ballast'))
  await mirror.idle()
  assert.deepEqual(filesBelow(place.gpfs), filesBelow(place.source))
  assert.deepEqual(told.failed, [])
})

test('a storage that is mounted read-only is unavailable until it is writable', async (t) => {
  if (why !== undefined) return t.skip(why)
  const { place } = await mountedPlace(t)
  command('mount', '-o', 'remount,ro', place.gpfs)
  place.write('image')
  const { mirror } = await open(t, place)
  await until(() => figures(mirror, 'disk').copied === 1, 'the file on the disk')
  assert.deepEqual([figures(mirror, 'gpfs').state, figures(mirror, 'gpfs').reason], ['down', 'EROFS'])
  command('mount', '-o', 'remount,rw', place.gpfs)
  await mirror.idle()
  assert.deepEqual(filesBelow(place.gpfs), ['image'])
})

test('the fill state of a storage is that of its file system', async (t) => {
  if (why !== undefined) return t.skip(why)
  const { place } = await mountedPlace(t, 4 << 20)
  const { mirror } = await open(t, place)
  writeFileSync(join(place.gpfs, 'ballast'), Buffer.alloc(2 << 20))
  await until(() => (figures(mirror, 'gpfs').volume?.fill ?? 0) >= 0.5, 'it is half full')
  const { total, fsType, mountPoint } = figures(mirror, 'gpfs').volume ?? {}
  assert.deepEqual({ total, fsType, mountPoint }, { total: 4 << 20, fsType: 'tmpfs', mountPoint: place.gpfs })
})

test('a source that is unmounted is told; what lies below its mount point is not copied', async (t) => {
  if (why !== undefined) return t.skip(why)
  const place = await createPlace(t)
  mkdirSync(join(place.source, 'below'))
  writeFileSync(join(place.source, 'below', 'the mount point'), '')
  command('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', place.source)
  let mounted = true
  t.after(() => {
    if (mounted) command('umount', '-l', place.source)
  })
  const { mirror, told } = await open(t, place)
  place.write('image')
  await mirror.idle()
  command('umount', '-l', place.source)
  mounted = false
  assert.match(
    (await heard(told, 'SOURCE_UNAVAILABLE')).text,
    /is unavailable: (its file system is not mounted|stale file handle \(ESTALE, open\)); all files wait/,
  )
  await mirror.scan()
  assert.equal(mirror.status().source.available, false)
  assert.deepEqual(filesBelow(place.disk), ['image'])
})

test('a journal without room ends the Mirror: it is told, and nobody waits for ever', async (t) => {
  if (why !== undefined) return t.skip(why)
  const place = await createPlace(t)
  const small = mount('tmpfs', 1 << 20)
  t.after(() => small.unmount())
  const { mirror, told } = await open(t, place, { watch: false, journal: join(small.path, 'journal') })
  mirror.pause()
  const full = { code: 'ENOSPC', syscall: 'write' }
  const idle = assert.rejects(mirror.idle(), full)
  // More than fits, whatever a record takes.
  await assert.rejects(async () => {
    for (let i = 0; i < 100; i++) {
      await mirror.add(Array.from({ length: 200 }, (_, k) => `run/a_name_that_takes_some_room_${i}_${k}`))
    }
  }, full)
  await idle
  await mirror.close()
  await assert.rejects(mirror.add('image'), full)
  assert.equal((told.errors[0] as { code?: string }).code, 'ENOSPC')
  assert.equal(told.errors.length, 1)
})
