import assert from 'node:assert/strict'
import { cpSync, lstatSync, mkdirSync, readdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { NativeFault } from 'susten'
import { openJournal } from '#lib/journal/index.js'
import { all, createPlace, figures, filesBelow, heard, message, open, until } from './support/mirror-world.js'

/** Copies that take a while, so that stopping meets some in the middle. */
const slow: NativeFault = { call: 'futimens', effect: 'delay', delay: 20, times: -1 }

test('a Mirror that is stopped in the middle goes on where it was', async (t) => {
  const place = await createPlace(t)
  const { mirror, told } = await open(t, place, {
    watch: false,
    engines: { disk: { faults: [slow] }, gpfs: { faults: [slow] } },
  })
  const paths = Array.from({ length: 300 }, (_, i) => place.write(`run${i % 7}/f${i}`))
  await mirror.add(paths)
  await until(() => told.copied.length >= 10, 'some copies')
  await mirror.close('stop')
  const before = new Set(told.copied.map(({ dest }) => dest))
  assert.ok(before.size < 600, 'it was stopped in the middle')
  const inodes = new Map([...before].map((dest) => [dest, lstatSync(dest).ino]))
  assert.deepEqual(
    filesBelow(place.disk).filter((name) => name.includes('.susten-')),
    [],
  )

  const { mirror: next, told: later } = await open(t, place, { watch: false })
  await next.idle()
  const after = later.copied.map(({ dest }) => dest)
  assert.equal(new Set(after).size, after.length, 'nothing is told twice')
  assert.deepEqual(
    after.filter((dest) => before.has(dest)),
    [],
    'nothing that was told is copied again',
  )
  assert.equal(before.size + after.length, 600)
  for (const [dest, ino] of inodes) assert.equal(lstatSync(dest).ino, ino)
  assert.deepEqual(filesBelow(place.disk), filesBelow(place.source))
  assert.deepEqual(filesBelow(place.gpfs), filesBelow(place.source))
  assert.deepEqual([figures(next, 'disk').copied, figures(next, 'gpfs').copied], [300, 300])
})

test('figures outlive a restart', async (t) => {
  const place = await createPlace(t)
  for (let i = 0; i < 10; i++) place.write(`f${i}`, 'x'.repeat(10))
  const { mirror } = await open(t, place)
  await mirror.idle()
  await mirror.close()
  const { mirror: next } = await open(t, place)
  const { copied, bytes, pending } = figures(next, 'gpfs')
  assert.deepEqual({ copied, bytes, pending }, { copied: 10, bytes: 100, pending: 0 })
})

test('nothing is copied again after a restart where nothing has changed', async (t) => {
  const place = await createPlace(t)
  for (let i = 0; i < 10; i++) place.write(`f${i}`)
  const { mirror } = await open(t, place)
  await mirror.idle()
  await mirror.close()
  const { mirror: next, told } = await open(t, place)
  await next.idle()
  await next.scan()
  await next.idle()
  assert.deepEqual(told.copied, [])
})

test('what came while no Mirror was open is found', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place)
  await mirror.idle()
  await mirror.close()
  place.write('run/meanwhile')
  const { mirror: next } = await open(t, place)
  await next.idle()
  assert.deepEqual(filesBelow(place.gpfs), ['run/meanwhile'])
})

test('a storage that is added later gets all files', async (t) => {
  const place = await createPlace(t)
  for (let i = 0; i < 10; i++) place.write(`f${i}`)
  const { mirror } = await open(t, place)
  await mirror.idle()
  await mirror.close()
  const usb = join(place.root, 'usb')
  mkdirSync(usb)
  const { mirror: next } = await open(t, place, {
    storages: [
      { id: 'disk', type: 'internal', target: place.disk },
      { id: 'gpfs', type: 'external', target: place.gpfs },
      { id: 'usb', type: 'optional', target: usb },
    ],
  })
  await next.idle()
  assert.deepEqual(filesBelow(usb), filesBelow(place.source))
  assert.equal(figures(next, 'usb').copied, 10)
})

test('files of a storage that is not configured any more wait for it, and that is told', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place)
  await mirror.idle()
  mirror.pause('gpfs')
  for (let i = 0; i < 5; i++) place.write(`f${i}`)
  await until(() => figures(mirror, 'disk').copied === 5, 'all files on the disk')
  await mirror.close()
  const alone = [{ id: 'disk', type: 'internal', target: place.disk }] as const
  const { mirror: without, told } = await open(t, place, { storages: alone })
  await until(() => message(told, 'JOURNAL_FOREIGN') !== undefined, 'it is told')
  await without.idle()
  assert.match((await heard(told, 'JOURNAL_FOREIGN')).text, /pending files for storage 'gpfs'/)
  await without.close()
  const { mirror: again } = await open(t, place, { watch: false })
  await again.idle()
  assert.deepEqual(filesBelow(place.gpfs), filesBelow(place.source))
})

test('a storage may be given another target: what is pending goes there', async (t) => {
  const place = await createPlace(t)
  const { mirror } = await open(t, place)
  await mirror.idle()
  mirror.pause('gpfs')
  place.write('image')
  await until(() => figures(mirror, 'disk').copied === 1, 'the file on the disk')
  await mirror.close()
  const moved = join(place.root, 'moved')
  renameSync(place.gpfs, moved)
  const { mirror: next } = await open(t, place, { gpfs: { target: moved } })
  await next.idle()
  assert.deepEqual(filesBelow(moved), ['image'])
})

test('what a process left that was killed after placing a copy is swept', async (t) => {
  const place = await createPlace(t)
  const path = place.write('run/image')
  const { mirror } = await open(t, place, { watch: false })
  await mirror.close()
  const journal = await openJournal({ directory: place.journal })
  const hidden = `.susten-${journal.id}-0123456789abcdef-fedcba9876543210.tmp`
  await journal.close()
  mkdirSync(join(place.disk, 'run'))
  cpSync(path, join(place.disk, 'run/image'), { preserveTimestamps: true })
  const { mtime } = lstatSync(path)
  utimesSync(path, mtime, mtime)
  utimesSync(join(place.disk, 'run/image'), mtime, mtime)
  writeFileSync(join(place.disk, 'run', hidden), 'the older content')
  const { mirror: next, told } = await open(t, place, { watch: false })
  await next.add(path)
  await next.idle()
  assert.equal(told.copied.find(({ storage }) => storage === 'disk')?.outcome, 'unchanged')
  assert.deepEqual(filesBelow(place.disk), ['run/image'])
})

test('temp files of other programs are left', async (t) => {
  const place = await createPlace(t)
  place.write('image')
  const { mirror } = await open(t, place)
  await mirror.idle()
  await mirror.close()
  const foreign = '.susten-0123456789abcdef.tmp'
  writeFileSync(join(place.disk, foreign), 'of another program')
  place.write('other')
  const { mirror: next } = await open(t, place)
  await next.idle()
  assert.ok(readdirSync(place.disk).includes(foreign))
  assert.deepEqual(await all(next.failures()), [])
})
