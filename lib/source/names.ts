/**
 * Names that others gave to files: where these go below the target.
 *
 * A name is taken as it stands: nothing is decoded, neither percent signs nor HTML's escapes, so that `a%2Fb` is one name
 * and not two. What a terminal or a log would obey (control characters, line ends, changes of direction) becomes its
 * bytes in percent form; so does a percent sign in front of two digits that such a form could begin with. Hence no two
 * names become the same path. What can't be a path below the target is refused.
 */
import { Buffer } from 'node:buffer'
import { type ByteString, bufferOfBytes, bytesOfText, textOfBytes } from '../bytes.js'
import { type PathFault, pathFault, pathFaults } from './plain-path.js'

/** Why a name isn't taken, and the same in words. `not-text`: it has half a character, which no request can have. */
export interface RefusedName {
  readonly refused: PathFault | 'not-text'
  readonly text: string
}

/** Where the file goes, below the target. Where that is the name, it is that very text: one takes half the memory of two. */
export type Placed = { readonly path: string } | RefusedName

/** The same; bytes where it isn't UTF-8. */
export type PlacedBytes = { readonly path: string | Uint8Array } | RefusedName

/**
 * What is written in percent form, as UTF-8 has it: U+0001…1F, 7F…9F, 200E, 200F, 2028…202E, 2066…2069; and a `%` that
 * would look like one of them. NUL is refused before.
 */
const obeyed =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\x00-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xa8-\xae]|\xe2\x81[\xa6-\xa9]|%(?=[01][0-9A-F]|7F|25|C2|E2)/g

/** Half of a character that takes two units of UTF-16. */
const half = /\p{Surrogate}/u
const halves = /\p{Surrogate}/gu

/** Characters that no name has. */
const LONGEST = 65_536

/** The most characters of a name that a message shows. */
const SHOWN = 200

export function placeOf(name: string): Placed {
  // Not even looked at: it takes long.
  if (name.length > LONGEST) return refusal(name, 'too-long', pathFaults['too-long'])
  if (half.test(name)) return refusal(name, 'not-text', 'has half a character')
  const place = placed(bytesOfText(name))
  if ('refused' in place) return place
  const path = textOfBytes(place.path)
  return { path: path === name ? name : path }
}

/** The same for a name that may be any bytes, as those of files are. */
export function placeOfBytes(name: ByteString): PlacedBytes {
  const place = placed(name)
  if ('refused' in place) return place
  const path = textIfAny(place.path)
  return { path: path === name ? name : path }
}

/** Text, or bytes where it isn't UTF-8. */
export function textIfAny(bytes: ByteString): string | Uint8Array {
  const text = textOfBytes(bytes)
  return text.includes('\ufffd') && bytesOfText(text) !== bytes ? bufferOfBytes(bytes) : text
}

function placed(name: ByteString): { readonly path: ByteString } | RefusedName {
  const path = escaped(name)
  const fault = pathFault(name) ?? pathFault(path)
  return fault === undefined ? { path } : refusal(textOfBytes(name), fault, pathFaults[fault])
}

function refusal(name: string, refused: PathFault | 'not-text', why: string): RefusedName {
  return { refused, text: `The name '${shownName(name)}' ${why}; the file stays where it is` }
}

/** A name as people can read it safely, whatever it is. */
export function shownName(name: string): string {
  const short = name.length > SHOWN ? `${name.slice(0, SHOWN)}…` : name
  return textOfBytes(escaped(bytesOfText(short.replaceAll(halves, '\ufffd'))))
}

const escaped = (name: ByteString): ByteString => name.replace(obeyed, percentForm) as ByteString

const percentForm = (bytes: string): string =>
  [...Buffer.from(bytes, 'latin1')].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
