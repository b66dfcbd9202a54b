import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createPlace, filesBelow, type Place } from './support/mirror-world.js'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Runs an example of a document, by default the first, in other places; what it printed. */
async function runExample(t: TestContext, document: string, place: Place, index = 0): Promise<string> {
  const text = readFileSync(join(root, 'docs', document), 'utf8')
  const example = [...text.matchAll(/```ts\n([\s\S]*?)```/g)][index]?.[1]
  assert.ok(example, `${document} has an example`)
  const source = example
    .replaceAll('/mnt/data_buffer', place.source)
    .replaceAll("'/data'", `'${place.disk}'`)
    .replaceAll('/gpfs/current/raw', place.gpfs)
    .replaceAll('/var/lib/susten/p11', place.journal)
    .replaceAll("'susten'", `'${join(root, 'dist/index.js')}'`)
  // Types only are taken out by the compiler that the project uses.
  const [file, out] = [join(place.root, 'example.mts'), join(place.root, 'example.mjs')]
  writeFileSync(file, source)
  const tsc = spawnSync(
    join(root, 'node_modules/.bin/tsc'),
    [
      '--ignoreConfig',
      '--strict',
      '--target',
      'es2022',
      '--module',
      'nodenext',
      '--lib',
      'es2023,esnext.disposable',
    ].concat(['--types', 'node', '--typeRoots', join(root, 'node_modules/@types'), '--skipLibCheck', file]),
    { encoding: 'utf8' },
  )
  assert.equal(tsc.status, 0, tsc.stdout)
  const { status, stdout, stderr } = spawnSync(process.execPath, [out], { encoding: 'utf8', timeout: 60_000 })
  assert.deepEqual([status, stderr], [0, ''])
  t.diagnostic(stdout)
  return stdout
}

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
