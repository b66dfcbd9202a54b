import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runExample } from './support/example.js'
import { createPlace } from './support/mirror-world.js'

test('the example of SOURCES.md is a source, and its file is read and removed', async (t) => {
  const place = await createPlace(t)
  assert.equal(await runExample(t, 'SOURCES.md', place), 'lyso/loop_1.jpg: 9 bytes, removed\n')
})
