/** Messages to whoever listens, without floods. */
import { collect, nextRipe, ripe } from '../../coalesce.js'
import type { Saying } from './commands.js'
import type { State } from './state.js'

/**
 * Tells a message, or collects it if its like was told lately.
 * @param reason What makes it another kind than others of its code and source, e.g. an error code.
 */
export function say(state: State, saying: Saying, reason = ''): void {
  const key = `${saying.code}|${saying.source ?? ''}|${reason}`
  const message = collect(state.messages, state.now, key, saying)
  if (message !== undefined) state.out.notices.push({ type: 'message', message })
}

/** Tells what was collected for long enough. */
export function flushMessages(state: State): void {
  for (const message of ripe(state.messages, state.now)) state.out.notices.push({ type: 'message', message })
}

/** When {@link flushMessages} has something to do next. */
export const nextMessage = (state: State): number => nextRipe(state.messages)
