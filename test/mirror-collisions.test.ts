import assert from 'node:assert/strict'
import {
  appendFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createPlace, filesBelow, heard, message, type Open, open, type Place } from './support/mirror-world.js'
import { mount, whyNot } from './support/mounts.js'

/** A Mirror that has copied `image` once, with the content `first`. */
async function copiedOnce(
  t: TestContext,
  more: Parameters<typeof open>[2] = {},
): Promise<Open & { place: Place; path: string }> {
  const place = await createPlace(t)
  const path = place.write('image', 'first')
  // Without watching, each announcement is one copy: what becomes of it is certain.
  const opened = await open(t, place, { watch: false, ...more })
  await opened.mirror.add(path)
  await opened.mirror.idle()
  opened.told.copied.length = 0
  return { ...opened, place, path }
}

async function again({ mirror, told, path }: Open & { path: string }): Promise<(string | undefined)[]> {
  await mirror.add(path)
  await mirror.idle()
  return told.copied.filter(({ storage }) => storage === 'disk').map(({ outcome }) => outcome)
}

/** A new file takes the name, certainly with another inode. */
function exchange(path: string, content: string): void {
  writeFileSync(`${path}.new`, content)
  renameSync(`${path}.new`, path)
}

test('a file that grows is updated in place', async (t) => {
  const world = await copiedOnce(t)
  appendFileSync(world.path, ' and second')
  assert.deepEqual(await again(world), ['replaced'])
  assert.deepEqual(filesBelow(world.place.disk), ['image'])
  assert.equal(world.place.on('disk', 'image'), 'first and second')
  assert.equal(message(world.told, 'COLLISION'), undefined)
})

test('a file that grows is updated in place where copies do not get its times', async (t) => {
  const world = await copiedOnce(t, { disk: { preserve: { times: 'off' } } })
  appendFileSync(world.path, ' and second')
  assert.deepEqual(await again(world), ['replaced'])
  assert.deepEqual(filesBelow(world.place.disk), ['image'])
  assert.deepEqual((await again(world)).at(-1), 'unchanged')
})

test('a file that grows is updated in place where the storage keeps whole seconds only', async (t) => {
  const why = whyNot('ext4')
  if (why !== undefined) return t.skip(why)
  // Inodes without room for more.
  const disk = mount('ext4', 8 << 20, [], ['-I', '128'])
  t.after(() => disk.unmount())
  const place = { ...(await createPlace(t)), disk: disk.path }
  const path = place.write('image', 'first')
  utimesSync(path, 1000, 1000.5)
  const { mirror, told } = await open(t, place, { watch: false })
  for (const more of ['', ' and second', ' and third']) {
    appendFileSync(path, more)
    if (more !== '') utimesSync(path, 1000, 1000.5)
    await mirror.add(path)
    await mirror.idle()
  }
  assert.equal(lstatSync(join(disk.path, 'image')).mtimeMs, 1_000_000)
  assert.deepEqual(
    told.copied.filter(({ storage }) => storage === 'disk').map(({ outcome }) => outcome),
    ['created', 'replaced', 'replaced'],
  )
  assert.equal(message(told, 'COLLISION'), undefined)
})

test('a file that its writer rewrites is updated in place', async (t) => {
  const world = await copiedOnce(t)
  writeFileSync(world.path, 'other')
  assert.deepEqual(await again(world), ['replaced'])
  assert.deepEqual(filesBelow(world.place.disk), ['image'])
  assert.equal(world.place.on('disk', 'image'), 'other')
})

test('the copy of an earlier file is kept when a new file takes its name, and told', async (t) => {
  const world = await copiedOnce(t)
  exchange(world.path, 'second acquisition')
  assert.deepEqual(await again(world), ['versioned'])
  assert.equal(world.place.on('disk', 'image'), 'second acquisition')
  assert.equal(world.place.on('disk', 'image.~1~'), 'first')
  assert.equal(world.place.on('gpfs', 'image.~1~'), 'first')
  const event = world.told.copied.find(({ storage }) => storage === 'disk')
  assert.equal(event?.version, join(world.place.disk, 'image.~1~'))
  const told = message(world.told, 'COLLISION')
  assert.equal(told?.severity, 'warning')
  assert.match(told?.text ?? '', /image.*is kept as .*image\.~1~/)
})

test('every earlier file of a name is kept', async (t) => {
  const world = await copiedOnce(t)
  for (const content of ['second', 'third', 'fourth']) {
    exchange(world.path, content)
    await again(world)
  }
  assert.deepEqual(filesBelow(world.place.disk), ['image', 'image.~1~', 'image.~2~', 'image.~3~'])
  const contents = ['image.~1~', 'image.~2~', 'image.~3~', 'image'].map((name) => world.place.on('disk', name))
  assert.deepEqual(contents, ['first', 'second', 'third', 'fourth'])
})

