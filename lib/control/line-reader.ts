/** Lines of text out of the chunks of a stream, none longer than it may be. */
import { SustenError } from '../errors.js'

export interface LineReader {
  /**
   * The lines that a chunk completes, without their ends.
   * @throws SustenError `EMSGSIZE` if one is too long; `EPROTO` if it isn't UTF-8
   */
  feed(chunk: Buffer): string[]
}

const newline = 10

/** @param limit Bytes of a line. */
export function createLineReader(limit: number): LineReader {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  let parts: Buffer[] = []
  let bytes = 0

  function hold(part: Buffer): void {
    bytes += part.length
    if (bytes > limit) {
      throw new SustenError(`a line has more than ${limit} bytes`, { code: 'EMSGSIZE', syscall: 'read' })
    }
    if (part.length > 0) parts.push(part)
  }

  function end(): string {
    const whole = Buffer.concat(parts)
    parts = []
    bytes = 0
    try {
      return decoder.decode(whole)
    } catch (cause) {
      throw new SustenError("a line isn't UTF-8", { code: 'EPROTO', syscall: 'read', cause })
    }
  }

  return {
    feed(chunk) {
      const lines: string[] = []
      let begin = 0
      for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, begin)) {
        hold(chunk.subarray(begin, at))
        lines.push(end())
        begin = at + 1
      }
      hold(chunk.subarray(begin))
      return lines
    },
  }
}
