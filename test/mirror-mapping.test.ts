/** Writers that store through a mapping of the file, which changes no time stamp of a page that is dirty already. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createPlace, filesBelow, open, until } from './support/mirror-world.js'
import { type FileSystem, mount, whyNot } from './support/mounts.js'

const program = `
import mmap, sys
with open(sys.argv[1], 'w+b') as file:
    file.truncate(8192)
    with mmap.mmap(file.fileno(), 8192) as mapping:
        for letter in (b'A', b'B'):
            mapping[:] = letter * 8192
            print(letter, flush=True)
            sys.stdin.readline()
`

/** Fills a file with A at once, with B when told to, and closes it when told again. */
async function startWriter(t: TestContext, path: string) {
  const child = spawn('python3', ['-c', program, path], { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  return {
    async goOn() {
      child.stdin.write('\n')
      await once(child.stdout, 'data')
    },
    async close() {
      child.stdin.end('\n')
      await once(child, 'exit')
    },
  }
}

for (const kind of ['tmpfs', 'ext4'] as const satisfies FileSystem[]) {
  test(`what was stored through a mapping after the copy is copied when the writer closes (${kind})`, async (t) => {
    const why = whyNot(kind)
    if (why !== undefined) return t.skip(why)
    const buffer = mount(kind, 16 << 20)
    t.after(() => buffer.unmount())
    const place = { ...(await createPlace(t)), source: join(buffer.path, 'source') }
    mkdirSync(place.source)
    const { mirror, told } = await open(t, place)
    const writer = await startWriter(t, join(place.source, 'image'))
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
