/** A Furka over the sources that aren't HTTP. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type FileSource, Furka, openIncoming } from 'susten'
import { createFurkaPlace, listenTo } from './support/furka-world.js'
import { filesBelow, until } from './support/mirror-world.js'
import { rsyncWorld, whyNoRsync } from './support/rsync-world.js'
import { produce } from './support/source-stream.js'

/** Everything arrives in its last version, and is removed where it came from. */
async function receivesAll(t: TestContext, served: string, source: FileSource): Promise<void> {
  const place = await createFurkaPlace(t)
  const furka = await Furka.open({
    journal: place.journal,
    confirm: 'buffer',
    sources: [{ source, target: place.buffer, connections: 64 }],
  })
  t.after(() => furka.close('stop').catch(() => {}))
  const told = listenTo(furka)
  const contents = await produce(served, 60)
  await until(() => filesBelow(served).length === 0, 'all is removed')
  assert.deepEqual(told.errors, [])
  for (const [name, content] of contents) assert.equal(readFileSync(join(place.buffer, name), 'utf8'), content)
  assert.deepEqual(readdirSync(served).sort(), ['run 0', 'run 1', 'run 2'])
}

test('a Furka receives what an rsync daemon has, and removes it there', { skip: whyNoRsync ?? false }, async (t) => {
  const world = await rsyncWorld(t)
  await receivesAll(t, world.served, world.source())
})

test('a Furka receives what a directory has, and removes it there', async (t) => {
  const { root } = await createFurkaPlace(t)
  const path = join(root, 'incoming')
  mkdirSync(path)
  await receivesAll(t, path, openIncoming({ path, settle: 20, sure: 100, scanInterval: 20 }))
})
