import assert from 'node:assert/strict'
import { constants } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { type CopyTreeOptions, copyTree } from '#lib/copy-tree/index.js'
import { openEngine } from '#lib/engine/index.js'
import { plant, scratch } from './support/tree.js'

const wrong: readonly [what: string, options: object, says: RegExp][] = [
  ['an unknown option', { fancy: true }, /unknown option 'fancy'; known are .*verify/],
  ['a misspelt option', { dereferance: true }, /unknown option 'dereferance'; did you mean 'dereference'\?/],
  ['an option in the wrong case', { errorOnexist: true }, /did you mean 'errorOnExist'\?/],
  ['an unknown kind of metadata', { preserve: { owner: 'keep' } }, /preserve: unknown option 'owner'/],
  [
    'a word that is none of the known ones',
    { verify: 'always' },
    /'verify' must be 'none' or 'inline' or 'readback', not 'always'/,
  ],
  [
    'an unknown way to preserve',
    { preserve: { uid: true } },
    /'preserve\.uid' must be 'keep' or 'try' or 'off', not true/,
  ],
  ['a number for a switch', { force: 1 }, /'force' must be true or false, not 1/],
  ['a filter that is no function', { filter: 'x' }, /'filter' must be a function/],
  ['a signal that is none', { signal: {} }, /'signal' must be an AbortSignal/],
  ['no file at a time', { concurrency: 0 }, /'concurrency' must be a whole number from 1 to 256, not 0/],
  ['an unknown flag', { mode: 1024 }, /'mode' must be made of the COPYFILE_\* flags/],
  ['force against overwrite', { force: true, overwrite: false }, /force and overwrite are one switch/],
  [
    'a clone by another strategy',
    { mode: constants.COPYFILE_FICLONE_FORCE, strategy: 'sendfile' },
    /COPYFILE_FICLONE_FORCE/,
  ],
  ['inline verification of what the kernel copies', { strategy: 'sendfile', verify: 'inline' }, /'readback'/],
  ['digests without verification', { digests: true, verify: 'none' }, /'digests' needs digests/],
  ['a manifest without verification', { manifest: '/tmp/m', verify: 'none' }, /'manifest' needs digests/],
  [
    'times both ways',
    { preserveTimestamps: true, preserve: { times: 'off' } },
    /'preserveTimestamps: true' contradicts/,
  ],
  ['an engine that is none', { engine: {} }, /'engine' must be an engine, as openEngine\(\) gives it, not \{\}/],
  ['an unknown answer to errors', { onError: 'ignore' }, /'onError' must be 'throw' or 'continue'/],
]

for (const [what, options, says] of wrong) {
  test(`${what} is refused by name before anything is done`, async (t) => {
    const root = await scratch(t)
    await plant(root, { src: 'x' })
    await assert.rejects(copyTree(join(root, 'src'), join(root, 'dest'), options as CopyTreeOptions), {
      name: 'SustenError',
      code: 'ERR_SUSTEN_OPTION',
      message: says,
    })
    await assert.rejects(lstat(join(root, 'dest')), { code: 'ENOENT' })
  })
}

for (const options of [null, 7, 'x', []]) {
  test(`options that are ${JSON.stringify(options)} are refused`, async () => {
    await assert.rejects(copyTree('/a', '/b', options as unknown as CopyTreeOptions), { code: 'ERR_SUSTEN_OPTION' })
  })
}

test('a URL that is not one of a file is refused, and it is said whose it is', async () => {
  const url = new URL('http://beamline/data')
  const refused = (name: string) => ({
    name: 'SustenError',
    code: 'ERR_SUSTEN_OPTION',
    message: new RegExp(`^${name} must be a file: URL of this machine, not 'http://beamline/data'`),
  })
  await assert.rejects(copyTree(url, '/tmp/b'), refused('src'))
  await assert.rejects(copyTree('/tmp/a', url), refused('dest'))
  await assert.rejects(copyTree('/tmp/a', '/tmp/b', { manifest: url }), refused('manifest'))
})

test('concurrency together with an engine is refused', async (t) => {
  const engine = openEngine({ threads: 1 })
  t.after(() => engine.close())
  await assert.rejects(copyTree('/a', '/b', { engine, concurrency: 2 }), {
    code: 'ERR_SUSTEN_OPTION',
    message: /that one's threads count/,
  })
})

test('options that are undefined are as if left out', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: { f: 'x' } })
  const report = await copyTree(join(root, 'src'), join(root, 'dest'), {
    force: undefined,
    filter: undefined,
    verify: undefined,
    preserve: { uid: undefined },
    manifest: undefined,
    signal: undefined,
    concurrency: undefined,
    recursive: undefined,
  })
  assert.equal(report.files, 1)
})

test('the options object is left as it was', async (t) => {
  const root = await scratch(t)
  await plant(root, { src: 'x' })
  const options = Object.freeze({ force: true, preserve: Object.freeze({ uid: 'try' as const }) })
  await copyTree(join(root, 'src'), join(root, 'dest'), options)
  assert.deepEqual(options, { force: true, preserve: { uid: 'try' } })
})
