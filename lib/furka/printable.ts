/** Text in which others may have had a say, for terminals and logs. */
import { Buffer } from 'node:buffer'

/** Control characters, line ends and changes of direction, as in the paths that names become; and halves of characters. */
const obeyed = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu
const halves = /\p{Surrogate}/gu

/** The same with what would be obeyed in percent form, as UTF-8 has it. */
export const printable = (text: string): string =>
  text.replace(halves, '\ufffd').replace(obeyed, (found) => {
    const bytes = [...Buffer.from(found)]
    return bytes.map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')
  })
