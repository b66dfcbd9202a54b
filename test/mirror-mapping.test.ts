/** Writers that store through a mapping of the file, which changes no time stamp of a page that is dirty already. */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startMapping } from './support/mapping.js'
import { createPlace, filesBelow, open, until } from './support/mirror-world.js'
import { type FileSystem, mount, whyNot } from './support/mounts.js'

for (const kind of ['tmpfs', 'ext4'] as const satisfies FileSystem[]) {
  test(`what was stored through a mapping after the copy is copied when the writer closes (${kind})`, async (t) => {
    const why = whyNot(kind)
    if (why !== undefined) return t.skip(why)
    const buffer = mount(kind, 16 << 20)
    t.after(() => buffer.unmount())
    const place = { ...(await createPlace(t)), source: join(buffer.path, 'source') }
    mkdirSync(place.source)
    const { mirror, told } = await open(t, place)
    const writer = await startMapping(t, join(place.source, 'image'))
    await mirror.scan()
    await until(() => told.copied.length === 2, 'the file has settled, and is copied')
    assert.equal(place.on('disk', 'image'), 'A'.repeat(8192))
    await writer.goOn()
    await writer.close()
    await mirror.idle()
    assert.equal(place.on('disk', 'image'), 'B'.repeat(8192))
    assert.deepEqual(filesBelow(place.gpfs), ['image'])
  })
}
