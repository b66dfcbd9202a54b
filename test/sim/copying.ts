/** Carries out copies as the native commit protocol does, a step at a time. */
import assert from 'node:assert/strict'
import type { ByteString } from '#lib/bytes.js'
import type { CopyOrder, CoreEvent, Failure, Side } from '#lib/core/index.js'
import { digestOf, type File, fileAt, fingerprintOf, type Place, put, sync, usedBytes, versionName } from './places.js'
import { checkLinks } from './truth.js'
import { nameOn, nextInode, note, placeOf, stamp, type World } from './world.js'

export interface CopyFlight {
  readonly storage: string
  readonly order: CopyOrder
  readonly identity: string
  stage: 'waiting' | 'reading' | 'placed' | 'ended'
  source?: File
  outcome?: 'created' | 'replaced' | 'unchanged' | 'versioned'
  version?: string
  /** Of the copy. */
  mtimeNs?: bigint
  result?: CoreEvent
  /** It was carried out twice. */
  isRepeated?: boolean
}

/** Takes a copy one step further; its result, once it has ended. */
export function advanceCopy(world: World, flight: CopyFlight): CoreEvent | undefined {
  if (flight.stage === 'waiting') begin(world, flight)
  else if (flight.stage === 'reading') place(world, flight)
  else if (flight.stage === 'placed') end(world, flight)
  const { result } = flight
  if (flight.stage !== 'ended' || result === undefined) return undefined
  if (result.type === 'copied' && !flight.isRepeated && world.random.chance(0.05)) {
    // Every command may be carried out twice.
    flight.isRepeated = true
    flight.stage = 'waiting'
    return undefined
  }
  world.seen.add(result.type === 'copied' ? `copied ${result.outcome}` : result.type)
  if (flight.order.from !== undefined && result.type === 'copied') world.seen.add('copied from a storage')
  return result
}

function stop(flight: CopyFlight, result: CoreEvent): void {
  flight.stage = 'ended'
  flight.result = result
}

function failed(world: World, flight: CopyFlight, side: Side, code: string): void {
  const { storage, order } = flight
  stop(flight, {
    type: 'failed',
    at: world.now,
    storage,
    path: order.path,
    side,
    failure: failureOf(code, order.path),
  })
}

function returned(world: World, flight: CopyFlight, side: Side, code: string): void {
  const { storage, order } = flight
  const failure = failureOf(code, order.path)
  stop(flight, { type: 'returned', at: world.now, storage, paths: [order.path], side, failure })
}

export const failureOf = (code: string, path: ByteString): Failure => ({ code, errno: 1, syscall: 'test', path })

function begin(world: World, flight: CopyFlight): void {
  const { order, identity } = flight
  const target = placeOf(world, flight.storage)
  const isMeant = identity === (target.mounted === 'own' ? target.identity : `other-${target.id}`)
  if (target.mounted === 'none' || (!isMeant && world.parts.copyIdentifies)) {
    returned(world, flight, 'storage', 'ERR_SUSTEN_STORAGE')
    return
  }
  assert(target.mounted === 'own', `${order.path} is written to what isn't ${target.id}`)
  const from = order.from === undefined ? world.buffer : placeOf(world, order.from)
  if (from.mounted !== 'own' || !isFrom(from, order)) returned(world, flight, 'source', 'ERR_SUSTEN_STORAGE')
  else if (from === world.buffer && !world.isSourceThere) returned(world, flight, 'source', 'ENOENT')
  else if (world.random.chance(target.trouble)) failed(world, flight, 'storage', target.code)
  else read(world, flight, from)
}

const isFrom = (from: Place, { fromIdentity }: CopyOrder): boolean =>
  fromIdentity === undefined || fromIdentity === from.identity

function read(world: World, flight: CopyFlight, from: Place): void {
  const { path, cut } = flight.order
  const thing = from.now.get(nameOn(from, path, cut))
  if (thing === undefined) failed(world, flight, 'source', 'ENOENT')
  else if (thing.kind === 'link') failed(world, flight, 'source', 'ERR_SUSTEN_NOT_REGULAR')
  else {
    flight.source = thing
    flight.stage = 'reading'
  }
}

