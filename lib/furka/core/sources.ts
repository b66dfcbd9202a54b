/** How sources are doing. */
import type { CoreEvent } from './events.js'
import { say } from './messages.js'
import type { State } from './state.js'

type Event<T extends CoreEvent['type']> = Extract<CoreEvent, { type: T }>

export function sourceSeen(state: State, { source: id, available, failure }: Event<'source'>): void {
  const source = state.sources.get(id)
  if (source === undefined) return
  source.available = available
  if (available) source.since = Math.min(source.since, state.now)
  source.failure = available ? undefined : failure
  if (available && source.missed) {
    source.missed = false
    const text = 'it answers again; its files go on'
    say(state, { code: 'SOURCE_BACK', severity: 'info', source: id, subject: id, text })
  } else if (!available && failure !== undefined && !source.missed) {
    source.missed = true
    const text = `it can't be used: ${failure.text}; its files wait there`
    say(state, { code: 'SOURCE_UNAVAILABLE', severity: 'error', source: id, subject: id, text }, failure.code)
  }
}

export function filling(state: State, { source: id, seconds }: Event<'filling'>): void {
  const text = `as it goes now, nothing will be left of its memory in ${Math.round(seconds)} s`
  say(state, { code: 'SOURCE_ALMOST_FULL', severity: 'error', source: id, subject: id, text })
}
