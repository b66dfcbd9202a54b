/** Where a storage's copies lie. */
import { type ByteString, textOfBytes } from '../bytes.js'
import { optionError } from '../options.js'

/** A target directory, split at its `/./`. */
export interface Target {
  /** Must be there: it is never made. Without a `/./` all of the target. */
  readonly root: ByteString
  /** Below the root; made where it is missing. Empty without a `/./`. */
  readonly layout: ByteString
  /** Both together. */
  readonly path: ByteString
}

/**
 * Reads a storage's `target`.
 * @param where The option, for messages.
 * @throws SustenError `ERR_SUSTEN_OPTION`: not absolute, or with `..`
 */
export function parseTarget(where: string, target: ByteString): Target {
  const shown = textOfBytes(target)
  if (!target.startsWith('/')) throw optionError(`${where} must be an absolute path, not '${shown}'`)
  const marker = target.indexOf('/./')
  const root = components(marker < 0 ? target : target.slice(0, marker))
  const layout = components(marker < 0 ? '' : target.slice(marker + 3))
  if (root.includes('..') || layout.includes('..')) throw optionError(`${where} must have no '..': '${shown}'`)
  return {
    root: `/${root.join('/')}` as ByteString,
    layout: layout.join('/') as ByteString,
    path: `/${[...root, ...layout].join('/')}` as ByteString,
  }
}

/** A file's place below a target's root. */
export function placeBelow(target: Target, path: ByteString, cut: number): ByteString {
  const replicated = path.slice(cut)
  return (target.layout === '' ? replicated : `${target.layout}/${replicated}`) as ByteString
}

/** Where a link to a file's copy leads: its absolute path. */
export function linkTo(target: Target, path: ByteString, cut: number): ByteString {
  return `${target.root === '/' ? '' : target.root}/${placeBelow(target, path, cut)}` as ByteString
}

/** A name below a directory, as a path. */
export function join(directory: ByteString, name: string): ByteString {
  if (name === '') return directory
  return (directory === '/' ? `/${name}` : `${directory}/${name}`) as ByteString
}

const components = (path: string): string[] => path.split('/').filter((name) => name !== '' && name !== '.')
