/** Whose files are whose. */
import type { FurkaUser } from '../user.js'
import type { Turn } from './record.js'
import type { State } from './state.js'

/** Key of the turns in the journal. */
export const turnsKey = 'turns'

/** Turns that are remembered in any case. */
const REMEMBERED = 100

/** @param since Files that were seen later are this user's. */
export function beginTurn(state: State, since: number, user: FurkaUser): void {
  const number = (state.turns.at(-1)?.number ?? 0) + 1
  const turn: Turn = { number, since, user, told: false }
  state.turns.push(turn)
  forgetTurns(state)
  state.out.turns = true
  state.out.notices.push({ type: 'userChanged', turn })
}

/** The turn of a file that was seen at this time. */
export function turnAt(state: State, seen: number): Turn {
  const isFirst = ({ number }: Turn): boolean => number <= state.firstTurn
  return state.turns.findLast((turn) => turn.since < seen || isFirst(turn)) ?? runningTurn(state)
}

export function turnOf(state: State, number: number): Turn {
  const found = state.turns.find((turn) => turn.number === number)
  if (found === undefined) throw new RangeError(`turn ${number} isn't known`)
  return found
}

/** Grimsel knows of a turn, or can't be told. */
export const isTold = (state: State, number: number): boolean =>
  state.config.grimsel !== 'answers' || turnOf(state, number).told

/** The first turn of which Grimsel is still to be told. */
export const firstUntold = (state: State): Turn | undefined =>
  state.config.grimsel === 'answers' ? state.turns.find(({ told }) => !told) : undefined

/** Turns that are over and have no files are forgotten in time: files may be offered long after they were seen. */
function forgetTurns(state: State): void {
  const oldest = runningTurn(state).number - REMEMBERED
  if ((state.turns[0]?.number ?? 0) > oldest) return
  const kept = firstUntold(state)?.number ?? Number.POSITIVE_INFINITY
  state.turns = state.turns.filter(({ number }) => number > oldest || number >= kept || state.members.has(number))
  state.out.turns = true
}

/** The turn that is running. */
export function runningTurn(state: State): Turn {
  const turn = state.turns.at(-1)
  if (turn === undefined) throw new RangeError("it is nobody's turn")
  return turn
}
