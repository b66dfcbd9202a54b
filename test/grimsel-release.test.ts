/** What leaves a tier is what its copy holds, whatever size and time stamps say; and a large file holds up no other. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { deleteAfterCopy, grimsel as grimselPolicy, type StoragePolicy } from 'susten'
import { createGrimselPlace, internal, openFor } from './support/grimsel-world.js'
import { startMapping } from './support/mapping.js'
import { filesBelow, heard, message, until } from './support/mirror-world.js'
import { setTimes } from './support/release-world.js'

const user = { uid: 1000, gid: 100 }

/** The buffer gives files back at once, the internal storage when it must. */
const early: StoragePolicy = {
  ...grimselPolicy(),
  name: 'buffer at once',
  release: (_, { id }) => (id === 'buffer' ? { when: 'copied', by: 'delete' } : { when: 'full', by: 'link' }),
}

test('what was stored through a mapping after the copy reaches all storages before the buffer is cleared', async (t) => {
  const place = await createGrimselPlace(t)
  const { grimsel } = await openFor(t, place)
  const path = join(place.buffer, 'image')
  const writer = await startMapping(t, path)
  await grimsel.add(path)
  await grimsel.idle()
  await writer.goOn()
  await writer.close()
  await grimsel.changeUser(user)
  await grimsel.idle()
  assert.deepEqual([filesBelow(place.buffer), filesBelow(place.disk), filesBelow(place.gpfs)], [[], [], ['image']])
  assert.equal(readFileSync(join(place.gpfs, 'image'), 'utf8'), 'B'.repeat(8192))
})

test('a copy that its user changed, size and time stamp kept, stays on the internal storage, and that is told', async (t) => {
  const place = await createGrimselPlace(t)
  const { grimsel, told } = await openFor(t, place, { policy: early })
  const original = place.write('a')
  setTimes(original, 2000)
  await grimsel.add(original)
  await grimsel.idle()
  assert.equal(place.at('buffer', 'a'), 'nothing')
  const copy = join(place.disk, 'a')
  writeFileSync(copy, 'CONTENT OF a')
  setTimes(copy, 2000)
  await grimsel.changeUser(user)
  await heard(told, 'DEL_ERROR')
  assert.equal(readFileSync(copy, 'utf8'), 'CONTENT OF a')
  assert.equal(readFileSync(join(place.gpfs, 'a'), 'utf8'), 'content of a')
})

test('another file of the same name, size and time stamp is not cleared as if it were the one that was copied', async (t) => {
  const place = await createGrimselPlace(t)
  const { grimsel, told } = await openFor(t, place, {
    policy: early,
    // The second copy fails.
    engines: { gpfs: { faults: [{ call: 'pwrite', effect: 'EACCES', at: 2, times: -1 }] } },
  })
  const put = async (name: string, content: string): Promise<void> => {
    setTimes(place.write(name, content), 2000)
    await grimsel.add(`${place.buffer}/${name.replace('/', '/./')}`)
    await grimsel.idle()
  }
  await put('u2/a', 'EVIL')
  await put('u1/a', 'GOOD')
  assert.equal(readFileSync(join(place.gpfs, 'a'), 'utf8'), 'EVIL')
  await grimsel.changeUser(user)
  const isMet = (): boolean => message(told, 'DEL_ERROR') !== undefined || place.at('disk', 'a') === 'nothing'
  await until(isMet, 'the first one is to be cleared')
  assert.equal(readFileSync(join(place.disk, 'a'), 'utf8'), 'GOOD')
})

test('while a large file is read others leave the tier', async (t) => {
  const place = await createGrimselPlace(t)
  const { grimsel } = await openFor(t, place, {
    policy: deleteAfterCopy(),
    storages: [internal(place)],
    // Only in files with holes are holes looked for.
    engines: { buffer: { faults: [{ call: 'lseek', effect: 'delay', delay: 2000, times: -1 }] } },
  })
  const large = ['1', '2', '3'].map((name) => place.write(name))
  for (const path of large) truncateSync(path, 300 << 20)
  await grimsel.add(large)
  await until(() => grimsel.status().storages[0]?.copied === 3, 'the large ones are copied')
  const small = Array.from({ length: 300 }, (_, i) => place.write(`run/${i}`))
  await grimsel.add(small)
  await until(() => !small.some((path) => existsSync(path)), 'the small ones are gone')
  assert.ok(
    large.some((path) => existsSync(path)),
    'and the large ones are not',
  )
})
