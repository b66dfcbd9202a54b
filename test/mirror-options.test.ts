import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Mirror, type MirrorOptions, type StorageOptions } from 'susten'
import { createPlace, optionsFor, type Place } from './support/mirror-world.js'

type Wrong = (place: Place) => Record<string, unknown>
const storages =
  (...more: Partial<Record<keyof StorageOptions | 'size', unknown>>[]): Wrong =>
  (place) => ({
    storages: [
      { id: 'disk', type: 'internal', target: place.disk, ...more[0] },
      { id: 'gpfs', type: 'external', target: place.gpfs, ...more[1] },
    ],
  })

const refusals: Record<string, [Wrong, RegExp]> = {
  'an unknown option': [() => ({ sources: 'x' }), /unknown option 'sources'/],
  'an unknown option of a storage': [storages({ size: 1 }), /'size'/],
  'an unknown option of retry': [() => ({ retry: { times: 1 } }), /'times'/],
  'no source': [() => ({ source: undefined }), /option 'source' is missing/],
  'a relative source': [() => ({ source: 'run' }), /'source' must be an absolute path, not 'run'/],
  'no storages': [() => ({ storages: undefined }), /'storages' must list at least one/],
  'an empty list of storages': [() => ({ storages: [] }), /'storages' must list at least one/],
  'a storage without an id': [storages({ id: undefined }), /'storages\[0\]\.id' must be/],
  'an id with a blank': [storages({ id: 'a b' }), /'storages\[0\]\.id' must be .* not 'a b'/],
  'an id that is a number': [storages({ id: 1 }), /'storages\[0\]\.id' must be .* not 1$/],
  'two storages of one id': [storages({}, { id: 'disk' }), /two have the id 'disk'/],
  'no target': [storages({ target: undefined }), /'storages\[0\]\.target' is missing/],
  'a relative target': [
    storages({}, { target: 'data' }),
    /'storages\[1\]\.target' must be an absolute path, not 'data'/,
  ],
  'a relative mountPoint': [
    storages({}, { mountPoint: 'gpfs' }),
    /'storages\[1\]\.mountPoint' must be an absolute path, not 'gpfs'/,
  ],
  'a source that is no file URL': [
    () => ({ source: new URL('http://beamline/data') }),
    /'source' must be a file: URL of this machine, not 'http:\/\/beamline\/data'/,
  ],
  "a target with '..'": [storages({ target: '/data/../x' }), /must have no '\.\.'/],
  'an unknown type': [storages({ type: 'tape' }), /'storages\[0\]\.type'.*internal/],
  'no internal storage': [storages({ type: 'optional' }), /exactly one of type 'internal', not 0/],
  'two internal storages': [storages({}, { type: 'internal' }), /exactly one of type 'internal', not 2/],
  'a concurrency of nothing': [storages({ concurrency: 0 }), /'storages\[0\]\.concurrency'/],
  'too great a concurrency': [storages({ concurrency: 257 }), /'storages\[0\]\.concurrency'/],
  'an unknown way to verify': [() => ({ verify: 'maybe' }), /^option 'verify' must be/],
  'an unknown way to verify on a storage': [storages({ verify: 'maybe' }), /storages\[0\]\.verify/],
  'an unknown durability': [() => ({ durability: 'sync' }), /^option 'durability' must be .* not 'sync'$/],
  'an unknown durability of a storage': [
    storages({}, { durability: 'sync' }),
    /^option 'storages\[1\]\.durability' must be .* not 'sync'$/,
  ],
  'an unknown way to preserve': [storages({ preserve: { uid: 'maybe' } }), /uid/],
  'an unknown thing to preserve': [storages({ preserve: { colour: 'keep' } }), /colour/],
  'a target in the source': [
    (place) => storages({ target: join(place.source, 'copies') })(place),
    /storage 'disk': target .* and source .* lie in one another/,
  ],
  'a source in the target': [(place) => storages({ target: place.root })(place), /lie in one another/],
  'the source as target': [(place) => storages({ target: place.source })(place), /lie in one another/],
  'two storages with one target': [
    (place) => storages({}, { target: place.disk })(place),
    /targets of storages 'disk' and 'gpfs' lie in one another/,
  ],
  'a target in another': [(place) => storages({}, { target: join(place.disk, 'more') })(place), /lie in one another/],
  'a journal in the source': [(place) => ({ journal: join(place.source, 'j') }), /'journal'.*lies in the source/],
  'a journal that is no text': [() => ({ journal: 5 }), /'journal' must be the path of a directory/],
  'engines of an unknown storage': [() => ({ engines: { tape: {} } }), /'engines': there is no storage 'tape'/],
  'a watch that is no boolean': [() => ({ watch: 'yes' }), /'watch'/],
  'too short a settle': [() => ({ settle: 0 }), /'settle'/],
  'too short a scanInterval': [() => ({ scanInterval: 5 }), /'scanInterval'/],
  'too short a volumeInterval': [() => ({ volumeInterval: 5 }), /'volumeInterval'/],
  'no attempts': [() => ({ retry: { attempts: 0 } }), /'retry\.attempts'/],
  'a longest wait below the first': [() => ({ retry: { first: 100, max: 50 } }), /'retry\.max'/],
  'a signal that is none': [() => ({ signal: {} }), /'signal'/],
  'a policy that is no object': [() => ({ policy: 'keepAll' }), /'policy' must be an object with a name/],
  'a policy without a name': [() => ({ policy: {} }), /'policy' must be an object with a name/],
  'a policy that releases': [
    () => ({ policy: { name: 'tidy', release: () => ({ when: 'never' }) } }),
    /policy 'tidy' has release\(\)/,
  ],
  'a policy of shifts': [
    () => ({ policy: { name: 'tidy', shiftEnd: () => 'keep' } }),
    /policy 'tidy' has shiftEnd\(\)/,
  ],
  'a policy with an unknown method': [() => ({ policy: { name: 'odd', storage: () => [] } }), /'storage'/],
}