function place(world: World, flight: CopyFlight): void {
  const { path, cut, from: origin } = flight.order
  const from = origin === undefined ? world.buffer : placeOf(world, origin)
  const target = placeOf(world, flight.storage)
  const { source } = flight
  assert(source)
  const now = fileAt(from, nameOn(from, path, cut))
  if (now !== source) {
    if (world.parts.copyCompares) {
      failed(world, flight, 'source', 'ERR_SUSTEN_CHANGED')
      return
    }
    if (now !== undefined) flight.source = { ...now, content: source.content }
  }
  if (usedBytes(target) + source.size > target.capacity) failed(world, flight, 'storage', 'ENOSPC')
  else {
    name(world, flight, target, source)
    flight.stage = 'placed'
  }
}

/** Gives the copy its name; what has it already is kept, unless it is a copy of ours of the same file. */
function name(world: World, flight: CopyFlight, target: Place, source: File): void {
  const { path, cut, known, knownMtimeNs, link } = flight.order
  const replicated = nameOn(target, path, cut)
  const there = target.now.get(replicated)
  const mtimeNs = source.mtimeNs - (source.mtimeNs % target.grain)
  const copy: File = { ...source, ino: nextInode(world), mtimeNs, ctimeNs: stamp(world) }
  delete flight.version
  flight.mtimeNs = mtimeNs
  if (there === undefined) {
    flight.outcome = 'created'
  } else if (there.kind === 'file' && there.content === source.content && isAsOld(there, source, flight.order)) {
    flight.outcome = 'unchanged'
    flight.mtimeNs = there.mtimeNs
    return
  } else if (there.kind === 'file' && isOurs(there, source, known, knownMtimeNs)) {
    checkOverwritten(world, there, source, replicated)
    flight.outcome = 'replaced'
  } else if (there.kind === 'file' && there.content === source.content) {
    flight.outcome = 'replaced'
  } else if (there.kind === 'link' && there.to === link) {
    // It stands for an earlier copy, which is where it leads.
    flight.outcome = 'replaced'
  } else {
    flight.outcome = 'versioned'
    flight.version = versionName(target, replicated)
    put(target, flight.version, there)
  }
  note(world, `  ${flight.outcome} ${replicated} on ${target.id}: content ${source.content}`)
  put(target, replicated, copy)
  checkLinks(world)
}

/** Its time says that it is the very copy that would be made. Else it is made, and takes its place. */
function isAsOld(there: File, source: File, { known, knownMtimeNs }: CopyOrder): boolean {
  return there.mtimeNs === source.mtimeNs || isOurs(there, source, known, knownMtimeNs)
}

/** Our own earlier copy, of the same file as now. */
function isOurs(there: File, source: File, known: CopyOrder['known'], mtimeNs: bigint | undefined): boolean {
  return (
    known !== undefined &&
    known.ino === source.ino &&
    there.size === known.size &&
    there.mtimeNs === (mtimeNs ?? known.mtimeNs)
  )
}

/** No two contents under one name: only a newer version of the same file takes the place of an older one. */
function checkOverwritten({ lineage }: World, there: File, source: File, replicated: string): void {
  const isVersion = lineage.get(there.content) === lineage.get(source.content)
  assert(isVersion && there.content <= source.content, `${replicated}: content ${there.content} is overwritten`)
}

function end(world: World, flight: CopyFlight): void {
  const { storage, order, source, outcome, version, mtimeNs } = flight
  assert(source && outcome)
  const target = placeOf(world, storage)
  const replicated = nameOn(target, order.path, order.cut)
  if (world.parts.copySyncs) {
    sync(target, replicated)
    if (version !== undefined) sync(target, version)
  }
  stop(flight, {
    type: 'copied',
    at: world.now,
    storage,
    path: order.path,
    outcome,
    bytes: outcome === 'unchanged' ? 0 : source.size,
    fingerprint: fingerprintOf(source),
    mtimeNs: mtimeNs === source.mtimeNs ? undefined : mtimeNs,
    digest: world.setup.verify ? digestOf(source.content) : undefined,
    version: version as ByteString | undefined,
  })
}
