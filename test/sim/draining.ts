/** The end of a history: all faults are over, the last shift ends, and everything must come to rest where it belongs. */
import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import type { FileRecord } from '#lib/core/index.js'
import { shutDown } from './crashing.js'
import { holds, type Place } from './places.js'
import { clearsAll } from './policies.js'
import { decideSome } from './process.js'
import { commit, land, mount, readVolumes, tell } from './surroundings.js'
import { nameOn, note, placeOf, running, type World } from './world.js'

/** Rounds after which what still goes on will never end. */
const patience = 4000
/** So often in a row nothing may be achieved by what is tried again and again, until it counts as at rest. */
const mostWaits = 40

export async function drain(world: World): Promise<void> {
  endFaults(world)
  await rest(world)
  // What was given up is tried again; what is gone for good fails once more.
  for (let times = 0; times < 3; times++) {
    for (const { path } of world.book.live.records.values()) tell(world, { type: 'retry', at: world.now, path })
    await rest(world)
  }
  checkMemory(world)
  checkPutAway(world)
  checkArrived(world)
  checkCleared(world)
  await shutDown(world)
  checkArrived(world)
}

function endFaults(world: World): void {
  note(world, 'faults end')
  world.isSourceThere = true
  for (const place of world.places.values()) {
    mount(world, place)
    place.others = 0
    place.trouble = 0
  }
  const at = world.now
  tell(world, { type: 'source', at, available: true })
  tell(world, { type: 'resume', at })
  for (const { id } of world.storages) tell(world, { type: 'resume', at, storage: id })
  tell(world, { type: 'accept', at, storage: 'usb' })
  readVolumes(world)
  tell(world, { type: 'userChange', at, uid: 99, gid: 7 })
}

/** Lets everything go on until nothing does, and nothing wants to be called again. */
async function rest(world: World): Promise<void> {
  let isQuiet = false
  let waits = 0
  let was = ''
  for (let round = 0; round < patience; round++) {
    const process = running(world)
    world.now += 50
    for (let i = 0; i < 8; i++) land(world, process)
    if (process.applying > 0) await commit(world, 4)
    if (process.pages.length > 0) land(world, process)
    while (process.queue.length > 0) decideSome(world, process, 128)
    if (process.copies.length + process.releases.length + process.pages.length + process.applying > 0) {
      isQuiet = false
      continue
    }
    const is = progress(world)
    waits = is === was ? waits + 1 : 0
    was = is
    if (process.wake !== Number.POSITIVE_INFINITY && waits < mostWaits) {
      world.now = Math.max(world.now, process.wake)
      process.wake = Number.POSITIVE_INFINITY
      tell(world, { type: 'tick', at: world.now })
      continue
    }
    if (isQuiet) return
    isQuiet = true
    world.now += 10_000
    readVolumes(world)
  }
  assert.fail(`it never comes to rest: ${inspect(goingOn(world), { depth: 5 })}`)
}

/** Figures that change for as long as something is achieved. */
function progress(world: World): string {
  const { state } = running(world)
  const pending = state.storages.map((storage) => storage.pending)
  const held = [...state.holdings.values()].flatMap((byTier) => [...byTier.values()].map((one) => one.held + one.links))
  return `${pending} ${held} ${state.storages.map(({ mode }) => mode)}`
}

function goingOn(world: World): object {
  const { copies, releases, applying, pages, wake, state } = running(world)
  const storages = state.storages.map(({ config, mode, pending, failure }) => [config.id, mode, pending, failure?.code])
  return { copies, releases, applying, pages, wake, now: world.now, storages, log: world.log.slice(-20) }
}

function checkMemory(world: World): void {
  const files = [...running(world).state.files.values()]
  const left = files.filter(({ record }) => !isTaken(world, record)).map(({ record }) => record.path)
  assert.deepEqual(left, [], 'nothing is left in memory')
}

function checkPutAway({ places }: World): void {
  for (const { id, hidden } of places.values()) assert.deepEqual([...hidden.keys()], [], `put away for ever on ${id}`)
}

/**
 * A copy lost its name, to another directory's file, or to a newer version that was lost with the buffer before the
 * journal knew of it. It is kept as a version, which stays on its tier, and from which nothing is copied any more: the
 * core says so, for ever. So it does of a copy that was spoiled, and found so when it was to go: it may be somebody's.
 */
function isTaken({ setup, isBufferLost, spoiled }: World, { copies, tiers = [] }: FileRecord): boolean {
  if (spoiled.size > 0 && tiers.some(({ failure }) => failure?.code === 'ERR_SUSTEN_CHANGED')) return true
  return (setup.cuts || isBufferLost) && [...copies, ...tiers].some(({ failure }) => failure !== undefined)
}

/** What was acknowledged is on each storage that it belongs to, or further down. */
function checkArrived(world: World): void {
  for (const [path, { content, on, name }] of world.owed) {
    for (const id of on) {
      const place = placeOf(world, id)
      if (hasDurably(place, name, content)) continue
      const record = world.book.live.records.get(path)
      if (record !== undefined && isTaken(world, record)) continue
      const next = world.config.tiers?.find((tier) => tier.id === id)?.next
      const further = next === undefined ? undefined : placeOf(world, next)
      assert(
        further !== undefined && hasDurably(further, name, content),
        `content ${content} of ${path}, which was acknowledged, is not on ${id}`,
      )
    }
  }
}

const hasDurably = ({ now, safe }: Place, name: string, content: number): boolean =>
  holds(now, name, content) && holds(safe, name, content)

/** What belongs to ended shifts has left the tiers. */
function checkCleared(world: World): void {
  const { setup, config, book } = world
  if (!clearsAll(setup.policy) || setup.cuts) return
  const { shift } = running(world).state
  for (const [path, owed] of world.owed) {
    if (owed.shift === shift) continue
    const record = book.live.records.get(path)
    if (record?.copies.some(({ state }) => state !== 'copied')) continue
    if (record !== undefined && isTaken(world, record)) continue
    for (const { id } of config.tiers ?? []) {
      const place = placeOf(world, id)
      const thing = place.now.get(nameOn(place, path, path.length - owed.name.length))
      assert(thing === undefined, `${path} of shift ${owed.shift} is still on ${id}: ${inspect([thing, record])}`)
    }
  }
}
