import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Furka } from 'susten'
import { startDcu } from './support/dcu-world.js'
import { checkAllThere, createFurkaPlace, openFurkaFor, simplon } from './support/furka-world.js'
import { memorySource } from './support/memory-source.js'
import { until } from './support/mirror-world.js'
import { command, mount, whyNot } from './support/mounts.js'

const MiB = 1 << 20
const options = { skip: whyNot('tmpfs') ?? false }

test('a full target holds up its files, and they go on when there is room', options, async (t) => {
  const [dcu, place, ramdisk] = [await startDcu(t), await createFurkaPlace(t), mount('tmpfs', 2 * MiB)]
  t.after(() => ramdisk.unmount())
  const filler = join(ramdisk.path, 'filler')
  writeFileSync(filler, Buffer.alloc(2 * MiB - 65_536))
  const { furka, told } = await openFurkaFor(t, place, dcu, { source: { target: ramdisk.path } })
  for (let i = 0; i < 4; i++) await dcu.add(`f${i}.bin`, Buffer.alloc(300_000, `${i}`))
  await until(() => told.messages.length > 0, 'it says so')
  assert.deepEqual(
    told.messages.map(({ code }) => code),
    ['TARGET_UNAVAILABLE'],
  )
  assert.match(told.messages[0]?.text ?? '', /ENOSPC/)
  assert.equal(furka.status().sources[0]?.blocked?.code, 'ENOSPC')
  assert.deepEqual(dcu.truth.deletes, [])
  rmSync(filler)
  await furka.idle()
  checkAllThere(dcu, ramdisk.path)
  assert.deepEqual(
    told.messages.map(({ code }) => code),
    ['TARGET_UNAVAILABLE', 'TARGET_BACK'],
  )
})

test('a content of unknown length ends before the target is full, and is tried again', options, async (t) => {
  const [place, ramdisk, source] = [await createFurkaPlace(t), mount('tmpfs', 16 * MiB), memorySource()]
  t.after(() => ramdisk.unmount())
  const { furka, told } = await openFurkaFor(t, place, undefined, { sources: [{ source, target: ramdisk.path }] })
  const left = (): number => statfsSync(ramdisk.path).bavail * statfsSync(ramdisk.path).bsize
  let least = left()
  let ended = 0
  async function* endless() {
    try {
      for (;;) {
        yield Buffer.alloc(65_536, 'x')
        least = Math.min(least, left())
      }
    } finally {
      ended += 1
    }
  }
  const { reading } = source
  source.reading = async () => ({ content: endless() })
  const offer = { name: 'f.bin', path: 'f.bin', version: '1', exact: true, seen: Date.now() }
  source.files.set('f.bin', { offer, content: Buffer.from('in the end it has one') })
  source.tell({ type: 'file', file: offer })
  await until(() => told.messages.some(({ code }) => code === 'TARGET_UNAVAILABLE'), 'it says so')
  assert.match(told.messages[0]?.text ?? '', /ENOSPC/)
  await until(() => ended >= 2, 'it is tried again')
  assert.ok(least >= 6 * MiB, `${least} bytes were left`)
  source.reading = reading
  await furka.idle()
  assert.deepEqual(readdirSync(ramdisk.path), ['f.bin'])
  assert.equal(told.messages.at(-1)?.code, 'TARGET_BACK')
})

for (const way of ['plain', 'chunked'] as const) {
  test(`nothing is written where nothing is mounted; files wait until it is again (${way})`, options, async (t) => {
    const [dcu, place, ramdisk] = [await startDcu(t), await createFurkaPlace(t), mount('tmpfs', 64 * MiB)]
    t.after(() => ramdisk.unmount())
    if (way === 'chunked') dcu.fault({ kind: 'chunked', on: 'data' })
    const target = join(ramdisk.path, 'buffer')
    const openDisk = (): void => {
      mkdirSync(target)
    }
    openDisk()
    const { furka, told } = await openFurkaFor(t, place, dcu, {
      requiredMount: ramdisk.path,
      source: { target: `${target}/./eiger` },
    })
    await dcu.add('a.bin', Buffer.alloc(1000, 'a'))
    await furka.idle()
    command('umount', ramdisk.path)
    // Below the mount point there is a directory of the name, too.
    mkdirSync(join(target, 'eiger'), { recursive: true })
    await dcu.add('b.bin', Buffer.alloc(1000, 'b'))
    await until(() => told.messages.some(({ code }) => code === 'TARGET_UNAVAILABLE'), 'it says so')
    await until(() => furka.status().sources[0]?.waiting === 1, 'it waits')
    assert.deepEqual(readdirSync(join(target, 'eiger')), [])
    assert.deepEqual(readdirSync(target), ['eiger'])
    assert.equal(dcu.truth.deletes.length, 1)
    command('mount', '-t', 'tmpfs', 'tmpfs', ramdisk.path)
    openDisk()
    await furka.idle()
    assert.equal(statSync(join(target, 'eiger/b.bin')).size, 1000)
    assert.ok(dcu.truth.completed.every(({ state }) => state === 'deleted'))
    assert.ok(told.messages.some(({ code }) => code === 'TARGET_BACK'))
    await furka.close()
  })
}

