import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startDcu } from './support/dcu-world.js'
import { runExample } from './support/example.js'
import { checkAllThere } from './support/furka-world.js'
import { createPlace } from './support/mirror-world.js'

test('the example of FURKA.md runs: a series goes from the detector to the disk', async (t) => {
  const [dcu, place] = [await startDcu(t), await createPlace(t)]
  await dcu.acquire({ images: 4, imagesPerFile: 2, namePattern: 'lyso_$id' })
  const said = await runExample(t, 'FURKA.md', place, 0, {
    "'10.42.41.10'": `'${dcu.url}'`,
    '/var/lib/susten/': `${place.root}/journal-of-`,
  })
  assert.match(said, /\/\.\/eiger\/lyso_1_master\.h5 \d+ [0-9a-f]{32}/)
  assert.match(said, /lyso_1_master\.h5 is on the disk, and not at the detector any more/)
  assert.match(said, /3 files \d+ bytes/)
  checkAllThere(dcu, `${place.disk}/eiger`)
  assert.ok(dcu.truth.completed.every(({ state }) => state === 'deleted'))
})
