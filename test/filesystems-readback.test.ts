/** Readback verification looks at the disk: bytes that rot below the page cache are found. */
import assert from 'node:assert/strict'
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import type { NativeCopyOptions, NativeFault, NativeFileResult } from '#lib/native.js'
import { mount, whyNot } from './support/mounts.js'
import { bytes, openRaw, same } from './support/raw-engine.js'

// Nothing else on the disk looks like it.
const marker = Buffer.from('this is written to the disk and nowhere else')
const content = Buffer.concat([Buffer.alloc(70_000, 'a'), marker, Buffer.alloc(70_000, 'b')])

/** Copies to a new file system, and spoils the written bytes on its device while the engine waits at `call`. */
async function rotting(
  t: TestContext,
  kind: 'ext4' | 'xfs' | 'btrfs',
  [call, at]: readonly [string, number],
  options: Partial<NativeCopyOptions>,
): Promise<{ result: NativeFileResult | undefined; names: string[]; read: () => Buffer }> {
  let result: NativeFileResult | undefined
  const [disk, source] = [mount(kind), mount('tmpfs')]
  t.after(() => disk.unmount())
  t.after(() => source.unmount())
  const dest = `${disk.path}/dest`
  mkdirSync(dest)
  writeFileSync(`${source.path}/f`, content)
  {
    const fault: NativeFault = { call, effect: 'hold', at }
    await using engine = openRaw({ faults: [fault] })
    const job = { srcRoot: bytes(source.path), destRoot: bytes(dest), files: [same('f')], options }
    const { finished } = engine.startFiles(job)
    await engine.reached(fault)
    assert.equal(spoil(disk.image), 1, 'the bytes are on the device once')
    engine.release()
    const { files } = await finished
    result = files[0]
  }
  disk.remount()
  return { result, names: readdirSync(dest), read: () => readFileSync(`${dest}/f`) }
}

/** Flips a bit of the marker wherever it is in the image; tells how often that was. */
function spoil(image: string): number {
  const all = readFileSync(image)
  let count = 0
  const fd = openSync(image, 'r+')
  for (let at = all.indexOf(marker); at >= 0; at = all.indexOf(marker, at + 1)) {
    writeSync(fd, Buffer.from([marker.readUInt8(0) ^ 1]), 0, 1, at)
    ++count
  }
  closeSync(fd)
  return count
}

for (const kind of ['ext4', 'xfs', 'btrfs'] as const) {
  const skip = whyNot(kind) ?? false
  for (const strategy of ['auto', 'sendfile'] as const) {
    test(`${kind}: a byte that rots on the device is found by reading back (${strategy})`, { skip }, async (t) => {
      const { result, names } = await rotting(t, kind, ['fadvise', 1], {
        verify: 'readback',
        durability: 'each',
        strategy,
      })
      // btrfs has checksums of its own and refuses to read.
      const code = kind === 'btrfs' ? 'EIO' : 'ERR_SUSTEN_DIGEST'
      assert.equal(result?.error?.code, code, inspect(result))
      assert.deepEqual(names, [], 'nothing gets the name')
    })
  }
}

test('without reading back it is not found, which shows that the bytes really rot', {
  skip: whyNot('ext4') ?? false,
}, async (t) => {
  const { result, read } = await rotting(t, 'ext4', ['linkat', 2], { verify: 'inline', durability: 'each' })
  assert.equal(result?.outcome, 'created')
  assert.ok(!read().equals(content))
})
