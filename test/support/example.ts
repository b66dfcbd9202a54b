/** Runs the examples of documents. */
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Place } from './mirror-world.js'

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))

/** All of a document. */
export const documentText = (name: string): string => readFileSync(join(root, 'docs', name), 'utf8')

/**
 * Runs an example of a document, by default the first, in other places; what it printed. What it imports by a path is the
 * library's own.
 * @param more What else is to be replaced in it.
 */
export async function runExample(
  t: TestContext,
  document: string,
  place: Pick<Place, 'root' | 'source' | 'disk' | 'gpfs' | 'journal'>,
  index = 0,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const text = documentText(document)
  const example = [...text.matchAll(/```ts\n([\s\S]*?)```/g)][index]?.[1]
  assert.ok(example, `${document} has an example`)
  let source = example
  for (const [text, other] of Object.entries(more)) source = source.replaceAll(text, other)
  source = source
    .replaceAll('/mnt/data_buffer', place.source)
    .replaceAll("'/data'", `'${place.disk}'`)
    .replaceAll('/gpfs/current/raw', place.gpfs)
    .replaceAll('/var/lib/susten/p11', place.journal)
    .replaceAll("'susten'", `'${join(root, 'dist/index.js')}'`)
    .replaceAll("from './", `from '${root}/dist/`)
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
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [out], { timeout: 60_000 })
  assert.equal(stderr, '')
  t.diagnostic(stdout)
  return stdout
}
