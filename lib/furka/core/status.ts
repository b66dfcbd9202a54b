/** What can be read off the state. */
import { isEmpty } from './queue.js'
import type { Source, State } from './state.js'
import { firstUntold } from './turns.js'

/** Nothing is left to be done, but for what stays at its source. */
export const isIdle = (state: State): boolean => {
  let kept = 0
  for (const { counts } of state.sources.values()) kept += counts.kept
  return state.files.size === kept && firstUntold(state) === undefined
}

/** After `drain`: nothing is under way, and nothing can be handed over now. */
export function isDrained(state: State): boolean {
  const { link } = state
  for (const { transfers, seeks, removals } of state.sources.values()) {
    if (transfers + seeks + removals > 0) return false
  }
  if (link.announcing || link.telling || link.asking) return false
  return link.failure !== undefined || state.config.grimsel === 'none' || !isOwed(state)
}

/** Received, and could be handed over now: what Grimsel has refused waits for another time. */
const isOwed = ({ announce, held }: State): boolean => !isEmpty(announce) || !isEmpty(held)

/** Files of a source: what is to be done with them. */
export function countsOf({ counts, receiving, failing }: Source) {
  const { receive, seek, announce, confirm, verify, remove, kept } = counts
  return {
    waiting: receive - receiving,
    receiving,
    unannounced: seek + announce,
    unconfirmed: confirm,
    removing: verify + remove,
    kept,
    failing,
  }
}