test(
  'what was received and not handed over yet, on a file system that is gone, is received once more',
  options,
  async (t) => {
    const [dcu, place, ramdisk] = [await startDcu(t), await createFurkaPlace(t), mount('tmpfs', 64 * MiB)]
    t.after(() => ramdisk.unmount())
    const { furka, told } = await openFurkaFor(t, place, dcu, {
      grimsel: { control: join(place.root, 'nobody') },
      requiredMount: ramdisk.path,
      source: { target: ramdisk.path },
    })
    await dcu.add('a.bin', Buffer.alloc(1000, 'a'))
    await until(() => told.received.length === 1, 'it is here')
    command('umount', ramdisk.path)
    command('mount', '-t', 'tmpfs', 'tmpfs', ramdisk.path)
    await until(() => told.received.length === 2, 'it is here again')
    checkAllThere(dcu, ramdisk.path)
    await furka.close()
  },
)

test('it doesn’t open where nothing is mounted that must be', options, async (t) => {
  const [dcu, place] = [await startDcu(t), await createFurkaPlace(t)]
  const sources = [{ source: simplon(dcu), target: place.buffer }]
  const opening = Furka.open({ sources, journal: place.journal, requiredMount: place.buffer })
  await assert.rejects(opening, { code: 'ERR_SUSTEN_STORAGE', message: /nothing is mounted at/ })
})

test('what is received on a disk is durable before anyone hears of it', options, async (t) => {
  const why = whyNot('ext4')
  if (why !== undefined) return t.skip(why)
  const [dcu, place, disk] = [await startDcu(t), await createFurkaPlace(t), mount('ext4', 64 * MiB)]
  t.after(() => disk.unmount())
  const { furka, told } = await openFurkaFor(t, place, dcu, {
    grimsel: { control: join(place.root, 'nobody') },
    source: { target: disk.path },
  })
  for (let i = 0; i < 5; i++) await dcu.add(`d/f${i}.bin`, Buffer.alloc(100_000, `${i}`))
  await until(() => told.received.length === 5, 'all are here')
  await furka.close('stop')
  disk.powerCut()
  checkAllThere(dcu, disk.path)
})

test('a journal that fails ends it, with an error; what was not journaled is received again', options, async (t) => {
  const [dcu, place, disk] = [await startDcu(t), await createFurkaPlace(t), mount('tmpfs', MiB)]
  t.after(() => disk.unmount())
  const journal = join(disk.path, 'journal')
  const { furka, told } = await openFurkaFor(t, place, dcu, { journal })
  await dcu.add('a.bin', Buffer.from('a'))
  await furka.idle()
  const filler = join(disk.path, 'filler')
  try {
    writeFileSync(filler, Buffer.alloc(MiB))
  } catch {
    // As much as there is room for.
  }
  const idle = assert.rejects(furka.idle(), { code: 'ENOSPC' })
  for (let i = 0; told.errors.length === 0; i++) {
    await dcu.add(`${'n'.repeat(200)}${i}.bin`, Buffer.from(`${i}`))
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  assert.equal((told.errors[0] as NodeJS.ErrnoException).code, 'ENOSPC')
  await idle
  await assert.rejects(furka.changeUser({ uid: 0 }), { code: 'ENOSPC' })
  await furka.close().catch(() => {})
  rmSync(filler)
  const again = await openFurkaFor(t, place, dcu, { journal })
  await again.furka.idle()
  checkAllThere(dcu, place.buffer)
  assert.ok(dcu.truth.completed.every(({ state }) => state === 'deleted'))
  await again.furka.close()
})
