/** Messages to whoever listens, without floods. */
import { collect, nextRipe, retract, ripe } from '../../coalesce.js'
import type { FurkaMessageCode } from '../types.js'
import type { Saying } from './commands.js'
import type { State } from './state.js'

const opposite: Partial<Record<FurkaMessageCode, FurkaMessageCode>> = {
  SOURCE_UNAVAILABLE: 'SOURCE_BACK',
  SOURCE_BACK: 'SOURCE_UNAVAILABLE',
  TARGET_UNAVAILABLE: 'TARGET_BACK',
  TARGET_BACK: 'TARGET_UNAVAILABLE',
  GRIMSEL_UNAVAILABLE: 'GRIMSEL_BACK',
  GRIMSEL_BACK: 'GRIMSEL_UNAVAILABLE',
}

/**
 * Tells a message, or collects it if its like was told lately.
 * @param reason What makes it another kind than others of its code and source, e.g. an error code.
 */
export function say(state: State, saying: Saying, reason = ''): void {
  const { code, source = '' } = saying
  const key = `${code}|${source}|${reason}`
  // Who reads the last word must read how it is.
  const over = opposite[code]
  if (over !== undefined) retract(state.messages, (one) => one.startsWith(`${over}|${source}|`))
  const message = collect(state.messages, state.now, key, saying)
  if (message !== undefined) state.out.notices.push({ type: 'message', message })
}

/** Tells what was collected for long enough. */
export function flushMessages(state: State): void {
  for (const message of ripe(state.messages, state.now)) state.out.notices.push({ type: 'message', message })
}

/** When {@link flushMessages} has something to do next. */
export const nextMessage = (state: State): number => nextRipe(state.messages)
