/** Whose turn it was when. */

export interface SoakUser {
  readonly uid: number
  readonly gid: number
  readonly userDirectory: string
}

/** A user's turn: it began somewhere between two times, in milliseconds since 1970. */
export interface SoakTurn extends SoakUser {
  readonly from: number
  /** Infinite while it isn't answered. */
  to: number
}

export const userOf = (number: number): SoakUser => ({
  uid: 20_000 + (number % 7),
  gid: 30_000 + (number % 5),
  userDirectory: `visit${number}/raw`,
})

/** The first and the last turn to which a file can belong that was begun then, and was seen by then. */
export function turnsOf(turns: readonly SoakTurn[], begun: number, seen: number): readonly [number, number] {
  const first = turns.findLastIndex(({ to }) => to < begun)
  const last = turns.findLastIndex(({ from }) => from <= seen)
  return [Math.max(0, first), Math.max(0, last)]
}
