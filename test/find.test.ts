import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { FoundFile } from 'susten'
import type { ByteString } from '#lib/bytes.js'
import type { FileRecord, State } from '#lib/core/index.js'
import type { Journal } from '#lib/journal/index.js'
import { findFiles } from '#lib/mirror/find.js'
import { createLeavers } from '#lib/mirror/leavers.js'
import type { Shell } from '#lib/mirror/shell.js'
import { createGrimselPlace, external, internal, openFor, take } from './support/grimsel-world.js'
import { createPlace, open, until } from './support/mirror-world.js'

type Found = readonly (FoundFile | undefined)[]

/** States by storage. */
const states = (file: FoundFile | undefined): unknown =>
  file && Object.fromEntries(file.storages.map(({ id, state }) => [id, state]))

test('what is known of files is told in the order of the paths', async (t) => {
  const place = await createPlace(t)
  const { mirror, told } = await open(t, place, { watch: false })
  for (const name of ['run/a', 'b']) place.write(name)
  const raw = Buffer.from(`${place.source}/\xff`, 'latin1')
  const before = Date.now()
  await mirror.add(['run/a', `${place.source}/./b`, raw])
  await mirror.idle()
  const found: Found = await mirror.find(['b', 'none', join(place.source, 'run/./a'), raw])
  assert.deepEqual(
    found.map((file) => file?.path),
    [join(place.source, 'b'), undefined, join(place.source, 'run/a'), `${place.source}/\ufffd`],
  )
  assert.deepEqual(Buffer.from(found[3]?.pathBytes ?? []), raw)
  const [b] = found
  const digest = told.copied.find(({ path, storage }) => path === b?.path && storage === 'disk')?.digest
  assert.match(digest ?? '', /^[0-9a-f]{32}$/)
  const copied = { state: 'copied', digest, size: Buffer.byteLength(place.on('disk', 'b')), attempts: 0 }
  assert.deepEqual(b?.storages, [
    { id: 'disk', type: 'internal', ...copied },
    { id: 'gpfs', type: 'external', ...copied },
  ])
  assert.ok((b?.announced ?? 0) >= before && b?.shift === 0)
  // As plain as JSON.
  assert.deepEqual(JSON.parse(JSON.stringify(b)), b)
  assert.deepEqual(await mirror.find([]), [])
  assert.deepEqual(await mirror.find('b'), [b])
})

test('a file that fails, or waits, says so and why; what was copied of it before counts no more', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place, { watch: false })
  place.write('file')
  await mirror.add('file')
  await mirror.idle()
  mirror.pause('gpfs')
  rmSync(join(place.source, 'file'))
  mkdirSync(join(place.source, 'file'))
  await mirror.add('file')
  await until(async () => (await mirror.find('file'))[0]?.storages[0]?.state === 'failed', 'it failed')
  const [file] = await mirror.find('file')
  const [disk, gpfs] = file?.storages ?? []
  assert.deepEqual([disk?.id, disk?.state, disk?.attempts, disk?.digest], ['disk', 'failed', 1, undefined])
  assert.equal(disk?.error?.code, 'ERR_SUSTEN_NOT_REGULAR')
  assert.match(disk?.error?.message ?? '', /file/)
  assert.deepEqual(gpfs, { id: 'gpfs', type: 'external', state: 'pending', attempts: 0 })
})

test('wrong paths are refused as in an announcement, and so is what is asked after the end', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place, { watch: false })
  await assert.rejects(mirror.find(['a', '/etc/passwd']), { code: 'ERR_INVALID_ARG_VALUE' })
  await assert.rejects(mirror.find('../a'), { code: 'ERR_INVALID_ARG_VALUE' })
  const find = mirror.find as (...all: unknown[]) => Promise<unknown>
  await assert.rejects(find('a', 'b'), { code: 'ERR_SUSTEN_OPTION', message: /^find: .*list/ })
  await mirror.close()
  await assert.rejects(mirror.find('a'), { code: 'ERR_SUSTEN_CLOSED' })
})

test('what is found is in the journal of the next session too', async (t) => {
  const place = await createGrimselPlace(t)
  const first = await openFor(t, place)
  await take(place, first.grimsel, 'run/a')
  const found = await first.grimsel.find('run/a')
  assert.deepEqual(states(found[0]), { disk: 'copied', gpfs: 'copied' })
  await first.grimsel.close('stop')
  const { grimsel } = await openFor(t, place)
  assert.deepEqual(await grimsel.find('run/a'), found)
})

