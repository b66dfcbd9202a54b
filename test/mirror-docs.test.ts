import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runExample } from './support/example.js'
import { createPlace, filesBelow } from './support/mirror-world.js'

test('the example of MIRROR.md runs, and says what it copied', async (t) => {
  const place = await createPlace(t)
  place.write('run7/lyso_1_master.h5', 'master')
  const said = await runExample(t, 'MIRROR.md', place)
  assert.match(said, /lyso_1_master\.h5 -> .*\/gpfs\/run7\/lyso_1_master\.h5 [0-9a-f]{32}/)
  assert.match(said, /disk: 1 files, 6 bytes; gpfs: 1 files, 6 bytes/)
})

test('the example of POLICIES.md runs, and snapshots stay', async (t) => {
  const place = await createPlace(t)
  for (const name of ['run/image.h5', 'run/snapshot.jpg']) place.write(name)
  await runExample(t, 'POLICIES.md', place)
  assert.deepEqual(filesBelow(place.disk), ['run/image.h5', 'run/snapshot.jpg'])
  assert.deepEqual(filesBelow(place.gpfs), ['run/image.h5'])
})

test('the other example of POLICIES.md runs: snapshots leave the buffer, masters stay', async (t) => {
  const place = await createPlace(t)
  for (const name of ['run/lyso_1_master.h5', 'run/snapshot.jpg']) place.write(name)
  await runExample(t, 'POLICIES.md', place, 1)
  assert.deepEqual(filesBelow(place.disk), ['run/lyso_1_master.h5', 'run/snapshot.jpg'])
  assert.deepEqual(filesBelow(place.source), ['run/lyso_1_master.h5'])
})

test('the example of GRIMSEL.md runs, and the first shift has left the buffer and the disk', async (t) => {
  const place = await createPlace(t)
  place.write('run7/lyso_1_master.h5', 'master')
  const said = await runExample(t, 'GRIMSEL.md', place)
  assert.match(said, /gpfs .*run7\/lyso_1_master\.h5 [0-9a-f]{32}/)
  assert.match(said, /disk [\d.e-]+ 0 0\n/)
  assert.deepEqual([filesBelow(place.source), filesBelow(place.disk)], [[], []])
  assert.deepEqual(filesBelow(place.gpfs), ['run7/lyso_1_master.h5'])
})