test('a new file that grows is then updated in place, beside the kept one', async (t) => {
  const world = await copiedOnce(t)
  exchange(world.path, 'second')
  await again(world)
  appendFileSync(world.path, ' grown')
  assert.deepEqual(await again(world), ['versioned', 'replaced'])
  assert.deepEqual(filesBelow(world.place.disk), ['image', 'image.~1~'])
  assert.equal(world.place.on('disk', 'image'), 'second grown')
})

test('a new file of the same content is no collision', async (t) => {
  const world = await copiedOnce(t)
  exchange(world.path, 'first')
  assert.deepEqual(await again(world), ['replaced'])
  assert.deepEqual(filesBelow(world.place.disk), ['image'])
  assert.equal(lstatSync(join(world.place.disk, 'image')).mtimeMs, lstatSync(world.path).mtimeMs)
  assert.equal(message(world.told, 'COLLISION'), undefined)
})

test('a new file of the same content and time leaves the copy as it is', async (t) => {
  const world = await copiedOnce(t)
  utimesSync(world.path, 1000, 1000)
  await again(world)
  exchange(world.path, 'first')
  utimesSync(world.path, 1000, 1000)
  assert.deepEqual((await again(world)).at(-1), 'unchanged')
  assert.deepEqual(filesBelow(world.place.disk), ['image'])
})

test('the number of a removed inode tells no new file from the old one: its time of birth does', async (t) => {
  const why = whyNot('ext4')
  if (why !== undefined) return t.skip(why)
  const disk = mount('ext4', 8 << 20)
  t.after(() => disk.unmount())
  const place = { ...(await createPlace(t)), source: join(disk.path, 'source') }
  mkdirSync(place.source)
  const path = join(place.source, 'image')
  writeFileSync(path, 'first')
  const before = lstatSync(path).ino
  const { mirror, told } = await open(t, place, { watch: false })
  await mirror.add(path)
  await mirror.idle()
  rmSync(path)
  writeFileSync(path, 'second acquisition')
  assert.equal(lstatSync(path).ino, before, 'ext4 gives the number again')
  await mirror.add(path)
  await mirror.idle()
  assert.deepEqual(filesBelow(place.disk), ['image', 'image.~1~'])
  assert.equal(place.on('disk', 'image.~1~'), 'first')
  assert.ok(message(told, 'COLLISION'))
})

test('what somebody else wrote to the target is kept', async (t) => {
  const place = await createPlace(t)
  writeFileSync(join(place.disk, 'image'), 'from somebody')
  place.write('image', 'measured')
  const { mirror, told } = await open(t, place)
  await mirror.idle()
  assert.equal(place.on('disk', 'image'), 'measured')
  assert.equal(place.on('disk', 'image.~1~'), 'from somebody')
  assert.deepEqual(filesBelow(place.gpfs), ['image'])
  assert.equal((await heard(told, 'COLLISION')).storage, 'disk')
})

test('what somebody did to our copy is kept', async (t) => {
  const world = await copiedOnce(t)
  writeFileSync(join(world.place.disk, 'image'), 'processed by a user')
  appendFileSync(world.path, ' more')
  assert.deepEqual(await again(world), ['versioned'])
  assert.equal(world.place.on('disk', 'image.~1~'), 'processed by a user')
  assert.equal(world.place.on('disk', 'image'), 'first more')
})

test('a kept version of a long name still has a name that fits', async (t) => {
  const place = await createPlace(t)
  const name = 'n'.repeat(255)
  writeFileSync(join(place.disk, name), 'older')
  place.write(name, 'newer')
  const { mirror } = await open(t, place)
  await mirror.idle()
  const [kept = '', ...others] = readdirSync(place.disk).filter((one) => one !== name)
  assert.deepEqual(others, [])
  assert.match(kept, /^n{251}\.~1~$/)
  assert.equal(place.on('disk', kept), 'older')
})

test('a collision that happened while no Mirror was open is noticed', async (t) => {
  const world = await copiedOnce(t)
  await world.mirror.close()
  exchange(world.path, 'second acquisition')
  const { mirror } = await open(t, world.place)
  await mirror.idle()
  assert.equal(world.place.on('disk', 'image'), 'second acquisition')
  assert.equal(world.place.on('disk', 'image.~1~'), 'first')
})

test('the same name in two replicated directories is two files of one destination: the first is kept', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place, { watch: false })
  for (const run of ['run1', 'run2']) {
    place.write(`${run}/image`, run)
    await mirror.add(`${run}/./image`)
    await mirror.idle()
  }
  assert.equal(place.on('disk', 'image'), 'run2')
  assert.equal(place.on('disk', 'image.~1~'), 'run1')
})
