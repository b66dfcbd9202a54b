import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { createPlace, figures, filesBelow, open, until } from './support/mirror-world.js'
import { command, whyNot } from './support/mounts.js'

const why = whyNot('tmpfs')

/** A place whose storage `gpfs` is a tmpfs, with three copied files, and then another tmpfs. */
async function exchanged(t: TestContext) {
  const place = await createPlace(t)
  const mountTmpfs = (): string => command('mount', '-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', place.gpfs)
  const unmount = (): string => command('umount', '-l', place.gpfs)
  mountTmpfs()
  t.after(unmount)
  const { mirror, told } = await open(t, place)
  for (const name of ['run/a', 'run/b', 'deleted']) place.write(name)
  await mirror.idle()
  unmount()
  mountTmpfs()
  await until(() => figures(mirror, 'gpfs').state === 'down', 'the exchange is noticed')
  rmSync(`${place.source}/deleted`)
  return { place, mirror, told }
}

test('an accepted disk gets what was copied to the old one, as far as the source still has it', async (t) => {
  if (why !== undefined) return t.skip(why)
  const { place, mirror, told } = await exchanged(t)
  await mirror.acceptStorage('gpfs')
  await mirror.idle()
  assert.deepEqual(filesBelow(place.gpfs), ['run/a', 'run/b'])
  assert.deepEqual([told.failed, figures(mirror, 'gpfs').copied], [[], 3])
})

test('an accepted disk gets each of very many files once', async (t) => {
  if (why !== undefined) return t.skip(why)
  const { place, mirror, told } = await exchanged(t)
  const names = Array.from({ length: 600 }, (_, i) => `many/${i}`)
  for (const name of names) place.write(name)
  await mirror.scan()
  await until(() => figures(mirror, 'disk').pending === 0, 'all are on the disk')
  await mirror.acceptStorage('gpfs')
  await mirror.idle()
  told.copied.length = 0
  await mirror.acceptStorage('gpfs')
  await mirror.idle()
  assert.equal(told.copied.filter(({ storage }) => storage === 'gpfs').length, 602)
  assert.equal(filesBelow(place.gpfs).length, 602)
})

test('an accepted disk is left as it is if that is wanted', async (t) => {
  if (why !== undefined) return t.skip(why)
  const { place, mirror } = await exchanged(t)
  await mirror.acceptStorage('gpfs', { recopy: false })
  place.write('new')
  await mirror.scan()
  await mirror.idle()
  assert.deepEqual(filesBelow(place.gpfs), ['new'])
})

test('copies that an accepted disk has already are not made again', async (t) => {
  if (why !== undefined) return t.skip(why)
  const place = await createPlace(t)
  place.write('a')
  const { mirror, told } = await open(t, place)
  await mirror.idle()
  await mirror.acceptStorage('gpfs')
  await mirror.idle()
  assert.deepEqual(
    told.copied.filter(({ storage }) => storage === 'gpfs').map(({ outcome }) => outcome),
    ['created', 'unchanged'],
  )
})
