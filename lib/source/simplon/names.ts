/**
 * Names that a detector server lists: where they go below the target, and how they are asked for.
 *
 * A name is taken as it stands: nothing is decoded, neither percent signs nor HTML's escapes, so that `a%2Fb` is one name
 * and not two. What a terminal or a log would obey (control characters, line ends, changes of direction) becomes its
 * bytes in percent form; so does a percent sign in front of two digits that such a form could begin with. Hence no two
 * names become the same path. What can't be a path below the target is refused.
 */
import { Buffer } from 'node:buffer'
import { bytesOfText } from '../../bytes.js'
import { type PathFault, pathFault, pathFaults } from '../plain-path.js'

export type Placed =
  /** Where the file goes, below the target. */
  | { readonly path: string }
  /** Why the name isn't taken, and the same in words. `not-text`: it has half a character, which no request can have. */
  | { readonly refused: PathFault | 'not-text'; readonly text: string }

/** What is written in percent form; and a `%` that would look like one of them. NUL is refused before. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const obeyed = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]|%(?=[01][0-9A-F]|7F|25|C2|E2)/g

/** Half of a character that takes two units of UTF-16. */
const half = /\p{Surrogate}/u
const halves = /\p{Surrogate}/gu

/** The most characters of a name that a message shows. */
const SHOWN = 200

export function placeOf(name: string): Placed {
  if (half.test(name)) return refusal(name, 'not-text', 'has half a character')
  const path = escaped(name)
  const fault = pathFault(bytesOfText(name)) ?? pathFault(bytesOfText(path))
  return fault === undefined ? { path } : refusal(name, fault, pathFaults[fault])
}

function refusal(name: string, refused: PathFault | 'not-text', why: string): Placed {
  return { refused, text: `The name '${shownName(name)}' ${why}; the file stays at the server` }
}

/** The path of a request for a file. Only for names that are taken. */
export const targetOf = (name: string): string => `/data/${name.split('/').map(encodeURIComponent).join('/')}`

/** A name as people can read it safely, whatever it is. */
export function shownName(name: string): string {
  const short = name.length > SHOWN ? `${name.slice(0, SHOWN)}…` : name
  return escaped(short.replaceAll(halves, '\ufffd'))
}

const escaped = (name: string): string => name.replace(obeyed, percentForm)

const percentForm = (char: string): string =>
  [...Buffer.from(char, 'utf8')].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