for (const [what, [wrong, expected]] of Object.entries(refusals)) {
  test(`Mirror.open refuses ${what}`, async (t) => {
    const place = await createPlace(t)
    const options = { ...optionsFor(place), ...wrong(place) } as MirrorOptions
    await assert.rejects(Mirror.open(options), { name: 'SustenError', code: 'ERR_SUSTEN_OPTION', message: expected })
  })
}

test('Mirror.open refuses a source that is not there, and leaves the journal free', async (t) => {
  const place = await createPlace(t)
  const source = join(place.root, 'later')
  const options = { ...optionsFor(place), source }
  await assert.rejects(Mirror.open(options), { name: 'SustenError', code: 'ENOENT', path: source })
  mkdirSync(source)
  await using mirror = await Mirror.open(options)
  await mirror.idle()
})

test('Mirror.open refuses a source that is a file', async (t) => {
  const place = await createPlace(t)
  const source = join(place.root, 'file')
  writeFileSync(source, '')
  const opening = Mirror.open({ ...optionsFor(place), source })
  t.after(() =>
    opening.then(
      (mirror) => mirror.close(),
      () => {},
    ),
  )
  await assert.rejects(opening, { name: 'SustenError', code: 'ENOTDIR', path: source })
})

test('a journal that is open in this process is locked', async (t) => {
  const place = await createPlace(t)
  await using mirror = await Mirror.open(optionsFor(place))
  await assert.rejects(Mirror.open(optionsFor(place)), { code: 'ERR_SUSTEN_LOCKED' })
  await mirror.close()
  await using next = await Mirror.open(optionsFor(place))
  assert.equal(next.journal, place.journal)
})

test('the journal of another source is refused', async (t) => {
  const place = await createPlace(t)
  await (await Mirror.open(optionsFor(place))).close()
  const source = join(place.root, 'another')
  mkdirSync(source)
  await assert.rejects(Mirror.open({ ...optionsFor(place), source }), {
    code: 'ERR_SUSTEN_OPTION',
    message: new RegExp(`journal ${place.journal} is that of source ${place.source};`),
  })
})

test('a source that is not there does not take the journal', async (t) => {
  const place = await createPlace(t)
  const source = join(place.root, 'mistyped')
  await assert.rejects(Mirror.open({ ...optionsFor(place), source }), { code: 'ENOENT', path: source })
  await (await Mirror.open(optionsFor(place))).close()
})

test('without a journal option there is one below the state directory, named after the source', async (t) => {
  const place = await createPlace(t)
  const { journal: _, ...options } = optionsFor(place)
  await using mirror = await Mirror.open(options)
  t.after(() => rmSync(mirror.journal, { recursive: true }))
  assert.match(mirror.journal, /\/susten\/source-[0-9a-f]{8}$/)
  await mirror.close()
})

test('where the usual place of the journal cannot be used, the error names the option', async (t) => {
  const place = await createPlace(t)
  chmodSync(place.root, 0o755)
  const { journal: _, ...options } = optionsFor(place)
  const library = import.meta.resolve('susten')
  const code = `
    import { Mirror } from '${library}'
    await Mirror.open(${JSON.stringify(options)}).catch(({ name, code, message }) => console.log(name, code, message))`
  // An ordinary user, whose state directory is a file.
  const user = process.geteuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}
  const file = join(place.root, 'file')
  writeFileSync(file, '')
  const env = { ...process.env, XDG_STATE_HOME: file }
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
    ...user,
    env,
    encoding: 'utf8',
  })
  assert.match(stdout, /^SustenError ENOTDIR the journal '.*; give another by option 'journal'\n$/, stderr)
})
