/**
 * Whose a file is that a source has seen. That is settled when the user changes, and kept in the journal, also of files
 * that aren't whole by then: no restart makes them the next user's.
 */
import { hasGrown, isOther } from '../../source/first-seen.js'
import { MOST_CHARACTERS } from '../../source/name-room.js'
import type { CoreEvent } from './events.js'
import { count } from './files.js'
import type { Held, Reservation, Seen } from './record.js'
import type { File, Reserved, Source, State } from './state.js'
import { runningTurn, turnAt } from './turns.js'

type Event<T extends CoreEvent['type']> = Extract<CoreEvent, { type: T }>

/** Begins the keys of reservations in the journal, their seq follows; and of when they last held, their source follows. */
export const reservedKeys = 'reserved:'
export const heldKeys = 'held:'

/** Milliseconds within which a file that was being written at a restart is seen again: it starts quickly, as a rule. */
const GROWING = 60_000
/** A file isn't there if so many times in a row a source that has looked at everything doesn't tell of it. */
const GONE = 2
/** Milliseconds between two times that it is noted that reservations hold. */
const NOTED = 10_000

export const isReserved = (state: State, source: string, name: string): boolean =>
  state.sources.get(source)?.reserved.has(name) === true

/** Some of them haven't been found again since the start. Those come first: they are the older ones. */
export const hasUnmet = (all: ReadonlyMap<string, Reserved>): boolean => {
  const [first] = all.values()
  return first !== undefined && first.seen === undefined
}

/**
 * The turn to which a file belongs: what has merely grown is the file that it was. A source says so, by when it saw it
 * first; but of what was before it was opened it doesn't know.
 * @param known The file that was offered under the name before.
 */
export function turnOfSeen(
  state: State,
  source: Source,
  found: Seen & { readonly exact?: boolean },
  known: File | undefined = source.files.get(found.name),
): number {
  const turns = [turnAt(state, found.seen).number]
  if (known !== undefined && isOffered(known, found)) turns.push(known.record.turn)
  const reserved = source.reserved.get(found.name)
  if (reserved !== undefined && isReservedOne(reserved, found)) turns.push(reserved.record.turn)
  return Math.min(...turns)
}

function isOffered({ record: { offer, at = offer.seen }, seen }: File, found: Seen): boolean {
  return seen === undefined ? hasGrown(offer, found) && isSoon(at, found) : found.seen <= seen
}

/** It was being written when it was reserved: it may have become whole without another byte. */
function isReservedOne({ record, seen }: Reserved, found: Seen & { readonly exact?: boolean }): boolean {
  if (seen !== undefined) return found.seen <= seen
  if (record.version !== undefined && record.version === found.version && found.exact === true) return true
  const { size: before } = record
  const isSmaller = before !== undefined && found.size !== undefined && found.size < before
  return isSoon(record.at, found) && !isSmaller && !isOther(record.identity, found.identity)
}

const isSoon = (at: number, { seen }: Seen): boolean => seen - at <= GROWING

/** Goes on with what the journal has kept. */
export function keepAllReserved(state: State, records: readonly Reservation[], held: ReadonlyMap<string, Held>): void {
  for (const record of records) keepReserved(state, record, held.get(record.source))
  for (const id of held.keys()) if (!state.sources.get(id)?.reserved.size) forget(state, `${heldKeys}${id}`)
}

function keepReserved(state: State, record: Reservation, held: Held | undefined): void {
  state.seq = Math.max(state.seq, record.seq)
  const source = state.sources.get(record.source)
  // Of one that isn't configured now.
  if (source === undefined) return forget(state, keyOf(record))
  const last = held !== undefined && record.at >= held.from ? Math.max(record.at, held.to) : record.at
  const at = Math.min(last, state.now)
  hold(state, source, { record: { ...record, at }, seen: undefined, round: 0, missed: 0 })
}

