import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { digestOf } from '#lib/demo/digest.js'
import { createPlace, figures, filesBelow, open, until } from './support/mirror-world.js'
import { finds } from './support/mounts.js'

const isRoot = process.geteuid?.() === 0

test('a file is found when it is closed after writing', async (t) => {
  const place = await createPlace(t)
  const { mirror, told } = await open(t, place)
  await mirror.idle()
  place.write('image.cbf', 'spots')
  await until(() => told.copied.length === 2, 'both copies')
  assert.equal(place.on('disk', 'image.cbf'), 'spots')
  assert.equal(place.on('gpfs', 'image.cbf'), 'spots')
})

test('a file is found when it is renamed into place, under its final name alone', async (t) => {
  const place = await createPlace(t)
  const outside = join(place.root, 'elsewhere')
  const { mirror, told } = await open(t, place)
  await mirror.idle()
  writeFileSync(outside, 'whole')
  renameSync(outside, join(place.source, 'image.cbf'))
  await until(() => told.copied.length === 2, 'both copies')
  assert.deepEqual(filesBelow(place.disk), ['image.cbf'])
})

test('files in new directories are found, however deep they are and however quickly they come', async (t) => {
  const place = await createPlace(t)
  const { mirror, told } = await open(t, place)
  await mirror.idle()
  for (let i = 0; i < 20; i++) {
    place.write(`run${i}/image`)
    place.write(`run${i}/a/b/c/d/image`)
  }
  await until(() => new Set(told.copied.map(({ dest }) => dest)).size === 80, '40 files on both')
  assert.deepEqual(filesBelow(place.disk), filesBelow(place.source))
  assert.deepEqual(filesBelow(place.gpfs), filesBelow(place.source))
})

test('files in a directory that is moved in are found', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place)
  await mirror.idle()
  const outside = mkdtempSync(join(place.root, 'outside-'))
  mkdirSync(join(outside, 'deep', 'er'), { recursive: true })
  for (const name of ['one', 'deep/two', 'deep/er/three']) writeFileSync(join(outside, name), name)
  renameSync(outside, join(place.source, 'run'))
  await until(() => figures(mirror, 'disk').copied === 3 && figures(mirror, 'gpfs').copied === 3, 'three files')
  assert.deepEqual(filesBelow(place.disk), ['run/deep/er/three', 'run/deep/two', 'run/one'])
})

test('files that were there before are found by the first scan, and idle waits for it', async (t) => {
  const place = await createPlace(t)
  for (const name of ['a', 'b/c', 'b/d/e']) place.write(name)
  const { mirror } = await open(t, place)
  await mirror.idle()
  assert.deepEqual(filesBelow(place.disk), ['a', 'b/c', 'b/d/e'])
  assert.deepEqual(filesBelow(place.gpfs), ['a', 'b/c', 'b/d/e'])
})

test('a file that is being written is left alone until it is closed', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place)
  await mirror.idle()
  const fd = openSync(join(place.source, 'growing'), 'w')
  writeSync(fd, 'first half, ')
  place.write('other')
  await until(() => figures(mirror, 'gpfs').copied === 1 && figures(mirror, 'disk').copied === 1, 'the other file')
  assert.ok(!existsSync(join(place.disk, 'growing')))
  writeSync(fd, 'second half')
  closeSync(fd)
  await until(() => figures(mirror, 'disk').copied === 2, 'the file')
  assert.equal(place.on('disk', 'growing'), 'first half, second half')
})

test('scan() finds what notifications did not tell', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place)
  await mirror.idle()
  // A writer that keeps its file open never closes it: only a look can find it.
  const fd = openSync(join(place.source, 'held'), 'w')
  t.after(() => closeSync(fd))
  writeSync(fd, 'all of it')
  await mirror.scan()
  await mirror.idle()
  assert.equal(place.on('disk', 'held'), 'all of it')
})

test('with watch: false only announced files are copied', async (t) => {
  const place = await createPlace(t)
  const wanted = place.write('wanted')
  place.write('unwanted')
  const { mirror } = await open(t, place, { watch: false })
  await mirror.add(wanted)
  place.write('later')
  await mirror.scan()
  await mirror.idle()
  assert.deepEqual(filesBelow(place.disk), ['wanted'])
})

test('symbolic links, FIFOs and empty directories are not copied', async (t) => {
  const place = await createPlace(t)
  place.write('file')
  mkdirSync(join(place.source, 'empty'))
  spawnSync('ln', ['-s', '/etc/passwd', join(place.source, 'link')])
  spawnSync('mkfifo', [join(place.source, 'fifo')])
  const { mirror, told } = await open(t, place)
  await mirror.idle()
  assert.deepEqual(filesBelow(place.disk), ['file'])
  assert.deepEqual(told.failed, [])
})

