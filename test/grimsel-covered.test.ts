import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createGrimselPlace, openFor, take } from './support/grimsel-world.js'
import { filesBelow, heard, until } from './support/mirror-world.js'
import { command, whyNot } from './support/mounts.js'

const why = whyNot('tmpfs')
const options = { skip: why ?? false }

/** A place whose buffer is a tmpfs; more can be mounted over it. */
async function mountedPlace(t: TestContext) {
  const place = await createGrimselPlace(t)
  const cover = (at = place.buffer): string => command('mount', '-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', at)
  const uncover = (at = place.buffer): string => command('umount', '-l', at)
  cover()
  t.after(() => {
    for (let some = true; some; ) {
      try {
        uncover()
      } catch {
        some = false
      }
    }
  })
  return { place, cover, uncover }
}

for (const volumeInterval of [50, 1000]) {
  test(
    `nothing is lost or removed while another file system covers the buffer, looked at every ${volumeInterval} ms`,
    options,
    async (t) => {
      const { place, cover, uncover } = await mountedPlace(t)
      const { grimsel, told } = await openFor(t, place, { volumeInterval })
      await take(place, grimsel, 'run/a')
      place.write('run/b')
      cover()
      mkdirSync(join(place.buffer, 'run'))
      writeFileSync(join(place.buffer, 'run/a'), 'a stranger')
      await grimsel.add('run/b')
      await grimsel.changeUser({ uid: 1000, gid: 100 })
      const { text } = await heard(told, 'SOURCE_UNAVAILABLE')
      assert.match(text, /^Buffer \S+ is unavailable: .*another one was mounted over it; unmount that/)
      await until(() => !grimsel.status().source.available, 'it is told in the status')
      await new Promise((resolve) => setTimeout(resolve, 100))
      assert.deepEqual(filesBelow(place.buffer), ['run/a'])
      assert.equal(readFileSync(join(place.buffer, 'run/a'), 'utf8'), 'a stranger')
      uncover()
      await heard(told, 'SOURCE_BACK')
      await grimsel.idle()
      assert.deepEqual(told.failed, [])
      assert.deepEqual(filesBelow(place.gpfs), ['run/a', 'run/b'])
      assert.deepEqual([filesBelow(place.buffer), filesBelow(place.disk)], [[], []])
      assert.equal(readFileSync(join(place.gpfs, 'run/a'), 'utf8'), 'content of run/a')
    },
  )
}

test('one that covers only what is below the mount point is told likewise', options, async (t) => {
  const { place, cover, uncover } = await mountedPlace(t)
  const buffer = join(place.buffer, 'data')
  mkdirSync(buffer)
  const { grimsel, told } = await openFor(t, place, { buffer: { directory: buffer } })
  cover(buffer)
  t.after(() => command('sh', '-c', `umount -l ${buffer} || true`))
  assert.match((await heard(told, 'SOURCE_UNAVAILABLE')).text, /mounted over it/)
  uncover(buffer)
  await heard(told, 'SOURCE_BACK')
  writeFileSync(join(buffer, 'image'), 'x')
  await grimsel.add('image')
  await grimsel.idle()
  assert.deepEqual(filesBelow(place.disk), ['image'])
})

test('a buffer that was mounted anew is the buffer', options, async (t) => {
  const { place, cover, uncover } = await mountedPlace(t)
  const { grimsel, told } = await openFor(t, place)
  await take(place, grimsel, 'before')
  uncover()
  cover()
  place.write('after')
  await grimsel.add('after')
  await grimsel.idle()
  assert.deepEqual(filesBelow(place.disk), ['after', 'before'])
  assert.deepEqual(told.failed, [])
})
