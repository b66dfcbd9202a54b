/** The last messages, for clients that are slow or were away. */
import type { MessageName } from './codes.js'

/** A message as it is sent. */
export interface Kept {
  /** Counts messages from 1. */
  readonly seq: number
  readonly name: MessageName
  readonly line: string
}

export interface History {
  /** Number of the newest message; 0 before the first. */
  readonly newest: number
  /** Number of the oldest that is kept; one more than {@link newest} if none is. */
  readonly oldest: number
  add(name: MessageName, line: (seq: number) => string): void
  get(seq: number): Kept | undefined
}

/**
 * @param limit Messages that are kept.
 * @param maxSize Length of all their lines together.
 * @param onDrop Told of each that isn't kept any longer, in order.
 */
export function createHistory(limit: number, maxSize: number, onDrop: (kept: Kept) => void): History {
  const kept: Kept[] = []
  let newest = 0
  let size = 0

  return {
    get newest() {
      return newest
    },
    get oldest() {
      return newest + 1 - kept.length
    },
    add(name, line) {
      newest++
      const message = { seq: newest, name, line: line(newest) }
      kept.push(message)
      size += message.line.length
      // The newest stays, whatever its size.
      while (kept.length > 1 && (kept.length > limit || size > maxSize)) {
        const dropped = kept.shift()
        if (dropped === undefined) break
        size -= dropped.line.length
        onDrop(dropped)
      }
    },
    get: (seq) => kept[seq - (newest + 1 - kept.length)],
  }
}
