/** What goes on around the process by itself: work that is under way, the disk of the journal, mounts and readings. */
import type { CoreEvent } from '#lib/core/index.js'
import { bytes } from '../support/core-world.js'
import { advanceCopy } from './copying.js'
import { type Place, putBack, sync, usedBytes } from './places.js'
import { type Process, post } from './process.js'
import { advanceRelease } from './releasing.js'
import { note, running, stamp, type World } from './world.js'

/** Lets the journal's promises run. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Reports an event to the process. */
export function tell(world: World, event: CoreEvent): void {
  post(running(world), event)
}

/** Takes things that are under way one step further, and reports what has ended. */
export function land(world: World, process: Process): void {
  const { random } = world
  if (process.pages.length > 0 && random.chance(0.3)) {
    for (const page of process.pages.splice(0)) post(process, page)
  }
  const { copies, releases } = process
  const isCopy = releases.length === 0 || (copies.length > 0 && random.chance(0.6))
  if (isCopy) advanceOne(world, copies, advanceCopy)
  else advanceOne(world, releases, advanceRelease)
}

function advanceOne<F>(world: World, flights: F[], advance: (world: World, flight: F) => CoreEvent | undefined): void {
  const index = world.random.below(flights.length)
  const flight = flights[index]
  if (flight === undefined) return
  for (let steps = 1 + world.random.below(4); steps > 0; steps--) {
    const result = advance(world, flight)
    if (result === undefined) continue
    flights.splice(index, 1)
    tell(world, { ...result, at: world.now })
    return
  }
}

/** Lets the journal go on by so many steps of its disk. */
export async function commit(world: World, steps: number): Promise<void> {
  await turn()
  for (let i = 0; i < steps; i++) {
    const isDone = world.disk.advance(world.random)
    if (isDone === undefined) return
    if (isDone) await turn()
  }
}

export function readVolumes(world: World): void {
  for (const place of world.places.values()) readVolume(world, place)
}

export function readVolume(world: World, place: Place): void {
  const { id, capacity, mounted, identity } = place
  const at = world.now
  if (mounted === 'none' || (place === world.buffer && !world.isSourceThere)) {
    const failure = { code: 'ENOENT', errno: 2, syscall: 'open', path: bytes(`/${id}`) }
    tell(world, { type: 'unavailable', at, storage: id, failure })
    return
  }
  const used = mounted === 'other' ? 0 : Math.min(capacity, usedBytes(place))
  const volume = {
    total: capacity,
    available: capacity - used,
    fill: used / capacity,
    inodes: 1000,
    inodesAvailable: 900,
    inodeFill: 0.1,
    readOnly: false,
    fsType: 'ext4',
    mountPoint: bytes(`/${id}`),
    identity: mounted === 'other' ? `other-${id}` : identity,
  }
  tell(world, { type: 'volume', at, storage: id, volume })
}

/** It is there again: what a dead process had put away gets its name again before anything else is done. */
export function mount(world: World, place: Place): void {
  place.mounted = 'own'
  if (world.parts.restores) restore(world, place)
}

export function restore(world: World, place: Place): void {
  const releases = world.process?.isDead === false ? world.process.releases : []
  for (const name of [...place.hidden.keys()]) {
    const isUnderWay = releases.some(({ command, order, stage }) => {
      const own = place === world.buffer ? order.path : order.path.slice(order.cut)
      return command.tier === place.id && own === name && stage === 'away'
    })
    if (isUnderWay) continue
    note(world, `  ${name} on ${place.id} gets its name again`)
    putBack(place, name, 'any', stamp(world))
    sync(place, name)
  }
}
