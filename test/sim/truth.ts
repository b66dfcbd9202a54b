/** What must be true at every step, told from what lies on the places and not from what the core says of it. */
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import { coreKey, type FileRecord, type State, type StoredCore, type StoredShift, shiftKeys } from '#lib/core/index.js'
import { type Book, isSame } from './book.js'
import { type File, holds, type Place, type Thing } from './places.js'
import type { Process } from './process.js'
import type { ReleaseCommand } from './releasing.js'
import { nameOn, placeOf, type World } from './world.js'

/**
 * What a release is about to take away is further down, durably: under the right name, or as a version, if a newer file
 * has taken the name since it was looked at.
 */
export function checkSpared({ content }: File, tier: Place, to: Place, name: string): void {
  const where = `content ${content} leaves ${tier.id}, but ${name} on ${to.id} is`
  assert(holds(to.safe, name, content), `${where} ${inWords(to.safe.get(name))} durably`)
  assert(holds(to.now, name, content), `${where} ${inWords(to.now.get(name))}`)
}

const inWords = (thing: Thing | undefined): string =>
  thing === undefined ? 'nothing' : thing.kind === 'link' ? `a link to ${thing.to}` : `content ${thing.content}`

/** Every link leads to a file. */
export function checkLinks(world: World): void {
  for (const place of world.places.values()) {
    for (const [name, thing] of place.now) {
      if (thing.kind === 'file') continue
      const cut = place === world.buffer ? (world.cuts.get(name) ?? 0) : 0
      // A link that was kept as a version leads where it led under its own name.
      const replicated = name.slice(cut).replace(/\.~\d+~$/, '')
      let to: Thing | undefined = thing
      for (let steps = 0; to?.kind === 'link' && steps < 3; steps++) to = placeOf(world, to.to).now.get(replicated)
      assert(to?.kind === 'file', `the link ${name} on ${place.id} leads to ${inWords(to)}`)
    }
  }
}

/** An order to release is given only for what the journal durably says is safe. */
export function checkRelease(world: World, { tier, to, files, directories }: ReleaseCommand): void {
  const { book, config } = world
  for (const { path, known, copy, by } of files) {
    const record = book.safe.records.get(path)
    const on = record?.tiers?.find((one) => one.tier === tier)?.state
    // A link holds nothing that could get lost.
    if (on === 'link') continue
    assert(on === 'unsure', `${path} is to leave ${tier}, and the journal has it as ${on} there`)
    const served = record?.copies.find(({ storage }) => storage === to)
    assert(
      served?.state === 'copied',
      `${path} is to leave ${tier}, and the journal has it as ${served?.state} on ${to}`,
    )
    assert(served.source?.size === copy.size && known.size === copy.size, `${path} is one version on ${tier} and ${to}`)
    const live = book.live.records.get(path)
    for (const above of config.tiers ?? []) {
      if (above.id === tier) break
      const is = live?.tiers?.find((one) => one.tier === above.id)?.state
      const isLedTo = is === 'unsure' || (is === 'link' && by !== 'link')
      assert(!isLedTo, `${path} is to leave ${tier}, and a link on ${above.id} may lead to it`)
    }
    if (tier !== 'buffer' || config.tierSources === true) continue
    for (const { storage, state } of live?.copies ?? []) {
      assert(state === 'copied', `${path} on ${storage} is ${state}, and could come from the buffer only`)
    }
  }
  checkDirectories(world, tier, directories)
}

/** No directory goes that the running shift uses; the deepest go first. */
function checkDirectories(world: World, tier: string, directories: readonly string[]): void {
  const { shift } = runningState(world)
  const place = placeOf(world, tier)
  for (const directory of directories) {
    for (const [path, owed] of world.owed) {
      const isUsed = owed.shift === shift && nameOn(place, path, world.cuts.get(path) ?? 0).startsWith(`${directory}/`)
      assert(!isUsed, `${directory} on ${tier} is used by the running shift`)
    }
  }
  const depths = directories.map((directory) => directory.split('/').length)
  assert(
    depths.every((depth, i) => i === 0 || depth <= (depths[i - 1] ?? 0)),
    'the deepest go first',
  )
}

function runningState(world: World): State {
  assert(world.process)
  return world.process.state
}

/** Figures are the truth, and memory is what was journaled. */
export function checkState(world: World, process: Process): void {
  const { state } = process
  checkFigures(world.book, state)
  checkStored(world, state)
  let used = 0
  for (const entry of state.files.values()) {
    const { record, slots, leaving } = entry
    assert(isSame(record, world.book.live.records.get(record.path)), `${record.path} in memory is what was journaled`)
    for (const slot of slots) if (slot !== undefined) used += 1
    for (const one of leaving) if (one !== undefined) used += 1
    assert(entry.used > 0, `${record.path} is in memory for a reason`)
  }
  const { limits } = world.config
  let resident = 0
  for (const { config, ready, flying, waiting, resident: slots } of state.storages) {
    const flights = process.copies.filter(({ storage }) => storage === config.id).length + untold(process, config.id)
    assert.equal(flying, flights, `copies under way to ${config.id}`)
    assert.equal(ready.size >= slots - flying - waiting, true, `copies that are ready for ${config.id}`)
    assert(ready.size <= limits.window + limits.load + limits.flying + limits.waiting + 1, 'a bounded window')
    resident += slots
  }
  for (const { config, flying, resident: leaving } of state.tiers) {
    const flights =
      process.releases.filter(({ command }) => command.tier === config.id).length + untold(process, config.id, true)
    assert.equal(flying, flights, `releases under way on ${config.id}`)
    assert(leaving <= limits.releasing, 'a bounded number of releases')
    resident += leaving
  }
  assert.equal(used, resident, 'slots and releases in memory')
}

