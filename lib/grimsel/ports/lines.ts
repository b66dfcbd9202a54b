/** Lines out of a stream of bytes, none longer than it may be. */
import { Buffer } from 'node:buffer'

export interface Lines {
  /** Takes what was read. Call it only when {@link next} has nothing more to give, or hold the reading meanwhile. */
  feed(chunk: Buffer): void
  /** The next whole line without its end; undefined if there is none yet, or if it is too long. */
  next(): string | undefined
  /** The line that comes next is longer than it may be, whether or not it is whole. */
  readonly overlong: boolean
  /** Something is there that has no end yet. */
  readonly begun: boolean
}

/** @param limit Bytes of a line, its end not counted. */
export function createLines(limit: number): Lines {
  let rest: Buffer = Buffer.alloc(0)

  return {
    feed(chunk) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    },
    next() {
      const end = rest.indexOf(10)
      if (end < 0 || end > limit) return undefined
      const line = rest.toString('utf8', 0, end)
      rest = rest.subarray(end + 1)
      return line
    },
    get overlong() {
      const end = rest.indexOf(10)
      return (end < 0 ? rest.length : end) > limit
    },
    get begun() {
      return rest.length > 0
    },
  }
}

/** What a line says, if it is a JSON object. */
export function parseObject(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
