import assert from 'node:assert/strict'
import { closeSync, ftruncateSync, openSync, readdirSync } from 'node:fs'
import test from 'node:test'
import { bytes, openRaw, same } from './support/raw-engine.js'
import { plant, scratch } from './support/tree.js'

test('a sparse file that no such storage can hold is refused before it is read', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: {}, dest: {} })
  const fd = openSync(`${root}/src/f`, 'w')
  ftruncateSync(fd, 2 ** 43) // 8 TiB of nothing
  closeSync(fd)
  await using engine = openRaw()
  const { finished } = engine.startFiles({
    srcRoot: bytes(`${root}/src`),
    destRoot: bytes(`${root}/dest`),
    files: [same('f')],
  })
  const error = (await finished).files[0]?.error
  assert.equal(error?.code, 'EFBIG')
  assert.equal(error?.path, `${root}/dest/f`)
  assert.deepEqual(readdirSync(`${root}/dest`), [])
})
