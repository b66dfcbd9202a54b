/** Text from a file, made safe and short enough for one line of a message. */

/** Longest piece of a file that a message repeats. */
const LONGEST = 80

/** Controls, what is no character, and what a terminal would show in another order. */
const TRICKY = /[\p{Cc}\p{Cs}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

/** The text on one line, with tricky characters as `\u1234`. */
export function printable(text: string): string {
  return text.replace(TRICKY, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** The text in quotes, cut off where it is long. */
export function quoted(text: string): string {
  const short = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
  return `'${printable(short)}'`
}
