import assert from 'node:assert/strict'
import { join, relative } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import type { PathInput } from 'susten'
import { createPlace, figures, filesBelow, open, type Place } from './support/mirror-world.js'

/** Announces paths to a Mirror that watches nothing; what is on its storage then. */
async function added(t: TestContext, place: Place, ...paths: (PathInput | readonly PathInput[])[]): Promise<string[]> {
  const { mirror } = await open(t, place, { watch: false })
  for (const path of paths) await mirror.add(path)
  await mirror.idle()
  assert.deepEqual(filesBelow(place.gpfs), filesBelow(place.disk))
  return filesBelow(place.disk)
}

const forms: Record<string, (place: Place) => PathInput | readonly PathInput[]> = {
  'as text': (place) => join(place.source, 'run/image'),
  'as bytes': (place) => Buffer.from(join(place.source, 'run/image')),
  'as a URL': (place) => pathToFileURL(join(place.source, 'run/image')),
  'relative to the source': () => 'run/image',
  'in a list': (place) => [join(place.source, 'run/image')],
  'with needless slashes': (place) => `${place.source}//run///image`,
}
for (const [how, form] of Object.entries(forms)) {
  test(`a file can be announced ${how}`, async (t) => {
    const place = await createPlace(t)
    place.write('run/image')
    assert.deepEqual(await added(t, place, form(place)), ['run/image'])
  })
}

test('what follows a /./ is recreated below the targets', async (t) => {
  const place = await createPlace(t)
  for (const name of ['p11/run7/image', 'p11/run8/image', 'plain/image']) place.write(name)
  const found = await added(t, place, `${place.source}/p11/./run7/image`, 'p11/run8/./image', [
    `${place.source}/./plain/image`,
  ])
  assert.deepEqual(found, ['image', 'plain/image', 'run7/image'])
})

test('a file keeps its replicate root when it is announced without one', async (t) => {
  const place = await createPlace(t)
  place.write('p11/run7/image')
  assert.deepEqual(await added(t, place, 'p11/./run7/image', 'p11/run7/image'), ['run7/image'])
})

test('a file that is announced with another replicate root is copied there too', async (t) => {
  const place = await createPlace(t)
  place.write('p11/run7/image')
  const found = await added(t, place, 'p11/./run7/image', './p11/run7/image', 'p11/run7/./image')
  assert.deepEqual(found, ['image', 'run7/image'])
})

const refusals: Record<string, (place: Place) => PathInput> = {
  'outside the source': (place) => join(place.disk, 'image'),
  'beside the source with its name as a beginning': (place) => `${place.source}2/image`,
  "with '..'": (place) => `${place.source}/run/../image`,
  "with '..' that leads out": () => '../image',
  'the source itself': (place) => place.source,
  'the source itself with a slash': (place) => `${place.source}/`,
  'a name that ends with a slash': () => 'run/',
  'an empty path': () => '',
  'with the /./ above the source': (place) => `${place.root}/./${relative(place.root, place.source)}/image`,
  'with nothing behind the /./': () => 'run/./',
  'with a NUL byte': () => 'run/\0image',
}
for (const [what, form] of Object.entries(refusals)) {
  test(`add refuses a path ${what}`, async (t) => {
    const place = await createPlace(t)
    const { mirror } = await open(t, place, { watch: false })
    await assert.rejects(mirror.add(form(place)), (error: Error & { code?: string }) => {
      assert.match(error.code ?? '', /^ERR_INVALID_/)
      return true
    })
    assert.equal(mirror.status().journal.records, 0)
  })
}

test('add refuses a URL of another scheme, and shows it', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place, { watch: false })
  await assert.rejects(mirror.add(new URL('http://example.org/image')), {
    name: 'SustenError',
    code: 'ERR_SUSTEN_OPTION',
    message: /^path must be a file: URL of this machine, not 'http:\/\/example\.org\/image'/,
  })
})

test('a list with one wrong path is refused as a whole', async (t) => {
  const place = await createPlace(t)
  place.write('image')
  const { mirror } = await open(t, place, { watch: false })
  await assert.rejects(mirror.add(['image', '../image']), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: "The announced path '../image' has a '..'; give the path without it",
  })
  await mirror.idle()
  assert.deepEqual([mirror.status().journal.records, filesBelow(place.disk)], [0, []])
})

test('an announcement is journaled once add has resolved', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place, { watch: false })
  mirror.pause()
  const paths = Array.from({ length: 1000 }, (_, i) => place.write(`f${i}`))
  const adding = mirror.add(paths)
  assert.ok(mirror.status().announcing > 0)
  await adding
  assert.equal(mirror.status().announcing, 0)
  assert.equal(mirror.status().journal.records, 1000)
  assert.equal(figures(mirror, 'disk').pending, 1000)
})

test('an empty list is announced at once', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place, { watch: false })
  await mirror.add([])
  await mirror.idle()
  assert.equal(mirror.status().journal.records, 0)
})

test('a file that is announced many times at once is one file', async (t) => {
  const place = await createPlace(t)
  const path = place.write('image')
  const { mirror } = await open(t, place, { watch: false })
  await Promise.all(Array.from({ length: 100 }, () => mirror.add(path)))
  await mirror.idle()
  assert.equal(figures(mirror, 'disk').copied, 1)
  assert.deepEqual(filesBelow(place.disk), ['image'])
})