/** What a source has seen and not offered yet is a former user's, if it was seen in his turn. */
export function seenUnoffered(state: State, { source: id, files, first, last, whole }: Event<'seen'>): void {
  const source = state.sources.get(id)
  if (source === undefined) return
  if (first) source.round += 1
  for (const found of files) meet(state, source, found)
  if (!last) return
  for (const [name, reserved] of source.reserved) {
    if (reserved.round === source.round) continue
    if (whole) reserved.missed += 1
    if (isGone(state, source, name, reserved)) dropReserved(state, source, name)
  }
  noteHeld(state, source)
}

function meet(state: State, source: Source, found: Seen): void {
  const { name, version } = found
  const reserved = source.reserved.get(name)
  if (reserved !== undefined) Object.assign(reserved, { round: source.round, missed: 0 })
  // What it is, a look at it will tell.
  if (reserved !== undefined && reserved.seen === undefined && version === undefined) return
  const known = source.files.get(name)
  const turn = turnOfSeen(state, source, found)
  // What was offered just so before will be again, and is whose it was; so it is as far as nothing else is known.
  const isKnown = known !== undefined && (version ?? known.record.offer.version) === known.record.offer.version
  if (isKnown || turn >= runningTurn(state).number) dropReserved(state, source, name)
  else reserve(state, source, found, turn)
}

function reserve(state: State, source: Source, { seen, ...found }: Seen, turn: number): void {
  const before = source.reserved.get(found.name)
  if (before !== undefined) {
    const { record } = before
    const isFirst = before.seen === undefined
    before.seen = seen
    const isSame = found.version === undefined || found.version === record.version
    if (record.turn === turn && isSame && !isFirst) return
    letGo(state, source, record)
  } else if (source.characters + found.name.length > MOST_CHARACTERS) return
  else state.seq += 1
  const seq = before?.record.seq ?? state.seq
  const record = { ...found, seq, source: source.id, turn, at: state.now }
  hold(state, source, { record, seen, round: source.round, missed: 0 })
  note(state, record)
}

const note = ({ out }: State, record: Reservation): void =>
  void out.ops.push({ type: 'set', key: keyOf(record), value: record })

function hold(state: State, source: Source, reserved: Reserved): void {
  const { name, turn } = reserved.record
  source.reserved.set(name, reserved)
  source.characters += name.length
  count(state.members, turn, 1)
  count(state.owing, turn, 1)
}

/** It is offered, or gone. */
export function dropReserved(state: State, source: Source, name: string): void {
  const reserved = source.reserved.get(name)
  if (reserved === undefined) return
  letGo(state, source, reserved.record)
  forget(state, keyOf(reserved.record))
  if (source.reserved.size > 0) return
  source.held = Number.NEGATIVE_INFINITY
  forget(state, `${heldKeys}${source.id}`)
}

function letGo(state: State, source: Source, { name, turn }: Reservation): void {
  source.reserved.delete(name)
  source.characters -= name.length
  count(state.members, turn, -1)
  count(state.owing, turn, -1)
}

/** The source doesn't tell of it any more. Just after the start it may not have seen it yet, and its lists may lag. */
function isGone(state: State, source: Source, name: string, { seen, missed }: Reserved): boolean {
  // A transfer of an older version is waited for.
  if (!source.available || source.files.get(name)?.next !== undefined) return false
  return seen !== undefined || missed >= GONE || state.now - source.since > GROWING
}

/** What reservations say is told of the time when they were last known to hold, not of when they were made. */
function noteHeld(state: State, source: Source): void {
  if (state.now - source.held < NOTED) return
  const unmet = [...source.reserved.values()].filter(({ seen }) => seen === undefined)
  if (unmet.length === source.reserved.size) return
  // It is told in place of what was noted by the program before: that says no more when those held.
  if (source.held === Number.NEGATIVE_INFINITY) for (const { record } of unmet) note(state, record)
  source.held = state.now
  const held: Held = { from: state.started, to: state.now }
  state.out.ops.push({ type: 'set', key: `${heldKeys}${source.id}`, value: held })
}

const forget = ({ out }: State, key: string): void => void out.ops.push({ type: 'set', key, value: undefined })

const keyOf = ({ seq }: Reservation): string => `${reservedKeys}${seq}`
