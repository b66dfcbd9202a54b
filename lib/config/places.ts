/** Looks whether the paths of a configuration get along with one another. */
import type { FilePosition } from '../errors.js'
import { isWithin } from '../paths.js'
import { quoted } from './printable.js'
import type { Problems } from './problems.js'

/** A path and its key; without a position it is a default. */
export interface PlacedPath {
  readonly key: string
  readonly path: string
  readonly at: FilePosition | undefined
}

/**
 * Files that a program makes or opens need a name each, outside the journal's directory.
 * @param files Undefined are those that were refused by themselves.
 */
export function checkFiles(
  files: readonly (PlacedPath | undefined)[],
  journal: PlacedPath | undefined,
  problems: Problems,
): void {
  const known = files.filter((place) => place !== undefined)
  for (const [index, place] of known.entries()) {
    const same = known.slice(0, index).find(({ path }) => path === place.path)
    if (same !== undefined)
      problems.add(
        place.at ?? same.at,
        `${inWords(place)} is ${same.at === undefined ? `the default of ${same.key},` : same.key} too`,
      )
    if (journal !== undefined && isWithin(journal.path, place.path)) {
      problems.add(
        place.at ?? journal.at,
        `${inWords(place)} lies in ${inWords(journal)}, which is the journal's alone`,
      )
    }
  }
}

/** Whether one of two paths is the other, or lies below it, by name. */
export const isEitherWithin = (a: string, b: string): boolean => isWithin(a, b) || isWithin(b, a)

/** A path as messages have it: `logfile '/var/log/x'`; what isn't in the file is said to be a default. */
export const inWords = (place: PlacedPath): string => `${place.key} ${quoted(place.path)}${ifDefault(place)}`

const ifDefault = ({ at }: PlacedPath): string => (at === undefined ? ' (the default)' : '')

/** A target as a plain path. */
export function withoutMarker(target: string): string {
  const plain = target.replace('/./', '/')
  return plain === '' ? '/' : plain
}
