/** Files come in, or don't. */
import type { ByteString } from '../../bytes.js'
import { backoff } from '../../core/backoff.js'
import { classify } from '../../core/failures.js'
import type { CoreEvent } from './events.js'
import { detach, enter, failed, inHand, put, settle } from './files.js'
import { say } from './messages.js'
import { doneKey, lost, supersede } from './offers.js'
import type { Failure, FileRecord, Here } from './record.js'
import type { File, Source, State } from './state.js'
import { turnOf } from './turns.js'

type Event<T extends CoreEvent['type']> = Extract<CoreEvent, { type: T }>

/** Milliseconds until a target that failed is tried again. */
const FIRST_BLOCK = 500
const LONGEST_BLOCK = 5000

export function received(state: State, { seq, outcome, here, also = [] }: Event<'received'>): void {
  const file = inHand(state, seq, 'receive')
  if (file === undefined) return
  const { source, next, gone } = file
  source.counters.received += 1
  source.counters.bytes += here.size
  if (source.blocked !== undefined) unblock(state, source)
  if (outcome === 'versioned') {
    const text = 'other content had its name here; that was kept under a versioned one'
    say(state, { code: 'COLLISION', severity: 'warning', source: source.id, subject: file.record.offer.name, text })
  }
  if (here.version !== undefined) follow(state, file, here.path, here.version)
  const owed = new Set([...(file.record.also ?? []), ...also, ...(here.version === undefined ? [] : [here.version])])
  const { also: _, ...bare } = file.record
  const record: FileRecord & { here: Here } = {
    ...bare,
    here,
    ...(owed.size > 0 && state.config.grimsel !== 'none' ? { also: [...owed] } : {}),
    ...(gone ? { withdrawn: true } : {}),
  }
  // What is offered under the name from now on is another one.
  if (gone) detach(file)
  put(state, file, record)
  state.out.notices.push({ type: 'received', record, outcome, user: turnOf(state, record.turn).user })
  noteRepeat(state, file, here)
  file.next = undefined
  file.again = false
  if (next === undefined) settle(state, file)
  else supersede(state, file, next)
}

/** What was received under that path before lies under another one now. */
function follow(state: State, file: File, path: ByteString, version: ByteString): void {
  const older = state.byPath.get(path)
  if (older === undefined || older === file || older.record.here === undefined) return
  const { announced: _, ...record } = older.record
  put(state, older, { ...record, here: { ...older.record.here, path: version } })
  // Grimsel knows it under the former path, if at all.
  if (!older.busy) settle(state, older)
}

/** The same content came again although it had been removed: the source doesn't do as it says, and isn't kept busy. */
function noteRepeat(state: State, file: File, { digest }: Here): void {
  const key = doneKey(file)
  const done = state.done.get(key)
  if (done !== undefined) state.done.set(key, { digest, repeats: done.digest === digest ? done.repeats + 1 : 0 })
}

export function receiveFailed(state: State, { seq, side, gone, failure, also = [] }: Event<'receiveFailed'>): void {
  const file = inHand(state, seq, 'receive')
  if (file === undefined) return
  const { source, next } = file
  file.tried = true
  owe(state, file, also)
  const { record } = file
  if (next !== undefined) {
    file.next = undefined
    supersede(state, file, next)
  } else if (side === 'target' && isWhole(failure)) {
    block(state, source, failure)
    enter(state, file, 'receive')
  } else if (failure.code === 'ABORT_ERR') {
    enter(state, file, 'receive')
  } else if (file.gone || (gone && file.seen === undefined && source.available)) {
    // Not offered since the start: it went while nobody looked.
    lost(state, file)
  } else {
    const text = `${failure.text}; it is tried again`
    const saying = {
      code: 'RECEIVE_ERROR',
      severity: 'warning',
      source: source.id,
      subject: record.offer.name,
    } as const
    // Between a look at a file and its transfer a source may go, or the file may grow: the first time that says nothing.
    if (file.attempts > 0 || side === 'target') say(state, { ...saying, text }, failure.code)
    failed(state, file, failure)
  }
}

/** Grimsel is to hear of these, too. */
function owe(state: State, file: File, also: readonly ByteString[]): void {
  const { also: known = [] } = file.record
  const owed = new Set([...known, ...also])
  if (owed.size > known.length && state.config.grimsel !== 'none') put(state, file, { ...file.record, also: [...owed] })
}

export function beside(state: State, { seq, also }: Event<'beside'>): void {
  const file = state.files.get(seq)
  if (file === undefined) return
  owe(state, file, also)
  if (!file.busy) settle(state, file)
}

/** What was looked for at its name is Grimsel's to know, whatever it is; if there is nothing, nothing is left to be done. */
export function sought(state: State, { seq, also }: Event<'sought'>): void {
  const file = inHand(state, seq, 'seek')
  if (file === undefined) return
  const { unnoted: _, ...record } = file.record
  put(state, file, record)
  owe(state, file, also)
  settle(state, file)
}

export function seekFailed(state: State, { seq, failure }: Event<'seekFailed'>): void {
  const file = inHand(state, seq, 'seek')
  if (file !== undefined) failed(state, file, failure)
}

/** It would meet every file of the target. */
function isWhole(failure: Failure): boolean {
  const found = classify(failure, 'storage')
  return found === 'full' || found === 'storage'
}

/** What a look at a source's target found. */
export function targetSeen(state: State, { source: id, failure }: Event<'target'>): void {
  const source = state.sources.get(id)
  if (source === undefined) return
  const { blocked } = source
  if (failure !== undefined) block(state, source, failure, Number.POSITIVE_INFINITY)
  else if (blocked?.until === Number.POSITIVE_INFINITY) unblock(state, source)
}

function block(state: State, source: Source, failure: Failure, until?: number): void {
  const { blocked, id, target } = source
  // What was found by looking counts until a look finds it over.
  if (until === undefined && blocked?.until === Number.POSITIVE_INFINITY) return
  source.blocks += 1
  const wait = backoff(source.blocks, FIRST_BLOCK, LONGEST_BLOCK, 0)
  source.blocked = { failure, until: until ?? state.now + wait }
  if (blocked?.failure.code === failure.code) return
  const text = `nothing can be written there: ${failure.text}; its files wait`
  say(state, { code: 'TARGET_UNAVAILABLE', severity: 'error', source: id, subject: target, text }, failure.code)
}

function unblock(state: State, source: Source): void {
  source.blocked = undefined
  source.blocks = 0
  const text = 'files are written there again'
  say(state, { code: 'TARGET_BACK', severity: 'info', source: source.id, subject: source.target, text })
}
