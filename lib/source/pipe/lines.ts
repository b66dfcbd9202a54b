/** From the bytes of a pipe to announced paths. */
import { type ByteString, textOfBytes } from '../../bytes.js'

/**
 * Why a line can't be taken: `relative`: it doesn't begin with a slash; `too-long`: the system knows no such path;
 * `nul`: it holds a NUL byte; `unfinished`: its writer went before the line was ended.
 */
export type BadReason = 'relative' | 'too-long' | 'nul' | 'unfinished'

/** Lines that came together and are bad for one reason. */
export interface BadLines {
  readonly reason: BadReason
  readonly count: number
  /** The beginning of the first of them, at most 120 bytes of it, safe to print. */
  readonly text: string
}

/** What some bytes brought. */
export interface Found {
  readonly paths: readonly ByteString[]
  readonly bad: readonly BadLines[]
}

/** Puts lines together, however they are cut. Memory is that of one line. */
export interface Lines {
  /** Takes bytes as they come. */
  feed(chunk: Uint8Array): void
  /** Whether a line has begun that isn't ended yet. */
  readonly isUnfinished: boolean
  /** The line that has begun won't be ended any more. */
  giveUp(): void
  /** What was found since the last call. */
  take(): Found
}

/** A path's bytes without the terminating NUL. With its end of line, a line is at most PIPE_BUF: one atomic write. */
export const longest = 4095
/** Bytes of a bad line that are told. */
const shown = 120
export const newline = 10
const slash = 47

export function createLines(): Lines {
  const held = Buffer.alloc(longest)
  let heldBytes = 0
  let tooLong = false
  let paths: ByteString[] = []
  let bad = new Map<BadReason, { count: number; text: string }>()

  function refuse(reason: BadReason, line: Buffer): void {
    const before = bad.get(reason)
    if (before === undefined) bad.set(reason, { count: 1, text: printable(line) })
    else before.count += 1
  }

  function end(line: Buffer): void {
    if (tooLong) refuse('too-long', line)
    else if (line.length === 0) return
    else if (line[0] !== slash) refuse('relative', line)
    else if (line.includes(0)) refuse('nul', line)
    else paths.push(line.toString('latin1') as ByteString)
  }

  /** Keeps what belongs to a line whose end hasn't come yet, as far as a path can be long. */
  function hold(part: Buffer): void {
    const kept = part.copy(held, heldBytes)
    heldBytes += kept
    if (kept < part.length) tooLong = true
  }

  function reset(): void {
    heldBytes = 0
    tooLong = false
  }

  return {
    feed(bytes) {
      const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
      let begin = 0
      for (let at = 0; at < chunk.length; at++) {
        if (chunk[at] !== newline) continue
        const part = chunk.subarray(begin, at)
        begin = at + 1
        if (heldBytes === 0 && part.length <= longest) {
          end(part)
          continue
        }
        hold(part)
        end(held.subarray(0, heldBytes))
        reset()
      }
      hold(chunk.subarray(begin))
    },
    get isUnfinished() {
      return heldBytes > 0
    },
    giveUp() {
      if (heldBytes > 0) refuse(tooLong ? 'too-long' : 'unfinished', held.subarray(0, heldBytes))
      reset()
    },
    take() {
      const found = { paths, bad: [...bad].map(([reason, { count, text }]) => ({ reason, count, text })) }
      paths = []
      bad = new Map()
      return found
    },
  }
}

/** What a terminal would take as a command, or would show in another order. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const tricky = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

function printable(line: Buffer): string {
  const text = textOfBytes(line.toString('latin1', 0, shown) as ByteString).replace(
    tricky,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return line.length > shown ? `${text}…` : text
}
