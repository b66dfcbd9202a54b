/** Messages without floods: the first of a kind is told at once, its like within a while as one with a count. */
import type { ByteString } from '../bytes.js'
import type { Message, MessageCode, Notice } from './commands.js'
import type { State } from './state.js'

/** Milliseconds for which the like of a message is collected; doubles as long as there is some. */
const firstWindow = 10_000
const longestWindow = 600_000

/** One kind of message that was told lately. */
interface Kind {
  /** When what was collected is told, or the kind forgotten. */
  due: number
  window: number
  collected: Message | undefined
}

/** By code, storage and reason: few. */
export type Messages = Map<string, Kind>

export const createMessages = (): Messages => new Map()

/** A message to be told. */
export interface Saying {
  readonly code: MessageCode
  readonly severity: Message['severity']
  readonly storage?: string | undefined
  readonly subject: ByteString
  readonly text: string
  /** What makes it another kind than others of its code and storage, e.g. an error code. */
  readonly reason?: string
}

/** Tells a message, or collects it if its like was told lately. */
export function say(state: State, saying: Saying): void {
  const { now } = state
  const key = `${saying.code}|${saying.storage ?? ''}|${saying.reason ?? ''}`
  const kind = state.messages.get(key)
  const { code, severity, storage, subject, text } = saying
  if (kind === undefined) {
    state.messages.set(key, { due: now + firstWindow, window: firstWindow, collected: undefined })
    state.out.notices.push(notice({ code, severity, storage, subject, text, count: 1, first: now, last: now }))
    return
  }
  const count = (kind.collected?.count ?? 0) + 1
  kind.collected = { code, severity, storage, subject, text, count, first: kind.collected?.first ?? now, last: now }
}

/** Tells what was collected for long enough, in order of its last occurrence. */
export function flushMessages(state: State): void {
  const collected: Message[] = []
  for (const [key, kind] of state.messages) {
    if (kind.due > state.now) continue
    if (kind.collected === undefined) {
      state.messages.delete(key)
      continue
    }
    collected.push(kind.collected)
    kind.collected = undefined
    kind.window = Math.min(2 * kind.window, longestWindow)
    kind.due = state.now + kind.window
  }
  collected.sort((a, b) => a.last - b.last)
  for (const message of collected) state.out.notices.push(notice(message))
}

/** When {@link flushMessages} has something to do next. */
export function nextMessage(state: State): number {
  let next = Number.POSITIVE_INFINITY
  for (const kind of state.messages.values()) next = Math.min(next, kind.due)
  return next
}

const notice = (message: Message): Notice => ({ type: 'message', message })
