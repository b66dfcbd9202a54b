/** Ends of the process, and of the power; and the start after it. */
import assert from 'node:assert/strict'
import type { Journal } from '#lib/journal/index.js'
import { checkJournal, reopened } from './book.js'
import { advanceCopy } from './copying.js'
import { cutPower, holds } from './places.js'
import { type Process, post, startProcess } from './process.js'
import { advanceRelease } from './releasing.js'
import { readVolumes, restore, turn } from './surroundings.js'
import { checkLinks, checkOwed, checkState } from './truth.js'
import { note, running, type World } from './world.js'

/** The process is killed, or the power is cut; what was under way may have come one step further. */
export async function crash(world: World, how: 'kill' | 'cut'): Promise<void> {
  const process = running(world)
  for (const flight of process.copies) if (world.random.chance(0.3)) advanceCopy(world, flight)
  for (const flight of process.releases) if (world.random.chance(0.3)) advanceRelease(world, flight)
  process.isDead = true
  world.disk = how === 'kill' ? world.disk.killed(world.random) : world.disk.cut(world.random)
  if (how === 'cut') losePower(world)
  await start(world)
}

/** Everything is ended in good order: all that was applied becomes durable. */
export async function shutDown(world: World): Promise<void> {
  const process = running(world)
  await drive(world, process.journal.close())
  process.isDead = true
  assert.equal(world.book.waiting.length, 0, 'closing waits for everything')
  await start(world)
}

function losePower(world: World): void {
  for (const place of world.places.values()) cutPower(place, world.random)
  world.isSourceThere = true
  if (!world.buffer.isRam) return
  note(world, '  the buffer is lost')
  world.isBufferLost = true
  for (const [path, owed] of world.owed) {
    for (const place of world.storages) if (!holds(place.safe, owed.name, owed.content)) owed.on.delete(place.id)
    if (owed.on.size === 0) world.owed.delete(path)
    world.touched.set(path, (world.touched.get(path) ?? 0) + 1)
  }
}

/** Opens the journal and begins anew. It may be stopped by another crash in the midst of that. */
export async function start(world: World): Promise<void> {
  while (world.book.safe.values.size > 0 && world.random.chance(0.2)) {
    const opening = open(world)
    opening.catch(() => {})
    for (let steps = world.random.below(6); steps > 0; steps--) {
      world.disk.advance(world.random)
      await turn()
    }
    world.disk = world.random.chance(0.5) ? world.disk.killed(world.random) : world.disk.cut(world.random)
  }
  const journal = await drive(world, open(world))
  await reopened(world.book, journal)
  if (world.parts.restores) {
    for (const place of world.places.values()) if (place.mounted === 'own') restore(world, place)
  }
  const process = startProcess(world, journal)
  world.process = process
  begin(world, process)
  checkState(world, process)
  checkLinks(world)
  checkOwed(world)
  await checkJournal(world.book, journal)
}

function begin(world: World, process: Process): void {
  if (!world.isSourceThere) post(process, { type: 'source', at: world.now, available: false })
  readVolumes(world)
}

function open({ parts, disk, setup }: World): Promise<Journal> {
  return parts.openJournal({ directory: '/journal', files: parts.disk(disk.files), segmentBytes: setup.segmentBytes })
}

/** Lets the disk work until something is done. */
async function drive<T>(world: World, work: Promise<T>): Promise<T> {
  let isDone = false
  const end = (): void => {
    isDone = true
  }
  work.then(end, end)
  for (let idle = 0; !isDone && idle < 1000; idle++) {
    if (world.disk.advance(world.random) !== undefined) idle = 0
    await turn()
  }
  assert(isDone, 'the journal comes to its end')
  return work
}
