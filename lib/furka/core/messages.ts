/** Messages to whoever listens, without floods. */
import { collect, nextRipe, retract, ripe } from '../../coalesce.js'
import type { FurkaMessageCode } from '../types.js'
import type { Saying } from './commands.js'
import type { State } from './state.js'

/**
 * Tells a message, or collects it if its like was told lately.
 * @param reason What makes it another kind than others of its code and source, e.g. an error code.
 */
export function say(state: State, saying: Saying, reason = ''): void {
  const { code, source = '' } = saying
  const key = `${code}|${source}|${reason}`
  // Who reads the last word must read how it is.
  for (const over of opposites(code)) retract(state.messages, (one) => one.startsWith(`${over}|${source}|`))
  const message = collect(state.messages, state.now, key, saying)
  if (message !== undefined) state.out.notices.push({ type: 'message', message })
}

function opposites(code: FurkaMessageCode): FurkaMessageCode[] {
  const what = /^(SOURCE|TARGET|GRIMSEL)_(UNAVAILABLE|BACK)$/.exec(code)
  if (what === null) return []
  const [, subject, state] = what
  return [`${subject}_${state === 'BACK' ? 'UNAVAILABLE' : 'BACK'}` as FurkaMessageCode]
}

/** Tells what was collected for long enough. */
export function flushMessages(state: State): void {
  for (const message of ripe(state.messages, state.now)) state.out.notices.push({ type: 'message', message })
}

/** When {@link flushMessages} has something to do next. */
export const nextMessage = (state: State): number => nextRipe(state.messages)
