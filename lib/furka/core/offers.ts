/** What sources have, and have no more. */
import { backoff } from '../../core/backoff.js'
import type { CoreEvent } from './events.js'
import { addFile, detach, drop, enter, put, settle } from './files.js'
import { say } from './messages.js'
import type { FileRecord, Offer } from './record.js'
import { dropReserved, turnOfSeen } from './reserved.js'
import type { File, Source, State } from './state.js'

type Event<T extends CoreEvent['type']> = Extract<CoreEvent, { type: T }>

/** Milliseconds between two times that one and the same content is received which can't be removed. */
const FIRST_REPEAT = 1000
const LONGEST_REPEAT = 60_000

export function offered(state: State, { source: id, offer }: Event<'offered'>): void {
  const source = state.sources.get(id)
  if (source === undefined) return
  const known = source.files.get(offer.name)
  if (known === undefined) begin(state, source, offer)
  else if (known.record.offer.version === offer.version) again(state, known, offer)
  else if (known.busy && known.stage === 'receive') known.next = offer
  else supersede(state, known, offer)
}

/** Offered once more: what waited for that goes on. */
function again(state: State, file: File, { name, seen }: Offer): void {
  dropReserved(state, file.source, name)
  const isFirst = file.seen === undefined
  file.next = undefined
  file.gone = false
  file.seen = seen
  // It may have changed under a version that doesn't tell.
  file.verified = Number.NEGATIVE_INFINITY
  if (file.busy) return
  // A source that had something against it may have nothing now.
  if (file.stage === 'kept' || file.stage === 'remove') settle(state, file)
  else if (isFirst) enter(state, file, file.stage)
}

function begin(state: State, source: Source, offer: Offer, turn = turnOfSeen(state, source, offer)): File {
  dropReserved(state, source, offer.name)
  const record = { seq: state.seq + 1, source: source.id, offer, turn, at: state.now }
  const file = addFile(state, source, record)
  file.seen = offer.seen
  // Its record may not have been durable yet when that one ended.
  file.tried = offer.seen <= source.since
  put(state, file, record)
  const { repeats = 0 } = state.done.get(doneKey(file)) ?? {}
  const wait = repeats === 0 ? 0 : backoff(repeats, FIRST_REPEAT, LONGEST_REPEAT, record.seq)
  enter(state, file, 'receive', wait === 0 ? 0 : state.now + wait)
  return file
}

/** Another version has taken its place at the source. */
export function supersede(state: State, file: File, offer: Offer): void {
  const { source, record } = file
  const turn = turnOfSeen(state, source, offer, file)
  if (record.here === undefined) {
    const { size: before } = record.offer
    const hasGrown = before !== undefined && offer.size !== undefined && offer.size >= before
    if (!hasGrown && !file.again) {
      const text = 'other content has taken its place at the source before it was received'
      say(state, { code: 'OVERWRITTEN', severity: 'error', source: source.id, subject: record.offer.name, text })
    }
    leaveUnreceived(state, file)
  } else leaveSource(state, file)
  begin(state, source, offer, turn)
}

/** Whatever version it was that the source saw last: nothing is under the name any more. */
export function withdrawn(state: State, { source: id, name }: Event<'withdrawn'>): void {
  const source = state.sources.get(id)
  if (source === undefined) return
  dropReserved(state, source, name)
  const file = source.files.get(name)
  if (file === undefined) return
  file.next = undefined
  if (file.record.here !== undefined) leaveSource(state, file)
  // What is on its way may still arrive whole.
  else if (file.busy) file.gone = true
  else lost(state, file)
}

/** Nothing is left to be removed: only Grimsel must hear of what is here. */
function leaveSource(state: State, file: File, more: Pick<FileRecord, 'unnoted'> = {}): void {
  detach(file)
  put(state, file, { ...file.record, ...more, withdrawn: true })
  if (!file.busy || file.stage !== 'announce') settle(state, file)
}

/** Gone before it was received. */
export function lost(state: State, file: File): void {
  const { source, record } = file
  if (!file.again) {
    source.counters.lost += 1
    const text = 'gone at the source before it was received'
    say(state, { code: 'LOST', severity: 'error', source: source.id, subject: record.offer.name, text })
  }
  leaveUnreceived(state, file)
}

/**
 * Grimsel is still owed older contents that were kept because of it, and what it left under its own name: a process may
 * have ended between that and noting it.
 */
function leaveUnreceived(state: State, file: File): void {
  if (file.tried) leaveSource(state, file, { unnoted: true })
  else if (file.record.also !== undefined) leaveSource(state, file)
  else drop(state, file)
}

export function refused(state: State, { source: id, name, reason, text }: Event<'refused'>): void {
  const source = state.sources.get(id)
  if (source === undefined) return
  source.counters.refused += 1
  say(state, { code: 'NAME_REFUSED', severity: 'error', source: id, subject: name, text }, reason)
}

/** What is known of files that were removed at their source. */
export const doneKey = ({ record }: File): string => `${record.source}\0${record.offer.name}\0${record.offer.version}`
