/** What is safe is removed at its source, and nothing else. */
import type { CoreEvent } from './events.js'
import { drop, enter, failed, inHand, put, settle } from './files.js'
import { say } from './messages.js'
import { doneKey } from './offers.js'
import type { File, State } from './state.js'

type Event<T extends CoreEvent['type']> = Extract<CoreEvent, { type: T }>

/** Removals that are remembered. */
const MOST_DONE = 10_000
/** Milliseconds to which a source's wish to be asked later is bounded. */
const SOONEST = 5
const LATEST = 600_000

export function removed(state: State, { seq, outcome }: Event<'removed'>): void {
  const file = inHand(state, seq, 'remove')
  if (file === undefined) return
  // Another version is there, and will be offered: until then, whose it is is known only by this one.
  if (outcome === 'changed') enter(state, file, 'kept')
  else end(state, file, outcome)
}

function end(state: State, file: File, outcome: 'removed' | 'gone'): void {
  file.source.counters.removed += 1
  state.out.notices.push({ type: 'removed', record: file.record, outcome })
  remember(state, file)
  drop(state, file)
}

function remember(state: State, file: File): void {
  const key = doneKey(file)
  const repeats = state.done.get(key)?.repeats ?? 0
  // Last in order: the oldest are forgotten first.
  state.done.delete(key)
  state.done.set(key, { digest: file.record.here?.digest, repeats })
  for (const oldest of state.done.keys()) {
    if (state.done.size <= MOST_DONE) break
    state.done.delete(oldest)
  }
}

export function removeLater(state: State, { seq, after }: Event<'removeLater'>): void {
  const file = inHand(state, seq, 'remove')
  if (file === undefined) return
  const due = state.now + Math.min(Math.max(after, SOONEST), LATEST)
  enter(state, file, file.record.offer.exact ? 'remove' : 'verify', due)
}

export function removeRefused(state: State, { seq, reason }: Event<'removeRefused'>): void {
  const file = inHand(state, seq, 'remove')
  if (file === undefined) return
  const { source, record } = file
  const text = `it is here, and stays at the source: ${reason}`
  say(state, { code: 'KEPT', severity: 'warning', source: source.id, subject: record.offer.name, text }, reason)
  enter(state, file, 'kept')
}

export function removeFailed(state: State, { seq, failure }: Event<'removeFailed'>): void {
  const file = inHand(state, seq, 'remove')
  if (file === undefined) return
  const { source, record } = file
  const text = `it is here, and couldn't be removed at the source: ${failure.text}; it is tried again`
  const saying = { code: 'REMOVE_ERROR', severity: 'warning', source: source.id, subject: record.offer.name } as const
  if (file.attempts > 0) say(state, { ...saying, text }, failure.code)
  failed(state, file, failure)
}

/** A version that doesn't tell contents apart was read once more. */
export function verified(state: State, { seq, outcome }: Event<'verified'>): void {
  const file = inHand(state, seq, 'verify')
  if (file === undefined) return
  if (outcome === 'gone') return end(state, file, 'gone')
  if (outcome === 'same') {
    file.verified = state.now
    settle(state, file)
    return
  }
  // Other content, under the same version: what is here is kept, and the other one received.
  const { here: _, announced: __, safe: ___, ...bare } = file.record
  put(state, file, bare)
  settle(state, file)
}

export function verifyFailed(state: State, { seq, failure }: Event<'verifyFailed'>): void {
  const file = inHand(state, seq, 'verify')
  if (file !== undefined) failed(state, file, failure)
}
