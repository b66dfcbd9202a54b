import type { FurkaUser } from '../user.js'
import type { Command } from './commands.js'
import { dispatch, nextWake } from './dispatch.js'
import type { CoreEvent } from './events.js'
import { addFile, defer, holdTurn, settle } from './files.js'
import { announced, answered, grimselFailed, receiveAgain, userTold } from './handing-over.js'
import { flushMessages } from './messages.js'
import { offered, refused, withdrawn } from './offers.js'
import { beside, received, receiveFailed, seekFailed, sought, targetSeen } from './receiving.js'
import type { Turn } from './record.js'
import { removed, removeFailed, removeLater, removeRefused, verified, verifyFailed } from './removing.js'
import { keepAllReserved, seenUnoffered } from './reserved.js'
import { filling, sourceSeen } from './sources.js'
import { type CoreConfig, createEmptyState, createOut, type State, type Stored } from './state.js'
import { beginTurn, runningTurn, turnsKey } from './turns.js'

/**
 * Goes on with what the journal has kept.
 * @param user Whose turn it is if it has nobody's.
 */
export function createState(config: CoreConfig, now: number, stored: Stored, user: FurkaUser): State {
  const state = createEmptyState(config, now)
  state.turns = [...stored.turns]
  if (state.turns.length === 0) beginTurn(state, now, user)
  // A clock that was put back since mustn't give what comes to anyone before him whose turn it is.
  state.turns = state.turns.map((turn) => ({ ...turn, since: Math.min(turn.since, now) }))
  state.firstTurn = runningTurn(state).number
  for (const record of [...stored.files].sort((a, b) => a.seq - b.seq)) {
    const source = state.sources.get(record.source)
    // Of a source that isn't configured now: it stays in the journal until that one is back.
    if (source === undefined) holdTurn(state, record)
    else {
      const file = addFile(state, source, { ...record, turn: knownTurn(state, record.turn) })
      file.tried = true
      settle(state, file)
      if (file.stage === 'receive') defer(state, file)
    }
  }
  const reserved = (stored.reserved ?? []).map((record) => ({ ...record, turn: knownTurn(state, record.turn) }))
  keepAllReserved(state, reserved, stored.held ?? new Map())
  // A Grimsel that wasn't there before needs to know of those who still have files, and whose turn it is.
  state.turns = state.turns.map((turn) => (isOver(state, turn) ? { ...turn, told: true } : turn))
  return state
}

const isOver = (state: State, { number }: Turn): boolean => number !== state.firstTurn && !state.members.has(number)

/** What a damaged journal doesn't tell any more is the running user's. */
function knownTurn(state: State, turn: number): number {
  return state.turns.some(({ number }) => number === turn) ? turn : runningTurn(state).number
}

/**
 * The one place where everything is decided: takes in what happened, in order, and says what to do. Deterministic: the
 * same state and events give the same commands. `state` is changed in place and belongs to this function.
 */
export function decide(state: State, events: readonly CoreEvent[]): Command[] {
  for (const event of events) {
    state.now = Math.max(state.now, event.at)
    take(state, event)
    for (const seq of state.missed) if (!state.files.get(seq)?.busy) takeMissing(state, seq)
  }
  dispatch(state)
  flushMessages(state)
  return commands(state)
}

function take(state: State, event: CoreEvent): void {
  switch (event.type) {
    case 'offered':
      offered(state, event)
      break
    case 'seen':
      seenUnoffered(state, event)
      break
    case 'withdrawn':
      withdrawn(state, event)
      break
    case 'refused':
      refused(state, event)
      break
    case 'source':
      sourceSeen(state, event)
      break
    case 'filling':
      filling(state, event)
      break
    case 'target':
      targetSeen(state, event)
      break
    case 'received':
      received(state, event)
      break
    case 'receiveFailed':
      receiveFailed(state, event)
      break
    case 'sought':
      sought(state, event)
      break
    case 'seekFailed':
      seekFailed(state, event)
      break
    case 'verified':
      verified(state, event)
      break
    case 'verifyFailed':
      verifyFailed(state, event)
      break
    case 'announced':
      announced(state, event)
      break
    case 'userTold':
      userTold(state, event)
      break
    case 'answered':
      answered(state, event)
      break
    case 'grimselFailed':
      grimselFailed(state, event)
      break
    case 'removed':
      removed(state, event)
      break
    case 'removeLater':
      removeLater(state, event)
      break
    case 'removeRefused':
      removeRefused(state, event)
      break
    case 'removeFailed':
      removeFailed(state, event)
      break
    case 'missing':
      for (const seq of event.seqs) state.missed.add(seq)
      break
    case 'beside':
      beside(state, event)
      break
    case 'userChange':
      beginTurn(state, event.since, event.user)
      if (event.unsettled !== true) state.settled = Math.max(state.settled, event.since)
      break
    case 'settled':
      state.settled = Math.max(state.settled, event.before)
      break
    case 'journaled':
      state.durable += event.ops
      break
    case 'drain':
      state.draining = true
      break
    case 'tick':
      // The timer is spent, even if it went off a little early.
      state.wake = Number.POSITIVE_INFINITY
      break
  }
}

/** A file that was received isn't here. Where Grimsel has it, Grimsel knows more. */
function takeMissing(state: State, seq: number): void {
  state.missed.delete(seq)
  const file = state.files.get(seq)
  if (file === undefined || file.record.here === undefined) return
  if (state.config.confirm !== 'buffer' && file.record.announced) return
  receiveAgain(state, file)
}

/** Everything that came up, as commands: what must be durable in one operation, with what may be told then. */
function commands(state: State): Command[] {
  const { commands: list, ops, notices, turns } = state.out
  if (turns) ops.push({ type: 'set', key: turnsKey, value: state.turns })
  if (ops.length > 0) {
    state.issued += ops.length
    list.unshift({ type: 'journal', ops, notices })
  } else {
    for (const notice of notices) list.push({ type: 'tell', notice })
  }
  const wake = nextWake(state)
  if (wake !== state.wake) list.push({ type: 'wake', at: wake })
  state.wake = wake
  state.out = createOut()
  return list
}
