/** A process has only so many descriptors, and most of them are the embedding program's. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createPlace } from './support/mirror-world.js'
import { finds } from './support/mounts.js'

const skip = finds('prlimit') ? false : 'needs prlimit'

test('many deep directories leave the embedding program its descriptors', { skip }, async (t) => {
  const place = await createPlace(t)
  for (let i = 0; i < 600; i++) {
    const directory = join(place.source, `${i}`, '1/2/3/4/5/6/7')
    mkdirSync(directory, { recursive: true })
    writeFileSync(join(directory, 'image'), `${i}`)
  }
  const fixture = fileURLToPath(new URL('fixtures/few-descriptors.js', import.meta.url))
  const out = execFileSync('prlimit', ['--nofile=768:768', process.execPath, fixture, place.root], { encoding: 'utf8' })
  assert.deepEqual(JSON.parse(out), { refused: 0, messages: [], copied: 600 })
})
