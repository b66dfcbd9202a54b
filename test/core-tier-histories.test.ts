import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deleteAfterCopy, grimsel, keepSeries, leastRecentlyRead } from '#lib/policy/index.js'
import { TierWorld } from './support/core-tier-world.js'
import { bytes } from './support/core-world.js'
import { createRandom, type Random } from './support/random.js'

/** More of them: `SUSTEN_HISTORIES=5000`. */
const histories = Number(process.env['SUSTEN_HISTORIES'] ?? 120)

/** One step of a random history. */
function step(world: TierWorld, random: Random, paths: number): void {
  const path = bytes(`user${random.below(2)}/run${random.below(2)}/file${random.below(paths)}`)
  const dice = random.below(100)
  if (dice < 20) {
    world.write(path)
    world.announce(path)
  } else if (dice < 23) world.write(path)
  else if (dice < 25) world.announce(path)
  else if (dice < 26) world.remove(path)
  else if (dice < 52) world.land()
  else if (dice < 68) world.commit(1 + random.below(4))
  else if (dice < 79) world.load()
  else if (dice < 84) world.pass(random.below(3000))
  else if (dice < 89) world.readVolumes()
  else if (dice < 91) world.changeUser()
  else if (dice < 93) {
    const id = random.pick(world.ids)
    if (world.out.has(id)) world.out.delete(id)
    else world.out.add(id)
    world.readVolumes()
  } else if (dice < 95) world.troubled = random.chance(0.5)
  else if (dice < 96) world.crash()
  else if (dice < 97) world.spoil(path)
  else if (dice < 98) world.feed({ type: 'retry', at: world.now, path, record: world.journal.live.get(path) })
  else if (dice < 99) world.feed({ type: 'source', at: world.now, available: random.chance(0.8) })
  else {
    const storage = random.pick(world.ids)
    world.feed({ type: 'dismiss', at: world.now, path, storage, record: world.journal.live.get(path) })
  }
}

function history(seed: number, steps: number): TierWorld {
  const random = createRandom(seed)
  const policy = random.pick([grimsel(), grimsel(), deleteAfterCopy(), leastRecentlyRead(), keepSeries('file1')])
  const world = new TierWorld({
    random,
    policy,
    external: random.chance(0.7),
    createLinks: random.chance(0.7),
    tierSources: random.chance(0.5),
  })
  world.readVolumes(0.3)
  const paths = random.pick([2, 8, 40])
  for (let i = 0; i < steps; i++) step(world, random, paths)
  return world
}

/** Everything works again, and what was given up is tried again. */
function settle(world: TierWorld): void {
  world.feed({ type: 'source', at: world.now, available: true })
  world.drain()
  for (let i = 0; i < 3; i++) {
    for (const record of [...world.journal.live.values()]) {
      world.feed({ type: 'retry', at: world.now, path: record.path, record: world.journal.live.get(record.path) })
    }
    world.drain()
  }
}

function checkSettled(world: TierWorld): void {
  for (const [path, version] of world.promised) {
    const versions = world.ids.map((id) => {
      const thing = world.place(id).get(path)
      return thing !== undefined && 'version' in thing ? thing.version : -1
    })
    assert(Math.max(...versions) >= version, `${path} is ${versions.join(', ')}, promised ${version}`)
  }
  assert.equal(world.state.files.size, 0, 'nothing is left in memory')
  for (const { path, shift, tiers = [], copies } of world.journal.live.values()) {
    if (shift === world.state.shift || path.includes('file1')) continue
    if (copies.some(({ state }) => state === 'failed')) continue
    const left = tiers.filter(({ state, failure }) => state !== 'gone' && failure === undefined)
    assert.deepEqual(
      left,
      [],
      `${path} of shift ${shift} has left: ${JSON.stringify(copies.map((c) => [c.storage, c.state, String(c.source?.size)]))}`,
    )
  }
}

test('whatever happens, nothing is released that is not safe, and all that can go goes', () => {
  const outcomes = new Set<string>()
  for (let seed = 1; seed <= histories; seed++) {
    try {
      const world = history(seed, 400)
      settle(world)
      checkSettled(world)
      for (const outcome of world.outcomes) outcomes.add(outcome)
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
  // Else it would say little.
  for (const by of ['link', 'delete', 'clear']) assert.ok(outcomes.has(`released ${by}`), by)
  for (const outcome of ['already', 'absent', 'changed', 'busy', 'missing', 'failed', 'kept']) {
    assert.ok(
      [...outcomes].some((one) => one.startsWith(outcome)),
      outcome,
    )
  }
})

test('the same events give the same commands, with tiers too', () => {
  for (const seed of [3, 17, 99]) {
    const once = history(seed, 400)
    const twice = history(seed, 400)
    assert.deepEqual([...twice.journal.live], [...once.journal.live])
    assert.deepEqual(twice.told, once.told)
  }
})
