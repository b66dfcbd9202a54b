/**
 * File names on Linux are bytes, not text. Inside the library a path is a {@link ByteString}: a JavaScript string
 * that holds one byte per character (latin1). It is lossless, compact, comparable and usable as a Map key, and equal
 * to the text itself wherever a path is plain ASCII. The public API turns it into text or a Buffer at its edges.
 */
export type ByteString = string & { readonly __byteString: unique symbol }

/** A path as users give it: text (taken as UTF-8), raw bytes, or a `file:` URL. */
export type PathInput = string | Uint8Array | URL
