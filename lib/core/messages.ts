/** Messages to whoever listens, without floods. */
import type { ByteString } from '../bytes.js'
import { type Coalescer, collect, nextRipe, retract, ripe } from '../coalesce.js'
import type { Message, MessageCode } from './commands.js'
import type { State } from './state.js'

type Told = Omit<Message, 'count' | 'first' | 'last'>

/** By code, storage and reason. */
export type Messages = Coalescer<Told>

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

const opposite: Partial<Record<MessageCode, MessageCode>> = {
  STORAGE_UNAVAILABLE: 'STORAGE_BACK',
  STORAGE_BACK: 'STORAGE_UNAVAILABLE',
  SOURCE_UNAVAILABLE: 'SOURCE_BACK',
  SOURCE_BACK: 'SOURCE_UNAVAILABLE',
}

/** Tells a message, or collects it if its like was told lately. */
export function say(state: State, { code, severity, storage, subject, text, reason = '' }: Saying): void {
  const key = `${code}|${storage ?? ''}|${reason}`
  // Who reads the last word must read how it is.
  const over = opposite[code]
  if (over !== undefined) retract(state.messages, (one) => one.startsWith(`${over}|${storage ?? ''}|`))
  const message = collect(state.messages, state.now, key, { code, severity, storage, subject, text })
  if (message !== undefined) state.out.notices.push({ type: 'message', message })
}

/** Tells what was collected for long enough. */
export function flushMessages(state: State): void {
  for (const message of ripe(state.messages, state.now)) state.out.notices.push({ type: 'message', message })
}

/** When {@link flushMessages} has something to do next. */
export const nextMessage = (state: State): number => nextRipe(state.messages)
