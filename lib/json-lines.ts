/** Values as lines of JSON that are safe to print. */

/** What a terminal would take as a command, or would show in another order: users choose file names. */
const TRICKY = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** One line. Big integers become strings of decimal digits. */
export function jsonLine(value: unknown): string {
  const json = JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? String(part) : part))
  return `${safeJson(json)}\n`
}

/** The same JSON, with tricky characters as `\u1234`. */
export const safeJson = (json: string): string => json.replace(TRICKY, escaped)

const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
