import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { startDcu } from './support/dcu-world.js'
import { documentText, runExample } from './support/example.js'
import { checkAllThere } from './support/furka-world.js'
import { whyNoDaemon } from './support/grimsel-daemon.js'
import { createPlace } from './support/mirror-world.js'

test('the example of FURKA.md runs: a series goes from the detector to the disk', async (t) => {
  const [dcu, place] = [await startDcu(t), await createPlace(t)]
  await dcu.acquire({ images: 4, imagesPerFile: 2, namePattern: 'lyso_$id' })
  const said = await runExample(t, 'FURKA.md', place, 0, {
    "'10.42.41.10'": `'${dcu.url}'`,
    '/var/lib/susten/': `${place.root}/journal-of-`,
  })
  assert.match(said, /\/\.\/eiger\/lyso_1_master\.h5 \d+ [0-9a-f]{32}/)
  assert.match(said, /lyso_1_master\.h5 is on the disk, and not at the detector any more/)
  assert.match(said, /3 files \d+ bytes/)
  checkAllThere(dcu, `${place.disk}/eiger`)
  assert.ok(dcu.truth.completed.every(({ state }) => state === 'deleted'))
})

test('the quick start of FURKA.md can be pasted: a series goes from a simulated server to the disk', {
  skip: whyNoDaemon() ?? false,
}, async (t) => {
  const { root } = await createPlace(t)
  const dist = join(dirname(createRequire(import.meta.url).resolve('susten/package.json')), 'dist/cli')
  mkdirSync(join(root, 'bin'))
  for (const name of ['furka', 'grimsel', 'susten']) {
    const script = `#!/bin/sh\nexec '${process.execPath}' '${join(dist, name)}.js' "$@"\n`
    writeFileSync(join(root, 'bin', name), script, { mode: 0o755 })
  }
  let [, commands = ''] = /## Quick start[\s\S]*?```sh\n([\s\S]*?)```/.exec(documentText('FURKA.md')) ?? []
  for (const port of ['58080', '57199', '57198']) {
    assert.ok(commands.includes(port))
    commands = commands.replaceAll(port, String(await freePort()))
  }
  assert.match(commands, /^sleep 5$/m)
  // However long it takes here.
  commands = commands.replace(
    'sleep 5',
    'until [ "$(ls $D/disk/visit7 2>&1 | grep -c series_1)" = 5 ]; do sleep 0.1; done',
  )
  const { stdout, stderr } = await promisify(execFile)('sh', ['-e', '-c', `${undo}${commands}`], {
    env: { ...process.env, PATH: `${join(root, 'bin')}:${process.env['PATH']}` },
    timeout: 60_000,
  })
  t.diagnostic(stdout)
  assert.equal(stderr, '')
  assert.match(stdout, /^user: uid 1000, gid 1000, directory visit7, /m)
  assert.equal(stdout.match(/ series_1_(master|data_00000[1-4])\.h5$/gm)?.length, 5)
  assert.match(stdout, /furka has stopped\ngrimsel has stopped\n$/)
})

/** Where a command fails, nothing is left running. */
const undo = `
undo() { furka stop --config $D/furka.json; grimsel stop --config $D/grimsel.conf; kill $SERVER; rm -r $D $B; }
trap 'test $? = 0 || undo' EXIT
trap 'exit 1' TERM
`

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

test('the camera of SOURCES.md is as good a source as any', async (t) => {
  const place = await createPlace(t)
  const text = documentText('SOURCES.md')
  const [, short] = /(\n\/\/ What Furka does with it, in short\.[\s\S]*?)```/.exec(text) ?? []
  assert.ok(short)
  const said = await runExample(t, 'SOURCES.md', place, 0, {
    [short]: `
import { Furka } from 'susten'
await using furka = await Furka.open({ sources: [{ source, target: '${place.disk}' }], journal: '${place.journal}' })
furka.on('removed', ({ name }) => console.log(name))
await furka.idle()
`,
  })
  assert.equal(said, 'lyso/loop_1.jpg\n')
  assert.equal(readFileSync(join(place.disk, 'lyso/loop_1.jpg'), 'utf8'), 'a picture')
})
