import assert from 'node:assert/strict'
import { once } from 'node:events'
import { lstatSync, readFileSync, readlinkSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { copyTree } from 'susten'
import { runExample } from './support/example.js'
import { createPlace, filesBelow, type Place } from './support/mirror-world.js'

const name = 'run7/lyso_1_master.h5'
const trees = (place: Place) => ({
  "'/a'": `'${place.source}'`,
  "'/b'": `'${place.disk}'`,
  "'/c'": `'${place.source}'`,
  "'/d'": `'${place.gpfs}'`,
})

test('the example of JOURNAL.md runs', async (t) => {
  const said = await runExample(t, 'JOURNAL.md', await createPlace(t))
  assert.equal(said, `1 { files: 1 }\n1 to be copied\n${name}\n`)
})

test('the example of ENGINE.md runs: two trees are copied', async (t) => {
  const place = await createPlace(t)
  place.write(name)
  await runExample(t, 'ENGINE.md', place, 0, trees(place))
  assert.deepEqual([filesBelow(place.disk), filesBelow(place.gpfs)], [[name], [name]])
})

test('the example of ENGINE.md that has faults runs: one file fails', async (t) => {
  const place = await createPlace(t)
  for (let i = 0; i < 4; i++) place.write(`${i}`)
  assert.equal(await runExample(t, 'ENGINE.md', place, 1, trees(place)), "[ 'EIO fsync' ]\n")
})

test('the example of ENGINE.md that releases runs: a link takes the place of the file', async (t) => {
  const place = await createPlace(t)
  const path = place.write(name)
  const copy = join(place.disk, name)
  await copyTree(place.source, place.disk)
  const said = await runExample(t, 'ENGINE.md', place, 2, { "'/data/": `'${place.disk}/` })
  assert.match(said, /released/)
  assert.ok(lstatSync(path).isSymbolicLink())
  assert.equal(readlinkSync(path), copy)
})

test('the example of ENGINE.md that receives runs: a file comes from a server', async (t) => {
  const place = await createPlace(t)
  const server = createServer((_, response) => response.end('a master file')).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const said = await runExample(t, 'ENGINE.md', place, 3, { "'detector', port: 80": `'127.0.0.1', port: ${port}` })
  assert.match(said, /^created 13 [0-9a-f]{32}\n$/)
  assert.equal(readFileSync(join(place.source, 'run7/series_1_master.h5'), 'utf8'), 'a master file')
})
