import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { keepAll, type NativeFault, type PolicyAttempt, type PolicyStorage, type StoragePolicy } from 'susten'
import { createPlace, figures, filesBelow, heard, open } from './support/mirror-world.js'

const refused: NativeFault = { call: 'futimens', effect: 'EPERM', times: -1 }

test('keepAll is the default: every file goes to every storage', async (t) => {
  const place = await createPlace(t)
  place.write('image')
  const { mirror } = await open(t, place, { policy: keepAll() })
  await mirror.idle()
  assert.deepEqual([filesBelow(place.disk), filesBelow(place.gpfs)], [['image'], ['image']])
  assert.deepEqual(keepAll(), { name: 'keepAll' })
})

test('a policy chooses the storages of each file', async (t) => {
  const place = await createPlace(t)
  for (const name of ['image.h5', 'snapshot.jpg', 'run/other.jpg']) place.write(name)
  const policy: StoragePolicy = {
    name: 'pictures stay here',
    storages: (file, storages) => (file.path.endsWith('.jpg') ? ['disk'] : storages.map((storage) => storage.id)),
  }
  const { mirror } = await open(t, place, { policy })
  await mirror.idle()
  assert.deepEqual(filesBelow(place.disk), ['image.h5', 'run/other.jpg', 'snapshot.jpg'])
  assert.deepEqual(filesBelow(place.gpfs), ['image.h5'])
  assert.deepEqual([figures(mirror, 'disk').copied, figures(mirror, 'gpfs').copied], [3, 1])
})

test('a policy sees the file, its replicate root, and the storages', async (t) => {
  const place = await createPlace(t)
  const asked: unknown[] = []
  const policy: StoragePolicy = {
    name: 'curious',
    storages(file, storages) {
      const { announced, ...rest } = file
      asked.push([rest, announced > 0, storages.map(({ id, type, available }) => [id, type, available])])
      return ['disk', 'gpfs']
    },
  }
  const { mirror } = await open(t, place, { policy, watch: false })
  place.write('p11/run7/image')
  await mirror.add('p11/./run7/image')
  await mirror.idle()
  const storages = [
    ['disk', 'internal', true],
    ['gpfs', 'external', true],
  ]
  assert.deepEqual(asked, [[{ path: 'p11/run7/image', replicated: 'run7/image', shift: 0 }, true, storages]])
})

test('a scan leaves alone what a policy keeps off a storage', async (t) => {
  const place = await createPlace(t)
  place.write('snapshot.jpg')
  const { mirror, told } = await open(t, place, { policy: { name: 'disk only', storages: () => ['disk'] } })
  await mirror.idle()
  await mirror.scan()
  await mirror.idle()
  assert.equal(told.copied.length, 1)
  assert.deepEqual(told.messages, [])
})

const wrongAnswers: Record<string, [StoragePolicy['storages'], RegExp]> = {
  'names a storage that is not there': [
    () => ['disk', 'gpfs', 'tape'],
    /'odd' was overruled on image: there is no storage 'tape'/,
  ],
  'names no storage': [() => [], /the file would go to no storage/],
  'is no list': [() => 'disk' as unknown as string[], /its storages\(\) threw .*map is not a function/],
  'is an error': [
    () => {
      throw new Error('a mistake')
    },
    /its storages\(\) threw .*a mistake/,
  ],
}
for (const [what, [storages, expected]] of Object.entries(wrongAnswers)) {
  test(`a file goes everywhere, and it is told, where a policy's answer ${what}`, async (t) => {
    const place = await createPlace(t)
    place.write('image')
    const { mirror, told } = await open(t, place, { policy: { name: 'odd', ...(storages && { storages }) } })
    await mirror.idle()
    assert.deepEqual([filesBelow(place.disk), filesBelow(place.gpfs)], [['image'], ['image']])
    assert.match((await heard(told, 'POLICY')).text, expected)
  })
}

test('a policy decides how failures are retried', async (t) => {
  const place = await createPlace(t)
  place.write('image')
  const asked: PolicyAttempt[] = []
  const policy: StoragePolicy = {
    name: 'twice',
    retry(attempt) {
      asked.push(attempt)
      return attempt.attempts < 2 ? 0 : 'give-up'
    },
  }
  const { mirror, told } = await open(t, place, { policy, engines: { gpfs: { faults: [refused] } } })
  await mirror.idle()
  assert.deepEqual(
    asked.map(({ code, attempts, storage }) => [code, attempts, storage.id]),
    [
      ['EPERM', 1, 'gpfs'],
      ['EPERM', 2, 'gpfs'],
    ],
  )
  assert.equal(asked[0]?.file.path, 'image')
  assert.equal(typeof asked[0]?.proposed, 'number')
  assert.deepEqual(
    told.failed.map(({ attempts }) => attempts),
    [2],
  )
})

test('a wait that no policy may ask for is dropped: the built-in one holds', async (t) => {
  const place = await createPlace(t)
  place.write('image')
  const policy: StoragePolicy = { name: 'patient', retry: () => Number.NaN }
  const { mirror, told } = await open(t, place, { policy, engines: { gpfs: { faults: [refused] } } })
  await mirror.idle()
  assert.deepEqual(
    told.failed.map(({ attempts }) => attempts),
    [3],
  )
  assert.match((await heard(told, 'POLICY')).text, /a wait of NaN is not 0…3600000 milliseconds/)
})

test('a policy is not asked about conditions of a whole storage', async (t) => {
  const place = await createPlace(t)
  place.write('image')
  const policy: StoragePolicy = {
    name: 'hasty',
    retry: () => 'give-up',
  }
  const faults: NativeFault[] = [{ call: 'futimens', effect: 'ENOSPC', times: 4 }]
  const { mirror, told } = await open(t, place, { policy, engines: { gpfs: { faults } } })
  await mirror.idle()
  assert.deepEqual(told.failed, [])
  assert.deepEqual(filesBelow(place.gpfs), ['image'])
})

test('storages are told apart by fill state once it was read', async (t) => {
  const place = await createPlace(t)
  let seen: readonly PolicyStorage[] = []
  const policy: StoragePolicy = {
    name: 'by fill state',
    storages(_, storages) {
      seen = storages
      return ['disk']
    },
  }
  const { mirror } = await open(t, place, { policy, watch: false })
  await mirror.add(place.write('image'))
  await mirror.idle()
  assert.ok(seen.every(({ fill }) => fill !== undefined && fill >= 0 && fill <= 1))
  assert.deepEqual(filesBelow(join(place.root, 'gpfs')), [])
})