test('a copied event tells path, destination, size and the digest of the content', async (t) => {
  const place = await createPlace(t)
  const content = Buffer.alloc(300_000, 'diffraction ')
  const before = Date.now()
  const { mirror, told } = await open(t, place)
  place.write('run7/image.cbf', content)
  await until(() => told.copied.length === 2, 'both copies')
  await mirror.idle()
  const [event] = told.copied.filter(({ storage }) => storage === 'gpfs')
  assert.ok(event)
  const { announced, copied, ...rest } = event
  assert.deepEqual(rest, {
    type: 'copied',
    storage: 'gpfs',
    path: join(place.source, 'run7/image.cbf'),
    dest: join(place.gpfs, 'run7/image.cbf'),
    outcome: 'created',
    size: content.length,
    bytes: content.length,
    digest: digestOf(content),
  })
  assert.ok(before <= announced && announced <= copied && copied <= Date.now())
})

test('digests are those of xxhsum -H2', async (t) => {
  if (!finds('xxhsum')) return t.skip('needs xxhsum')
  const place = await createPlace(t)
  const path = place.write('image', Buffer.alloc(1 << 20, 'abc'))
  const { mirror, told } = await open(t, place)
  await mirror.idle()
  const said = spawnSync('xxhsum', ['-H2', path], { encoding: 'utf8' }).stdout.split(' ')[0]
  assert.deepEqual(
    told.copied.map(({ digest }) => digest),
    [said, said],
  )
})

test("with verify: 'none' there is no digest", async (t) => {
  const place = await createPlace(t)
  place.write('image')
  const { mirror, told } = await open(t, place, { verify: 'none', gpfs: { verify: 'readback' } })
  await mirror.idle()
  const digests = Object.fromEntries(told.copied.map(({ storage, digest }) => [storage, digest]))
  assert.deepEqual(digests, { disk: undefined, gpfs: digestOf(Buffer.from('content of image')) })
})

test('owner, mode and modification time are kept to the nanosecond', async (t) => {
  if (!isRoot) return t.skip('needs root')
  const place = await createPlace(t)
  const path = place.write('run/image')
  chownSync(path, 1234, 5678)
  chmodSync(path, 0o640)
  spawnSync('touch', ['-m', '-d', '2021-03-04 05:06:07.123456789', path])
  const { mirror } = await open(t, place)
  await mirror.idle()
  const source = lstatSync(path, { bigint: true })
  assert.equal(source.mtimeNs % 1_000_000_000n, 123_456_789n)
  for (const target of [place.disk, place.gpfs]) {
    const { uid, gid, mode, mtimeNs } = lstatSync(join(target, 'run/image'), { bigint: true })
    assert.deepEqual([uid, gid, mode & 0o7777n, mtimeNs], [1234n, 5678n, 0o640n, source.mtimeNs])
  }
})

test('new directories get owner and mode of their sources', async (t) => {
  if (!isRoot) return t.skip('needs root')
  const place = await createPlace(t)
  place.write('run/deep/image')
  for (const name of ['run', 'run/deep']) {
    chownSync(join(place.source, name), 1234, 5678)
    chmodSync(join(place.source, name), 0o2750)
  }
  const { mirror } = await open(t, place)
  await mirror.idle()
  const { uid, gid, mode } = lstatSync(join(place.disk, 'run/deep'))
  assert.deepEqual([uid, gid, mode & 0o777], [1234, 5678, 0o750])
})

test('a directory that a target names behind its /./ is made', async (t) => {
  const place = await createPlace(t)
  place.write('image')
  const { mirror, told } = await open(t, place, { disk: { target: `${place.disk}/./raw/current` } })
  await mirror.idle()
  assert.deepEqual(filesBelow(place.disk), ['raw/current/image'])
  assert.ok(told.copied.some(({ dest }) => dest === join(place.disk, 'raw/current/image')))
})

