/** What a source has made of a file that couldn't be written here serves the next attempt. */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { createFurkaPlace, openFurkaFor } from './support/furka-world.js'
import { memorySource } from './support/memory-source.js'
import { filesBelow, until } from './support/mirror-world.js'
import { rsyncWorld, whyNoRsync } from './support/rsync-world.js'

test('a file that can’t be written is fetched from an rsync daemon once, not for the next attempt again', {
  skip: whyNoRsync ?? false,
}, async (t) => {
  const [place, world] = [await createFurkaPlace(t), await rsyncWorld(t, ['transfer logging = yes'])]
  const log = join(dirname(world.served), 'log')
  const fetched = () => readFileSync(log, 'utf8').match(/ send .* d\/a /g)?.length ?? 0
  // What should be a directory is none.
  writeFileSync(join(place.buffer, 'd'), '')
  mkdirSync(join(world.served, 'd'))
  writeFileSync(join(world.served, 'd/a'), 'the content')
  // What isn't `exact` is read once more before it is removed.
  const sources = [{ source: world.source({ settle: 1000, sure: 1000 }), target: place.buffer }]
  const { furka, told } = await openFurkaFor(t, place, undefined, { sources })
  await until(() => told.messages.length > 0, 'it has failed')
  assert.deepEqual([told.messages[0]?.code, fetched()], ['RECEIVE_ERROR', 1])
  rmSync(join(place.buffer, 'd'))
  await furka.idle()
  assert.equal(readFileSync(join(place.buffer, 'd/a'), 'utf8'), 'the content')
  assert.equal(fetched(), 1)
  assert.deepEqual(
    filesBelow(world.staging).filter((name) => !name.endsWith('.lock')),
    [],
  )
})

test('so many are kept, and no more; each is given back in the end', async (t) => {
  const place = await createFurkaPlace(t)
  const source = memorySource()
  const located: string[] = []
  const released = () => source.asked.filter((asked) => asked.startsWith('release '))
  let most = 0
  source.locating = ({ name }) => {
    located.push(name)
    most = Math.max(most, located.length - released().length)
    const at = name.replace('/', '_')
    writeFileSync(join(place.disk, at), name)
    return { type: 'path', root: place.disk, name: at }
  }
  writeFileSync(join(place.buffer, 'd'), '')
  const names = Array.from({ length: 80 }, (_, index) => `d/${index}`)
  for (const name of names) source.put(name, name)
  const options = { sources: [{ source, target: place.buffer, connections: 4 }] }
  const { furka } = await openFurkaFor(t, place, undefined, options)
  await until(() => furka.status().sources[0]?.failing === 80, 'none can be written')
  rmSync(join(place.buffer, 'd'))
  await furka.idle()
  assert.deepEqual(filesBelow(place.buffer).sort(), [...names].sort())
  // And those that are being received.
  assert.ok(most >= 64 && most <= 64 + 4, `${most} at once`)
  assert.deepEqual(
    located.sort(),
    released()
      .map((asked) => asked.slice('release '.length))
      .sort(),
  )
})

test('what is kept is given back where a file finds no room', async (t) => {
  const place = await createFurkaPlace(t)
  const source = memorySource()
  source.locating = ({ name }) => {
    const at = name.replace('/', '_')
    writeFileSync(join(place.disk, at), name)
    return { type: 'path', root: place.disk, name: at }
  }
  writeFileSync(join(place.buffer, 'd'), '')
  source.put('d/a', 'd/a')
  const engine = { faults: [{ call: 'linkat', effect: 'ENOSPC', times: 1 }] } as const
  const options = { sources: [{ source, target: place.buffer, engine }] }
  const { furka, told } = await openFurkaFor(t, place, undefined, options)
  await until(() => furka.status().sources[0]?.failing === 1, 'it can’t be written')
  assert.equal(source.asked.length, 0)
  source.put('b', 'b')
  await until(() => told.messages.some(({ code }) => code === 'TARGET_UNAVAILABLE'), 'there is no room')
  assert.ok(source.asked.includes('release d/a'))
  rmSync(join(place.buffer, 'd'))
  await furka.idle()
})

test('where nothing can be written at all, nothing is kept', async (t) => {
  const place = await createFurkaPlace(t)
  const source = memorySource()
  source.locating = () => {
    writeFileSync(join(place.disk, 'a'), 'a')
    return { type: 'path', root: place.disk, name: 'a' }
  }
  source.put('a', 'a')
  const engine = { faults: [{ call: 'linkat', effect: 'ENOSPC', times: 1 }] } as const
  const options = { sources: [{ source, target: place.buffer, engine }] }
  const { furka, told } = await openFurkaFor(t, place, undefined, options)
  await furka.idle()
  assert.deepEqual(
    told.messages.map(({ code }) => code),
    ['TARGET_UNAVAILABLE', 'TARGET_BACK'],
  )
  assert.deepEqual(source.asked, ['release a', 'release a', 'remove a'])
})
