import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytes, type Health, World } from './support/core-world.js'
import { createRandom, type Random } from './support/random.js'

const healths: readonly Health[] = ['good', 'good', 'good', 'full', 'absent', 'exchanged', 'broken', 'sick']

/** One step of a random history. */
function step(world: World, random: Random, paths: number): void {
  const path = bytes(`run${random.below(3)}/file${random.below(paths)}`)
  const dice = random.below(100)
  if (dice < 25) {
    world.write(path)
    world.announce(path)
  } else if (dice < 29) world.write(path)
  else if (dice < 33) {
    if (world.source.has(path)) world.announce(path, true)
  } else if (dice < 36) world.announce(path)
  else if (dice < 56) world.land()
  else if (dice < 71) world.commit(1 + random.below(4))
  else if (dice < 81) world.load()
  else if (dice < 85) world.pass(random.below(3000))
  else if (dice < 88) world.readVolumes()
  else if (dice < 90) {
    random.pick(world.storages).health = random.pick(healths)
    world.readVolumes()
  } else if (dice < 92) world.crash()
  else if (dice < 94) {
    const at = world.now
    world.feed({ type: random.chance(0.4) ? 'pause' : 'resume', at, storage: random.pick(world.storages).id })
  } else if (dice < 95) world.feed({ type: 'source', at: world.now, available: random.chance(0.7) })
  else if (dice < 97) {
    world.feed({ type: 'retry', at: world.now, path, record: world.journal.live.get(path) })
  } else if (dice < 98) {
    world.feed({ type: 'recopy', at: world.now, storage: 'disk', path, record: world.journal.live.get(path) })
  } else if (dice < 99 && !world.source.has(path)) {
    world.feed({ type: 'vanished', at: world.now, path, record: world.journal.live.get(path) })
  }
}

function history(seed: number, steps: number): World {
  const random = createRandom(seed)
  const world = new World({ random })
  world.readVolumes()
  const paths = random.pick([2, 8, 60])
  for (let i = 0; i < steps; i++) step(world, random, paths)
  return world
}

test('whatever happens, every announcement that was acknowledged reaches every storage', () => {
  for (let seed = 1; seed <= 150; seed++) {
    try {
      const world = history(seed, 300)
      world.drain()
      for (const path of world.promised.keys()) {
        world.feed({ type: 'retry', at: world.now, path, record: world.journal.live.get(path) })
      }
      world.drain()
      for (const [path, version] of world.promised) {
        for (const storage of world.storages) {
          const copy = storage.copies.get(path)
          assert(copy !== undefined && copy >= version, `${path} on ${storage.id}: ${copy}, promised ${version}`)
          const known = world.journal.live.get(path)?.copies.find((one) => one.storage === storage.id)
          assert.equal(known?.state, 'copied')
          // A crash can forget that an unacknowledged announcement was copied already: the storage is ahead then.
          const size = known.source?.size ?? 0
          assert(size <= copy && size >= version, `${path} on ${storage.id}: ${copy}, journaled ${size}`)
        }
      }
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
})

test('what is told as copied is journaled, and on the storage', () => {
  for (let seed = 1; seed <= 40; seed++) {
    const world = history(seed, 300)
    for (const notice of world.told) {
      if (notice.type !== 'copied') continue
      assert(world.journal.isCommitted(notice.path), `seed ${seed}: ${notice.path}`)
      const storage = world.storages.find((one) => one.id === notice.storage)
      assert((storage?.copies.get(notice.path) ?? 0) >= notice.size, `seed ${seed}: ${notice.path}`)
    }
  }
})

test('the same events give the same commands', () => {
  for (const seed of [3, 17, 99]) {
    const once = history(seed, 400)
    const twice = history(seed, 400)
    assert.deepEqual([...twice.journal.live], [...once.journal.live])
    assert.deepEqual(twice.told, once.told)
  }
})

test('memory holds only files that are waited for, and none when all is done', () => {
  for (const seed of [5, 23, 71]) {
    const world = history(seed, 300)
    world.drain()
    assert.equal(world.state.files.size, 0)
  }
})
