/** From the paths that users give to the byte strings that the engine takes. */
import { readlinkSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ByteString, bytesOfBuffer, bytesOfText, type PathInput, textOfBytes } from './bytes.js'
import { SustenError } from './errors.js'

/** How names of this program's own temporary files and directories begin: its sweeps go by them. */
export const ownNames = '.susten-'

/** Whether a path is a directory, or lies below it, by name. */
export function isWithin(directory: string, path: string): boolean {
  return directory === '/' || path === directory || path.startsWith(`${directory}/`)
}

/**
 * A user's path as bytes, unchanged otherwise.
 * @param name How messages call it, e.g. `src`.
 * @throws SustenError `ERR_INVALID_ARG_TYPE` or `ERR_INVALID_ARG_VALUE` (empty, or with a NUL byte), as `node:fs`;
 *   `ERR_SUSTEN_OPTION` for a URL that isn't one of a file
 */
export function bytesOfPath(path: PathInput, name = 'path'): ByteString {
  const bytes = rawPath(path, name)
  if (bytes === '') throw new SustenError(`${name} is empty; give a path`, { code: 'ERR_INVALID_ARG_VALUE' })
  if (bytes.includes('\0')) {
    const shown = textOfBytes(bytes).replaceAll('\0', '\\0')
    throw new SustenError(`${name} '${shown}' holds a NUL byte, which no path can`, { code: 'ERR_INVALID_ARG_VALUE' })
  }
  return bytes
}

function rawPath(path: unknown, name: string): ByteString {
  if (typeof path === 'string') return bytesOfText(path)
  if (path instanceof Uint8Array) return bytesOfBuffer(path)
  if (path instanceof URL) return bytesOfText(pathOfUrl(path, name))
  throw new SustenError(`${name} must be a string, a Uint8Array or a file: URL, not ${typeof path}`, {
    code: 'ERR_INVALID_ARG_TYPE',
  })
}

function pathOfUrl(url: URL, name: string): string {
  try {
    return fileURLToPath(url)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new SustenError(`${name} must be a file: URL of this machine, not '${url.href}': ${why}`, {
      code: 'ERR_SUSTEN_OPTION',
      cause,
    })
  }
}

/**
 * The path from the file system's root, `.` and `..` resolved by name as `path.resolve` does, without a slash at
 * its end. Relative ones begin at the working directory, whose name may be any bytes.
 */
export function absolutePath(path: ByteString): ByteString {
  if (posix.isAbsolute(path)) return posix.resolve(path) as ByteString
  return posix.resolve(workingDirectory(), path) as ByteString
}

/** The working directory's exact bytes: `process.cwd()` loses what isn't UTF-8. */
function workingDirectory(): ByteString {
  const text = process.cwd()
  if (!text.includes('\ufffd')) return bytesOfText(text)
  return bytesOfBuffer(readlinkSync('/proc/self/cwd', { encoding: 'buffer' }))
}
