/** Runs the examples of documents. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Place } from './mirror-world.js'

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))

/** Runs an example of a document, by default the first, in other places; what it printed. */
export async function runExample(t: TestContext, document: string, place: Place, index = 0): Promise<string> {
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
