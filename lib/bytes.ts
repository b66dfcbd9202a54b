/**
 * File names on Linux are bytes, not text. Inside the library a path is a {@link ByteString}: a JavaScript string
 * that holds one byte per character (latin1). It is lossless, compact, comparable and usable as a Map key, and equal
 * to the text itself wherever a path is plain ASCII. The public API turns it into text or a Buffer at its edges.
 *
 * `node:path`'s posix functions work on byte strings as they are: `/` and `.` are ASCII.
 */
import { Buffer } from 'node:buffer'

export type ByteString = string & { readonly __byteString: unique symbol }

/** A path as users give it: text (taken as UTF-8), raw bytes, or a `file:` URL. */
export type PathInput = string | Uint8Array | URL

// biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
const ascii = /^[\x00-\x7f]*$/

/** The UTF-8 bytes of a text. */
export function bytesOfText(text: string): ByteString {
  return (ascii.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1')) as ByteString
}

/** Raw bytes as a byte string. */
export function bytesOfBuffer(raw: Uint8Array): ByteString {
  return Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('latin1') as ByteString
}

/** A byte string as text. What isn't UTF-8 becomes U+FFFD: for people to read, never to open a file with. */
export function textOfBytes(bytes: ByteString): string {
  return ascii.test(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8')
}

/** A byte string as raw bytes, which `node:fs` takes as a path. */
export function bufferOfBytes(bytes: ByteString): Buffer {
  return Buffer.from(bytes, 'latin1')
}
