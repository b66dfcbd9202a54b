/** Carries out releases as the native release protocol does, a step at a time. See docs/ARCHITECTURE.md. */
import type { Command, CoreEvent, ReleaseOrder, ReleaseOutcome } from '#lib/core/index.js'
import { failureOf } from './copying.js'
import { digestOf, type File, type Place, put, putBack, sync, type Thing } from './places.js'
import { checkLinks, checkSpared } from './truth.js'
import { nameOn, note, placeOf, stamp, type World } from './world.js'

export type ReleaseCommand = Extract<Command, { type: 'release' }>

export interface ReleaseFlight {
  readonly command: ReleaseCommand
  readonly order: ReleaseOrder
  stage: 'waiting' | 'looked' | 'away' | 'gone' | 'ended'
  /** What was looked at. */
  thing?: Thing
  bytes: number
  result?: CoreEvent
  isRepeated?: boolean
}

/** Takes a release one step further; its result, once it has ended. */
export function advanceRelease(world: World, flight: ReleaseFlight): CoreEvent | undefined {
  if (flight.stage === 'waiting') look(world, flight)
  else if (flight.stage === 'looked') putAway(world, flight)
  else if (flight.stage === 'away') conclude(world, flight)
  else if (flight.stage === 'gone') end(world, flight)
  const { result } = flight
  if (flight.stage !== 'ended' || result === undefined) return undefined
  const outcome = result.type === 'released' ? result.outcome : result.type
  if (outcome === 'released' && !flight.isRepeated && world.random.chance(0.05)) {
    flight.isRepeated = true
    flight.stage = 'waiting'
    return undefined
  }
  world.seen.add(`${outcome} ${flight.order.by}`)
  return result
}

function answer(world: World, flight: ReleaseFlight, outcome: ReleaseOutcome, code?: string): void {
  const { command, order } = flight
  note(world, `  ${outcome} ${order.path} on ${command.tier} by ${order.by}`)
  flight.stage = 'ended'
  flight.result = {
    type: 'released',
    at: world.now,
    tier: command.tier,
    path: order.path,
    outcome,
    bytes: outcome === 'released' ? flight.bytes : 0,
    ...(code === undefined ? {} : { failure: failureOf(code, order.path) }),
  }
}

interface Where {
  readonly tier: Place
  readonly to: Place
  readonly name: string
}

function whereOf(world: World, { command, order }: ReleaseFlight): Where {
  const tier = placeOf(world, command.tier)
  return { tier, to: placeOf(world, command.to), name: nameOn(tier, order.path, order.cut) }
}

function look(world: World, flight: ReleaseFlight): void {
  const { command, order } = flight
  const { tier, to, name } = whereOf(world, flight)
  const isThere = tier.mounted === 'own' && (tier !== world.buffer || world.isSourceThere)
  if (!isThere || to.mounted !== 'own') {
    flight.stage = 'ended'
    const failure = failureOf('ERR_SUSTEN_STORAGE', order.path)
    const at = isThere ? { to: command.to } : {}
    flight.result = { type: 'kept', at: world.now, tier: command.tier, ...at, paths: [order.path], failure }
    return
  }
  const thing = tier.now.get(name)
  flight.bytes = 0
  if (thing === undefined) {
    sync(tier, name)
    answer(world, flight, 'absent')
  } else if (thing.kind === 'link') lookAtLink(world, flight, thing)
  else if (!isKnown(thing, order)) answer(world, flight, 'changed')
  else if (!isCopy(to, order)) answer(world, flight, 'missing')
  else if (world.random.chance(tier.trouble)) {
    if (world.random.chance(0.5)) answer(world, flight, 'busy')
    else answer(world, flight, 'failed', 'EPERM')
  } else {
    flight.thing = thing
    flight.stage = 'looked'
  }
}

function lookAtLink(world: World, flight: ReleaseFlight, link: Thing): void {
  const { command, order } = flight
  const isOurs = link.kind === 'link' && link.to === command.to
  if (!isOurs || order.by === 'delete') answer(world, flight, 'changed')
  else if (order.by === 'link') {
    sync(placeOf(world, command.tier), nameOn(placeOf(world, command.tier), order.path, order.cut))
    answer(world, flight, 'already')
  } else {
    flight.thing = link
    flight.stage = 'looked'
  }
}

function isKnown({ content, size, mtimeNs, ino, ctimeNs }: File, { known }: ReleaseOrder): boolean {
  return (
    (known.digest === undefined || known.digest === digestOf(content)) &&
    size === known.size &&
    mtimeNs === known.mtimeNs &&
    (known.ino === undefined || known.ino === ino) &&
    (known.ctimeNs === undefined || known.ctimeNs === ctimeNs)
  )
}

/** Below a storage's target the copy lies under the replicated name. */
function isCopy(to: Place, { path, cut, copy }: ReleaseOrder): boolean {
  const thing = to.now.get(nameOn(to, path, cut))
  if (thing?.kind !== 'file' || thing.size !== copy.size || thing.mtimeNs !== copy.mtimeNs) return false
  return copy.digest === undefined || copy.digest === digestOf(thing.content)
}

/** Whatever has the name now is put away: a writer may have been quicker. */
function putAway(world: World, flight: ReleaseFlight): void {
  const { command, order } = flight
  const { tier, name } = whereOf(world, flight)
  const thing = tier.now.get(name)
  if (thing === undefined) {
    answer(world, flight, 'absent')
    return
  }
  if (tier.hidden.has(name)) {
    answer(world, flight, 'failed', 'EEXIST')
    return
  }
  const link = order.by === 'link' ? command.to : undefined
  tier.hidden.set(name, { thing, link })
  put(tier, name, link === undefined ? undefined : { kind: 'link', to: link })
  flight.stage = 'away'
}

function conclude(world: World, flight: ReleaseFlight): void {
  const { order } = flight
  const { tier, to, name } = whereOf(world, flight)
  const hidden = tier.hidden.get(name)
  const { thing } = flight
  if (hidden === undefined || thing === undefined) throw new Error(`${name} was not put away`)
  const isSame = !world.parts.releaseCompares || isSameVersion(hidden.thing, thing)
  if (!isSame || world.random.chance(tier.trouble / 2)) {
    putBack(tier, name, hidden.link, stamp(world))
    sync(tier, name)
    answer(world, flight, isSame ? 'busy' : 'changed')
    return
  }
  if (hidden.thing.kind === 'file') {
    checkSpared(hidden.thing, tier, to, nameOn(to, order.path, order.cut))
    flight.bytes = hidden.thing.size
  }
  tier.hidden.delete(name)
  flight.stage = 'gone'
  checkLinks(world)
}

/** But for ctime, which every change of the name changes. */
function isSameVersion(one: Thing, other: Thing): boolean {
  if (one.kind === 'link' || other.kind === 'link') return one.kind === other.kind && one === other
  return one.ino === other.ino && one.size === other.size && one.mtimeNs === other.mtimeNs
}

function end(world: World, flight: ReleaseFlight): void {
  const { tier, name } = whereOf(world, flight)
  sync(tier, name)
  answer(world, flight, 'released')
}
