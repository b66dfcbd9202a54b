import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startDcu } from './support/dcu-world.js'
import { documentText, runExample } from './support/example.js'
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

test('the camera of SOURCES.md is as good a source as any', async (t) => {
  const place = await createPlace(t)
  const text = documentText('SOURCES.md')
  const [, short] = /(\n\/\/ What Furka does with it, in short\.[\s\S]*?)```/.exec(text) ?? []
  assert.ok(short)
  const said = await runExample(t, 'SOURCES.md', place, 0, {
    [short]: `
import { Furka } from 'susten'
await using furka = await Furka.open({ sources: [{ source, target: '${place.disk}' }], journal: '${place.journal}' })
furka.on('removed', ({ name }) => console.log(name))
await furka.idle()
`,
  })
  assert.equal(said, 'lyso/loop_1.jpg\n')
  assert.equal(readFileSync(join(place.disk, 'lyso/loop_1.jpg'), 'utf8'), 'a picture')
})
