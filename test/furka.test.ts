import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { startDcu } from './support/dcu-world.js'
import { checkAllThere, createFurkaPlace, openFurkaFor, openGrimselFor } from './support/furka-world.js'

test('a series is received whole, announced, and removed at the server once it is on the internal storage', async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const grimsel = await openGrimselFor(t, place)
  const { furka, told } = await openFurkaFor(t, place, dcu, {
    grimsel,
    defaultUser: { uid: 1001, gid: 1002, userDirectory: 'visit7' },
  })
  await dcu.acquire({ images: 10, imagesPerFile: 2 })
  await furka.idle()
  assert.deepEqual(told.messages, [])
  checkAllThere(dcu, join(place.buffer, 'visit7'))
  checkAllThere(dcu, join(place.disk, 'visit7'))
  assert.ok(dcu.truth.completed.every(({ state }) => state === 'deleted'))
  assert.equal(told.received.length, dcu.truth.completed.length)
})
