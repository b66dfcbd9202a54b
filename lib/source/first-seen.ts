/**
 * Since when a file has been seen that is under a name: decides whose it is. A name can be overwritten, and the other
 * content has its own beginning; a file that merely grows is the one that it was. Pure.
 */

/** A version as it was offered. */
export interface LastOffer {
  readonly version: string
  /** Bytes; undefined: not known. */
  readonly size: number | undefined
  /** See `FileOffer.identity`. */
  readonly identity?: string | undefined
  /** When it was seen first, and when it was offered: milliseconds since 1970. */
  readonly seen: number
  readonly at: number
  /** Its removal was asked for, and not refused: whatever else is there then didn't grow out of it. */
  readonly left?: boolean
}

/** What was offered while it was being written goes on within so many times `sure`. */
const GROWING = 5

/**
 * @param before When the file under this name was seen first, as far as is known.
 * @param sure See `Patience`.
 * @returns the same, now that this version is there
 */
export function firstSeen(
  before: number,
  last: LastOffer | undefined,
  found: Pick<LastOffer, 'version' | 'size' | 'identity'>,
  sure: number,
): number {
  if (last === undefined) return before
  if (found.version === last.version) return last.seen
  // It was taken for another file already, which still changes.
  if (before !== last.seen) return before
  const now = Date.now()
  return hasGrown(last, found) && last.left !== true && now - last.at <= GROWING * sure ? before : now
}

/** What is known of a file, and of what is under its name later. */
interface Facts {
  readonly size?: number | undefined
  readonly identity?: string | undefined
}

/** Larger than it was, and not another file as far as can be told. */
export const hasGrown = (before: Facts, { size, identity }: Facts): boolean =>
  size !== undefined && before.size !== undefined && size > before.size && !isOther(before.identity, identity)

/** Both are known, and aren't the same. */
export const isOther = (before: string | undefined, now: string | undefined): boolean =>
  before !== undefined && now !== undefined && before !== now
