/** Texts for clients: whatever bytes a file's name has, what they are sent is UTF-8 and can be printed. */
import { Buffer } from 'node:buffer'

/** Longer than two paths as the system allows them, and what stands between them. */
const maxBytes = 16_384

/** Most texts: nothing to do. */
const plain = /^[\x20-\x7e]*$/

/** A character as UTF-8, seen as latin1; or, last, a byte that belongs to none. */
const characters =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
  /[\x00-\x7f]+|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}|([\x80-\xff])/g

/** What moves a terminal's cursor, changes its colours, or turns the direction of writing round. */
const unprintable = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu

/** A text that anybody can print, and what it stood for where it tells that no longer. */
export interface Printable {
  readonly text: string
  /** The bytes before control characters and what isn't UTF-8 were replaced. */
  readonly bytes?: Buffer
}

/**
 * Control characters and bytes that aren't UTF-8 become `\x1b`, `\xff` and the like, in ASCII: file names come from
 * users, and messages are shown in operators' terminals. Text after 16 KiB is cut off, and `…` stands for it.
 */
export function printable(given: string | Uint8Array): Printable {
  if (typeof given === 'string' && given.length <= maxBytes && plain.test(given)) return { text: given }
  const whole = typeof given === 'string' ? Buffer.from(given, 'utf8') : Buffer.from(given)
  const bytes = whole.subarray(0, maxBytes)
  const utf8 = bytes
    .toString('latin1')
    .replace(characters, (character, stray: string | undefined) => (stray === undefined ? character : escaped(stray)))
  const text = Buffer.from(utf8, 'latin1').toString('utf8').replace(unprintable, escaped)
  if (whole.length > maxBytes) return { text: `${text}…`, bytes }
  return Buffer.from(text, 'utf8').equals(bytes) ? { text } : { text, bytes }
}

/**
 * Two paths as `source:destination`. Colons of their own become `\x3a`: programs part the text at its colon, and users
 * choose names.
 */
export function printablePair(source: string | Uint8Array, dest: string | Uint8Array): Printable {
  const text = [source, dest].map((path) => printable(path).text.replaceAll(':', '\\x3a')).join(':')
  const bytes = Buffer.concat([Buffer.from(source), Buffer.from(':'), Buffer.from(dest)])
  return Buffer.from(text, 'utf8').equals(bytes) ? { text } : { text, bytes: bytes.subarray(0, 2 * maxBytes + 1) }
}

function escaped(character: string): string {
  const code = character.charCodeAt(0)
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}

/**
 * A time as ISO 8601 text, to the second, in this computer's time zone: `2026-11-21T08:30:00+01:00`.
 * @param time Milliseconds since the epoch.
 */
export function localTime(time: number): string {
  const offset = -new Date(time).getTimezoneOffset()
  const local = new Date(time + offset * 60_000).toISOString().slice(0, 19)
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0')
  return `${local}${offset < 0 ? '-' : '+'}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`
}
