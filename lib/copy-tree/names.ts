/** The paths of one call as its user wrote them: relative or not, text or bytes. */
import { posix } from 'node:path'
import { type ByteString, bufferOfBytes, type PathInput, textOfBytes } from '../bytes.js'

/** Tells a path in the form that the user chose. */
export type Show<P> = (path: ByteString) => P

/** Bytes for whoever gave bytes, else text. */
export function showAs<P extends string | Uint8Array>(given: PathInput): Show<P> {
  return (path) => (given instanceof Uint8Array ? bufferOfBytes(path) : textOfBytes(path)) as P
}

/**
 * From the engine's absolute paths back to paths that begin as the user's: the root as it was given, what is below it
 * joined to it, as `fs.cp` calls its filter.
 * @param root The root as the engine knows it.
 * @param given The root as the user gave it, as bytes.
 */
export function asGiven(root: ByteString, given: ByteString): (path: ByteString) => ByteString {
  const skip = root === '/' ? 1 : root.length + 1
  return (path) => (path.length < skip ? given : (posix.join(given, path.slice(skip)) as ByteString))
}