test('a file whose space was given back is found released there, and copied further down', async (t) => {
  const place = await createGrimselPlace(t)
  const { grimsel } = await openFor(t, place)
  await take(place, grimsel, 'run/a')
  await grimsel.changeUser({ uid: 1000, gid: 100 })
  await take(place, grimsel, 'run/b')
  assert.equal(place.at('disk', 'run/a'), 'nothing')
  const [a, b] = await grimsel.find(['run/a', 'run/b'])
  const digest = a?.storages[1]?.digest
  assert.match(digest ?? '', /^[0-9a-f]{32}$/)
  const copied = { state: 'copied', digest, size: readFileSync(join(place.gpfs, 'run/a')).length, attempts: 0 }
  assert.deepEqual(a?.storages, [
    { id: 'disk', type: 'internal', ...copied, released: true },
    { id: 'gpfs', type: 'external', ...copied },
  ])
  assert.deepEqual([a?.shift, b?.shift, b?.storages[0]?.released], [0, 1, undefined])
})

test('a file that was dismissed is not known any more, though it was copied and forgotten once', async (t) => {
  const place = await createGrimselPlace(t)
  const { grimsel } = await openFor(t, place)
  await take(place, grimsel, 'a')
  await grimsel.changeUser({ uid: 1000, gid: 100 })
  await grimsel.idle()
  assert.deepEqual(states((await grimsel.find('a'))[0]), { disk: 'copied', gpfs: 'copied' })
  mkdirSync(join(place.buffer, 'a'))
  await grimsel.add('a')
  await grimsel.idle()
  assert.deepEqual(states((await grimsel.find('a'))[0]), { disk: 'failed', gpfs: 'failed' })
  assert.equal(await grimsel.dismiss(), 2)
  assert.deepEqual(await grimsel.find('a'), [undefined])
})

test('a storage that is not configured any more is left out', async (t) => {
  const place = await createGrimselPlace(t)
  const first = await openFor(t, place)
  await take(place, first.grimsel, 'a')
  await first.grimsel.close('stop')
  const { grimsel } = await openFor(t, place, { storages: [internal(place)] })
  assert.deepEqual(states((await grimsel.find('a'))[0]), { disk: 'copied' })
  await grimsel.close('stop')
  const again = await openFor(t, place, { storages: [internal(place), external(place)] })
  assert.deepEqual(states((await again.grimsel.find('a'))[0]), { disk: 'copied', gpfs: 'copied' })
})

test('others are let run while many files are looked for', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place, { watch: false })
  const names = Array.from({ length: 2000 }, (_, index) => `image_${index}`)
  await mirror.add(names.slice(0, 100))
  let turns = 0
  let isDone = false
  const count = (): void => {
    turns += 1
    if (!isDone) setImmediate(count)
  }
  setImmediate(count)
  const found = await mirror.find(names)
  isDone = true
  assert.equal(found.filter((file) => file !== undefined).length, 100)
  assert.ok(turns > 3, `${turns} turns`)
})

test('nothing is said that the journal does not have durably', async () => {
  const path = 'a' as ByteString
  const copies = [{ storage: 'disk', state: 'copied', attempts: 0 }] as const
  const record: FileRecord = { seq: 1, path, cut: 0, shift: 0, announced: 1, copies }
  let sync = (): void => {}
  const synced = new Promise<void>((resolve) => {
    sync = resolve
  })
  const steps: string[] = []
  const found = findFiles(
    {
      source: '/source' as ByteString,
      state: { tiers: [], byId: new Map([['disk', { config: { type: 'internal' } }]]) } as unknown as State,
      journal: {
        get() {
          steps.push('read')
          return record
        },
      } as unknown as Journal,
      shell: { leavers: createLeavers(), postDurably: () => synced } as unknown as Shell,
    },
    [`/source/${path}`, path],
  ).then((files) => {
    steps.push('told')
    return files.map(states)
  })
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  steps.push('durable')
  sync()
  assert.deepEqual(await found, [{ disk: 'copied' }, { disk: 'copied' }])
  // What is read after the journal was durable may not be.
  assert.deepEqual(steps, ['read', 'read', 'durable', 'told'])
})

test('of the files that are forgotten only the last are known, and of each its last end', () => {
  const record = (name: string, state: 'copied' | 'failed' = 'copied'): FileRecord => ({
    seq: 1,
    path: name as ByteString,
    cut: 0,
    shift: 0,
    announced: 7,
    copies: [{ storage: 'disk', state, attempts: 0 }],
  })
  const leavers = createLeavers()
  const forget = (...records: FileRecord[]): void =>
    leavers.note(records.map((one) => ({ type: 'forget', record: one })))
  const names = Array.from({ length: 16_384 }, (_, index) => `f${index}`)
  forget(...names.map((name) => record(name)))
  forget(record('f0'), record('new'))
  const knows = (name: string): boolean => leavers.get(name as ByteString) !== undefined
  assert.deepEqual(['f0', 'f1', 'f2', 'new'].map(knows), [true, false, true, true])
  forget(record('f0', 'failed'))
  assert.equal(knows('f0'), false)
})
