import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ByteString, bytesOfText } from '#lib/bytes.js'
import type { SourceEvent } from '#lib/source/files.js'
import { createListing, type ListedFile, type Listing } from '#lib/source/listing.js'
import { turnsOf } from './support/turns.js'

interface World {
  readonly listing: Listing
  readonly told: SourceEvent[]
  /** One look that finds these. */
  look(files: readonly ListedFile[], complete?: boolean): Promise<void>
}

function world(settle = 0, sure = settle): World {
  const told: SourceEvent[] = []
  const listing = createListing({
    patience: { settle, sure },
    mostFiles: 200_000,
    tell: (event) => told.push(event),
    mayTell: () => true,
  })
  return {
    listing,
    told,
    async look(files, complete = true) {
      const look = listing.begin()
      for (const file of files) look.file(file)
      await look.end(complete)
    },
  }
}

const listed = (name: string, version = '1'): ListedFile => ({
  name: bytesOfText(name),
  size: 1,
  mtime: undefined,
  version,
  grain: 0,
  age: undefined,
})

test('the end of a look lets others run, however many names it has', async () => {
  const { look, told } = world()
  const files = Array.from({ length: 100_000 }, (_, i) => listed(`run/image_${i}.cbf`))
  await look(files)
  assert.equal(told.length, files.length)
  await look([])
  assert.ok((await turnsOf(look([]))) > 1)
  const gone = told.flatMap((event) => (event.type === 'withdrawn' ? [event.name] : []))
  assert.deepEqual(gone.sort(), files.map(({ name }) => name).sort())
})

test('names that are refused are remembered without holding up others', async () => {
  const { look, told } = world()
  const names = Array.from({ length: 30_000 }, (_, i) => ({ ...listed(''), name: `.susten-${i}` as ByteString }))
  assert.ok((await turnsOf(look(names, false))) > 1)
  await look(names, false)
  assert.equal(told.length, names.length)
})

test('a look that a clearing overtakes tells nothing of what was before', async () => {
  const { listing, look, told } = world()
  await look(Array.from({ length: 20_000 }, (_, i) => listed(`${i}`)))
  await look([])
  const ending = look([])
  listing.clear()
  const before = told.length
  assert.ok(before < 40_000, 'it is under way')
  await look([listed('b')])
  await ending
  assert.deepEqual(
    told.slice(before).map(({ type }) => type),
    ['file'],
  )
  assert.deepEqual([listing.counts.found, listing.unsettled], [1, 0])
})

test('what was seen and not offered as it is, is counted', async () => {
  const { listing, look } = world(1000)
  const counts: number[] = []
  const note = (): void => void counts.push(listing.unsettled)
  const at = performance.now()
  await look([listed('a'), listed('b')])
  note()
  listing.offer(listed('a'), at)
  note()
  listing.offer(listed('b'), at)
  note()
  listing.saw(listed('b', '2'), at)
  note()
  listing.changed(bytesOfText('a'), '1')
  note()
  listing.offer(listed('a'), at)
  note()
  listing.saw(listed('b'), at)
  note()
  listing.forget(bytesOfText('b'), '1')
  note()
  await look([listed('c')])
  note()
  listing.clear()
  note()
  assert.deepEqual(counts, [2, 1, 0, 1, 2, 1, 0, 0, 1, 0])
})

test('content that came before the former one was found to be removed stays what it is, until looks miss it', async () => {
  const { listing, look, told } = world()
  await look([listed('a', '1'), listed('b', '1')])
  await look([listed('a', '2'), listed('b', '1')])
  const name = bytesOfText('a')
  listing.forget(name, '1')
  listing.forget(bytesOfText('b'), '1')
  await look([listed('a', '2')])
  const offers = () => told.map((event) => (event.type === 'file' ? `${event.file.name} ${event.file.version}` : event))
  assert.deepEqual(offers(), ['a 1', 'b 1', 'a 2'])
  await look([])
  await look([])
  assert.deepEqual(offers().slice(3), [{ type: 'withdrawn', name: 'a', version: '2' }])
})

test('content that was seen, and not offered, before the former one was found to be removed is seen since then', async () => {
  const { listing, look, told } = world(60_000)
  const name = bytesOfText('a')
  const at = performance.now()
  listing.offer(listed('a', '1'), at)
  listing.saw(listed('a', '2'), at)
  listing.forget(name, '1')
  const forgotten = Date.now()
  while (Date.now() < forgotten + 5) await new Promise((resolve) => setImmediate(resolve))
  await look([listed('a', '2')])
  listing.offer(listed('a', '2'), at)
  // What is under the name may be what was removed once more.
  listing.offer(listed('a', '1'), at)
  const files = told.flatMap((event) => (event.type === 'file' ? [event.file] : []))
  assert.deepEqual(
    files.map(({ version }) => version),
    ['1', '2', '1'],
  )
  assert.ok((files[1]?.seen ?? Number.NaN) <= forgotten)
})

test('what is larger has grown, unless it is another file', async () => {
  const { listing, look } = world(0, 10_000)
  for (const [name, size, identity] of [
    ['a', 1, 'x'],
    ['b', 1, 'x'],
    ['c', 1, 'x'],
  ] as const) {
    listing.offer({ ...listed(name), size, identity }, performance.now())
  }
  const begun = Date.now()
  while (Date.now() < begun + 5) await new Promise((resolve) => setImmediate(resolve))
  const { identity: _, ...unknown } = { ...listed('c', '2'), size: 2, identity: '' }
  await look([
    { ...listed('a', '2'), size: 2, identity: 'x' },
    { ...listed('b', '2'), size: 2, identity: 'y' },
    unknown,
  ])
  // They must look the same for some time before they are offered.
  assert.deepEqual(
    [...listing.unsettledFiles()].map(({ name, seen }) => [name, seen > begun]),
    [
      ['a', false],
      ['b', true],
      ['c', false],
    ],
  )
})

test('names that are too long together wait, however few they are; so do refusals', async () => {
  const { listing, look, told } = world()
  const long = (start: string, i: number) => `${start}${'0123456789abcde/'.repeat(250)}${i}`
  const many = (start: string) => Array.from({ length: 20_000 }, (_, i) => listed(long(start, i)))
  await look(many(''))
  const { taken } = listing.counts
  assert.equal(told.length, taken)
  assert.ok(taken > 16_600 && taken < 16_800, String(taken))
  await look([])
  await look([])
  assert.equal(listing.counts.taken, 0)
  told.length = 0
  await look([...many('').slice(10_000), ...many('../')])
  assert.deepEqual([listing.counts.taken, told.filter(({ type }) => type === 'file').length], [10_000, 10_000])
  const refused = told.length - 10_000
  assert.ok(refused > 16_600 && refused < 16_800, String(refused))
  await look(many('../x').slice(0, 2000), false)
  assert.equal(listing.counts.refused, refused, 'what looks in part bring is bounded, too')
})
