/** Where a user's files go: below a target's `/./`, or below all of it, so that Grimsel replicates the user directory. */
import { type ByteString, bytesOfText, textOfBytes } from '../bytes.js'
import { join, type Target } from '../storage/index.js'

/** @param userDirectory As `resolveUser` gives it: relative, plain, maybe empty. */
export function placeOf({ root, layout }: Target, userDirectory: string): Target {
  const below = relative(layout, bytesOfText(userDirectory))
  return { root, layout: below, path: join(root, below) }
}

/** Relative paths, one below the other; empty ones are left out. */
export const relative = (...parts: readonly string[]): ByteString =>
  parts.filter((part) => part !== '').join('/') as ByteString

/** A path as Grimsel is told it: the `/./` stands in front of what it recreates. */
export const announcedPath = (root: ByteString, below: string): ByteString =>
  `${root === '/' ? '' : root}/./${below}` as ByteString

/** Directories of a path. */
export const depthOf = (path: string): number => (path === '' ? 0 : path.split('/').length)

/** A target as people read it. */
export const shownTarget = ({ root, layout }: Target): string =>
  textOfBytes(layout === '' ? root : announcedPath(root, layout))
