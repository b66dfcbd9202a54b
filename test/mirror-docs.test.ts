import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createPlace, filesBelow, type Place } from './support/mirror-world.js'

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** Runs the first example of a document, in other places; what it printed. */
async function runExample(t: TestContext, document: string, place: Place): Promise<string> {
  const text = readFileSync(join(root, 'docs', document), 'utf8')
  const [, example] = /```ts\n([\s\S]*?)```/.exec(text) ?? []
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
