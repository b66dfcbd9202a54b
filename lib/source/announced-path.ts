/** From the path of an announcement to what the catalog calls the file. */
import { type ByteString, type PathInput, textOfBytes } from '../bytes.js'
import { SustenError } from '../errors.js'
import { bytesOfPath } from '../paths.js'

/** A file as it was announced. */
export interface AnnouncedPath {
  /** Below the source directory. */
  readonly path: ByteString
  /** Leading bytes that aren't replicated below a target; undefined if the announcement doesn't say (no `/./`). */
  readonly cut: number | undefined
}

/** PATH_MAX without its NUL: no ordinary program could open a longer one. */
const longest = 4095

/** An empty, `.` or `..` component: whatever has none is in its plainest form. */
const odd = /(^|\/)\.{0,2}(\/|$)/

/**
 * Reads an announced path. Relative ones are relative to the source. The first `/./` marks the replicate root: what
 * follows is recreated below a target. Only names are looked at, no file.
 * @param source Absolute, in its plainest form.
 * @param called What it is called in errors.
 * @throws SustenError `ERR_INVALID_ARG_VALUE`: outside the source, with `..`, with `/./` above the source, or the
 *   source itself; and what {@link bytesOfPath} throws
 */
export function parseAnnounced(
  source: ByteString,
  input: PathInput,
  called: 'source' | 'buffer' = 'source',
): AnnouncedPath {
  const bytes = bytesOfPath(input)
  if (bytes.length > longest) throw tooLong(bytes)
  const prefix = source === '/' ? '/' : `${source}/`
  if (bytes.startsWith(prefix)) {
    const rest = bytes.slice(prefix.length)
    if (!odd.test(rest)) return { path: rest as ByteString, cut: undefined }
  }
  return parseOdd(source, bytes, called)
}

function parseOdd(source: ByteString, bytes: ByteString, called: string): AnnouncedPath {
  const absolute = bytes.startsWith('/')
  const above = absolute ? components(source) : []
  const marker = bytes.indexOf('/./')
  const before = components(marker < 0 ? '' : bytes.slice(0, marker))
  const after = components(marker < 0 ? bytes : bytes.slice(marker + 3))
  const all = [...before, ...after]
  if (all.includes('..')) throw refused(bytes, "has a '..'; give the path without it")
  if (absolute && !above.every((name, i) => all[i] === name)) {
    throw refused(bytes, `is not below the ${called} ${textOfBytes(source)}`)
  }
  const below = all.slice(above.length)
  if (below.length === 0 || bytes.endsWith('/') || bytes.endsWith('/.')) throw refused(bytes, 'does not name a file')
  const path = below.join('/') as ByteString
  if (marker < 0) return { path, cut: undefined }
  const skipped = before.length - above.length
  if (skipped < 0) {
    throw refused(bytes, `has its /./ above the ${called} ${textOfBytes(source)}; put it at the ${called} or below`)
  }
  if (after.length === 0) throw refused(bytes, 'has nothing after its /./')
  const kept = below.slice(skipped).join('/')
  return { path, cut: path.length - kept.length }
}

const components = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.')

function tooLong(bytes: ByteString): SustenError {
  const path = textOfBytes(bytes.slice(0, 200) as ByteString)
  const why = `has ${bytes.length} bytes; a path may have ${longest}`
  return new SustenError(`The announced path '${path}…' ${why}`, { code: 'ENAMETOOLONG', errno: -36, path })
}

function refused(bytes: ByteString, why: string): SustenError {
  const path = textOfBytes(bytes)
  return new SustenError(`The announced path '${path}' ${why}`, { code: 'ERR_INVALID_ARG_VALUE', path })
}