const oddNames: Record<string, Buffer> = {
  'with a newline': Buffer.from('one\ntwo'),
  'of invalid UTF-8': Buffer.from([0x66, 0xff, 0xfe, 0x80]),
  'of 255 bytes': Buffer.alloc(255, 'x'),
  'that look like options and temp files': Buffer.from('-rf .susten'),
}
for (const [what, name] of Object.entries(oddNames)) {
  test(`names ${what} are copied exactly, found or announced`, async (t) => {
    const place = await createPlace(t)
    const below = (directory: string, ...names: Buffer[]): Buffer =>
      Buffer.concat([Buffer.from(directory), ...names.flatMap((one) => [Buffer.from('/'), one])])
    mkdirSync(below(place.source, name))
    writeFileSync(below(place.source, name, name), 'odd')
    const { mirror, told } = await open(t, place)
    await mirror.idle()
    await mirror.add(below(place.source, name, name))
    await mirror.idle()
    for (const target of [place.disk, place.gpfs]) {
      assert.equal(readFileSync(below(target, name, name), 'utf8'), 'odd')
    }
    const [event] = told.copied
    const { path = '', pathBytes = Buffer.from(path), dest = '', destBytes = Buffer.from(dest) } = event ?? {}
    assert.deepEqual(Buffer.from(pathBytes), below(place.source, name, name))
    assert.ok([place.disk, place.gpfs].some((one) => below(one, name, name).equals(destBytes)))
  })
}

test('a file that is announced again unchanged is not copied again', async (t) => {
  const place = await createPlace(t)
  const path = place.write('image')
  const { mirror, told } = await open(t, place)
  await mirror.idle()
  const before = lstatSync(join(place.disk, 'image'))
  told.copied.length = 0
  await mirror.add(path)
  await mirror.idle()
  assert.deepEqual(
    told.copied.map(({ outcome, bytes, size }) => ({ outcome, bytes, size })),
    [
      { outcome: 'unchanged', bytes: 0, size: 16 },
      { outcome: 'unchanged', bytes: 0, size: 16 },
    ],
  )
  assert.ok(told.copied.every(({ digest }) => digest === digestOf(Buffer.from('content of image'))))
  assert.equal(lstatSync(join(place.disk, 'image')).ino, before.ino)
})

test('a copy that was taken away is made again when its file is announced again', async (t) => {
  const place = await createPlace(t)
  const path = place.write('image')
  const { mirror } = await open(t, place)
  await mirror.idle()
  rmSync(join(place.disk, 'image'))
  await mirror.add(path)
  await mirror.idle()
  assert.equal(place.on('disk', 'image'), 'content of image')
})

test('a scan announces nothing that is copied already', async (t) => {
  const place = await createPlace(t)
  for (let i = 0; i < 10; i++) place.write(`f${i}`)
  const { mirror, told } = await open(t, place)
  await mirror.idle()
  told.copied.length = 0
  await mirror.scan()
  await mirror.idle()
  assert.deepEqual(told.copied, [])
})

test('a scan finds a file that was changed without a notification', async (t) => {
  const place = await createPlace(t)
  const path = place.write('image')
  const { mirror, told } = await open(t, place)
  await mirror.idle()
  told.copied.length = 0
  // Times alone change: no writing, so no notification.
  utimesSync(path, 1000, 2000)
  await mirror.scan()
  await mirror.idle()
  assert.ok(told.copied.length === 2)
  assert.equal(lstatSync(join(place.disk, 'image')).mtimeMs, 2_000_000)
})

test('status tells of each storage what was copied, and is plain data', async (t) => {
  const place = await createPlace(t)
  for (let i = 0; i < 5; i++) place.write(`f${i}`, 'x'.repeat(100))
  const { mirror } = await open(t, place)
  await mirror.idle()
  const status = mirror.status()
  assert.deepEqual(JSON.parse(JSON.stringify(status)), status)
  assert.equal(status.source.directory, place.source)
  assert.equal(status.announcing, 0)
  assert.equal(status.journal.records, 5)
  for (const storage of status.storages) {
    const { state, pending, copying, copied, failed, bytes } = storage
    assert.deepEqual(
      { state, pending, copying, copied, failed, bytes },
      {
        state: 'up',
        pending: 0,
        copying: 0,
        copied: 5,
        failed: 0,
        bytes: 500,
      },
    )
    assert.ok(storage.volume && storage.volume.total > 0 && storage.volume.fill >= 0 && storage.volume.fill <= 1)
  }
})

test('the catalog forgets files that are gone, and counts them still', async (t) => {
  const place = await createPlace(t)
  const paths = Array.from({ length: 20 }, (_, i) => place.write(`f${i}`))
  const { mirror } = await open(t, place)
  await mirror.idle()
  for (const path of paths.slice(1)) rmSync(path)
  await mirror.scan()
  await mirror.idle()
  assert.equal(mirror.status().journal.records, 1)
  assert.equal(figures(mirror, 'disk').copied, 20)
  assert.equal(filesBelow(place.disk).length, 20)
})