/** Results of copies, or of releases, that the core has yet to take in. */
function untold({ queue }: Process, id: string, isRelease = false): number {
  const isResult = ({ event }: Process['queue'][number]): boolean => {
    if (event.type === 'released' || event.type === 'kept') return isRelease && event.tier === id
    const isCopy = event.type === 'copied' || event.type === 'failed' || event.type === 'returned'
    return isCopy && !isRelease && event.storage === id
  }
  return queue.filter(isResult).length
}

interface Tally {
  pending: number
  copied: number
  failed: number
  held: number
  links: number
  bytes: number
}

/** By shift, then by storage or tier. */
type Tallies = Map<number, Map<string, Tally>>

function tallyOf(tallies: Tallies, shift: number, id: string): Tally {
  let byId = tallies.get(shift)
  if (byId === undefined) {
    byId = new Map()
    tallies.set(shift, byId)
  }
  let tally = byId.get(id)
  if (tally === undefined) {
    tally = { pending: 0, copied: 0, failed: 0, held: 0, links: 0, bytes: 0 }
    byId.set(id, tally)
  }
  return tally
}

function checkFigures(book: Book, state: State): void {
  const left: Tallies = new Map()
  const [first] = state.shifts
  const bucket = (shift: number): number => (first !== undefined && shift < first.number ? -1 : shift)
  const pending = new Map<string, number>()
  for (const record of book.live.records.values()) count(left, bucket(record.shift), state, record, pending)
  for (const [key, number] of book.forgotten) {
    const [shift, storage = ''] = key.split(' ')
    tallyOf(left, bucket(Number(shift)), storage).copied += number
  }
  for (const [shift, byStorage] of state.counters) {
    for (const [id, counts] of byStorage) {
      const tally = tallyOf(left, shift, id)
      tally.pending -= counts.pending
      tally.copied -= counts.copied
      tally.failed -= counts.failed
    }
  }
  for (const [shift, byTier] of state.holdings) {
    for (const [id, holding] of byTier) {
      const tally = tallyOf(left, shift, id)
      tally.held -= holding.held
      tally.links -= holding.links
      tally.bytes -= holding.bytes
    }
  }
  for (const [shift, byId] of left) {
    for (const [id, tally] of byId) {
      const isTrue = Object.values(tally).every((number) => number === 0)
      assert(isTrue, `figures are the truth: of shift ${shift} on ${id} there are left ${JSON.stringify(tally)}`)
    }
  }
  for (const storage of state.storages) {
    assert.equal(storage.pending, pending.get(storage.config.id) ?? 0, `pending on ${storage.config.id}, in all`)
  }
}

function count(left: Tallies, shift: number, state: State, record: FileRecord, pending: Map<string, number>): void {
  const { copies, tiers } = record
  for (const copy of copies) {
    tallyOf(left, shift, copy.storage)[copy.state] += 1
    if (copy.state === 'pending') pending.set(copy.storage, (pending.get(copy.storage) ?? 0) + 1)
  }
  for (const { tier, state: is } of tiers ?? []) {
    const here = copies.find(({ storage }) => storage === tier)
    if (is === 'gone' || (here?.state === 'failed' && here.source === undefined)) continue
    const tally = tallyOf(left, shift, tier)
    if (is === 'link') {
      tally.links += 1
      continue
    }
    tally.held += 1
    const next = state.tiers.find(({ config }) => config.id === tier)?.config.next
    const copy = copies.find(({ storage }) => storage === next)
    if (copy?.state === 'copied') tally.bytes += copy.source?.size ?? 0
  }
}

/** What the journal was given is what the core says. */
function checkStored({ book: { live } }: World, state: State): void {
  const core = live.values.get(coreKey)
  if (core !== undefined) {
    const { seq, shift, counters } = JSON.parse(core) as StoredCore
    assert(seq === state.seq && shift === state.shift, 'the journal has the last seq and the running shift')
    if (state.shifts.length === 0) checkStoredCounts(counters['0'] ?? {}, state, 0)
  }
  for (const { number, uid, ended, clears } of state.shifts) {
    const json = live.values.get(`${shiftKeys}${number}`)
    if (json === undefined) continue
    const { shift, counters } = JSON.parse(json) as StoredShift
    assert(isDeepStrictEqual([shift.uid, shift.ended, shift.clears], [uid, ended, clears]), `shift ${number}`)
    checkStoredCounts(counters, state, number)
  }
}

function checkStoredCounts(stored: StoredShift['counters'], state: State, shift: number): void {
  const counts = Object.fromEntries(state.counters.get(shift) ?? [])
  assert(isDeepStrictEqual(stored, counts), `the journal has the figures of shift ${shift}`)
}

/** Nothing that was acknowledged has been lost: it is somewhere, durably or where its writer left it. */
export function checkOwed(world: World): void {
  const { buffer, storages } = world
  for (const [path, { content, name }] of world.owed) {
    const here = buffer.now.get(path)
    if (here?.kind === 'file' && here.content === content) continue
    if (holds(buffer.now, path, content) || isHidden(buffer, path, content)) continue
    assert(
      storages.some(({ safe }) => holds(safe, name, content)),
      `content ${content} of ${path}, which was acknowledged, is nowhere`,
    )
  }
}

function isHidden({ hidden }: Place, name: string, content: number): boolean {
  const there = hidden.get(name)?.thing
  return there?.kind === 'file' && there.content === content
}
