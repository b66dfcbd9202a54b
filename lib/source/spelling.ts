/**
 * Names of files, which may be any bytes, as text that says each of them. As rsync writes them: what isn't UTF-8, and what
 * isn't to be shown (control characters), is a backslash, a number sign and three octal digits a byte, as in
 * `run\#0121.cbf`; so is a backslash in front of what would look like that. Every name has a spelling of its own.
 */
import { type ByteString, bytesOfText, textOfBytes } from '../bytes.js'

/** Control characters, and a backslash that would be taken for the beginning of a form. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const formed = /[\x00-\x1f\x7f]|\xc2[\x80-\x9f]|\\(?=#\d{3})/g
/** One character as UTF-8 has it, or else one byte. */
const character = /[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}|[\x80-\xff]/g
/** A form. */
const form = /\\#([0-3][0-7]{2})/g

export function spelled(name: ByteString): string {
  const shown = name.replace(formed, formOf)
  const text = textOfBytes(shown as ByteString)
  if (bytesOfText(text) === shown) return text
  return textOfBytes(shown.replace(character, (bytes) => (isText(bytes) ? bytes : formOf(bytes))) as ByteString)
}

/** The name behind a spelling, rsync's own too. */
export const bytesOfSpelling = (text: string): ByteString =>
  bytesOfText(text).replace(form, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))) as ByteString

const isText = (bytes: string): boolean => bytesOfText(textOfBytes(bytes as ByteString)) === bytes

const formOf = (bytes: string): string =>
  [...bytes].map((byte) => `\\#${byte.charCodeAt(0).toString(8).padStart(3, '0')}`).join('')
