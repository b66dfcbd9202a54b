/** Files that become durable together, and those that don't wait for each other. */
import assert from 'node:assert/strict'
import { truncateSync } from 'node:fs'
import { test } from 'node:test'
import type { NativeFault } from '#lib/native.js'
import { mount, whyNot } from './support/mounts.js'
import { bytes, openRaw, same } from './support/raw-engine.js'
import { plant } from './support/tree.js'

const MiB = 2 ** 20

test('a large file is made durable while another one is', { skip: whyNot('ext4') ?? false }, async (t) => {
  const disk = mount('ext4', 32 * MiB)
  t.after(() => disk.unmount())
  await plant(disk.path, { src: { a: 'a', b: 'b' }, dest: {} })
  for (const name of ['a', 'b']) truncateSync(`${disk.path}/src/${name}`, MiB)
  const fault: NativeFault = { call: 'fsync', effect: 'hold', at: 1 }
  await using engine = openRaw({ threads: 2, faults: [fault] })
  const copy = (name: string) =>
    engine.startFiles({
      srcRoot: bytes(`${disk.path}/src`),
      destRoot: bytes(`${disk.path}/dest`),
      options: { durability: 'batch' },
      files: [same(name)],
    })
  const held = copy('a')
  await engine.reached(fault)
  const { files } = await copy('b').finished
  assert.deepEqual(
    files.map(({ outcome }) => outcome),
    ['created'],
  )
  engine.release()
  const [first] = (await held.finished).files
  assert.equal(first?.outcome, 'created')
})
