/** Looks whether the paths of a configuration get along with one another. */
import type { FilePosition } from '../../errors.js'
import { isWithin } from '../../storage/target.js'
import { quoted } from './printable.js'
import type { Problems } from './problems.js'
import type { PlacedStorage } from './storages.js'

/** A path and its key; without a position it is a default. */
export interface PlacedPath {
  readonly key: string
  readonly path: string
  readonly at: FilePosition | undefined
}

/** Undefined are paths that were refused by themselves. */
export interface Places {
  readonly ramdisk: PlacedPath | undefined
  readonly buffer: PlacedPath | undefined
  readonly journal: PlacedPath | undefined
  /** Files that the program makes. */
  readonly files: readonly (PlacedPath | undefined)[]
}

export function checkPlaces(places: Places, storages: readonly PlacedStorage[], problems: Problems): void {
  checkBuffer(places, problems)
  checkTargets(places, storages, problems)
  checkJournal(places, storages, problems)
  checkFiles(places, problems)
}

function checkBuffer({ ramdisk, buffer }: Places, problems: Problems): void {
  if (ramdisk === undefined || buffer === undefined || isWithin(ramdisk.path, buffer.path)) return
  problems.add(buffer.at, `${inWords(buffer)} must be ${inWords(ramdisk)} or lie below it`)
}

/** Copies must not become sources, nor two storages write to one place. */
function checkTargets({ ramdisk }: Places, storages: readonly PlacedStorage[], problems: Problems): void {
  for (const [index, { at, storage }] of storages.entries()) {
    const path = withoutMarker(storage.target)
    if (ramdisk !== undefined && liesIn(path, ramdisk.path)) {
      const what = `target ${quoted(storage.target)} and ${inWords(ramdisk)} lie in one another`
      problems.add(at, `${nameOf(storage)}: ${what}`)
    }
    for (const { storage: other, at: otherAt } of storages.slice(0, index)) {
      if (!liesIn(path, withoutMarker(other.target))) continue
      const what = `target ${quoted(storage.target)} and that of ${nameOf(other)} (line ${otherAt.line})`
      problems.add(at, `${nameOf(storage)}: ${what} lie in one another; give each its own`)
    }
  }
}

function checkJournal({ ramdisk, journal }: Places, storages: readonly PlacedStorage[], problems: Problems): void {
  if (journal === undefined) return
  if (ramdisk !== undefined && isWithin(ramdisk.path, journal.path)) {
    problems.add(journal.at ?? ramdisk.at, `${inWords(journal)} lies on ${inWords(ramdisk)}, whose content is lost`)
  }
  for (const { storage } of storages) {
    if (!liesIn(withoutMarker(storage.target), journal.path)) continue
    const what = `${inWords(journal)} and the target of ${nameOf(storage)} lie in one another`
    problems.add(journal.at, `${what}; the journal needs a directory of its own`)
  }
}

function checkFiles({ files, journal }: Places, problems: Problems): void {
  const known = files.filter((place) => place !== undefined)
  for (const [index, place] of known.entries()) {
    const same = known.slice(0, index).find(({ path }) => path === place.path)
    if (same !== undefined) problems.add(place.at ?? same.at, `${inWords(place)} is ${same.key} too`)
    if (journal !== undefined && isWithin(journal.path, place.path)) {
      problems.add(
        place.at ?? journal.at,
        `${inWords(place)} lies in ${inWords(journal)}, which is the journal's alone`,
      )
    }
  }
}

const liesIn = (a: string, b: string): boolean => isWithin(a, b) || isWithin(b, a)
const nameOf = ({ id }: { id: string }): string => `storage ${quoted(id)}`
const inWords = ({ key, path }: PlacedPath): string => `${key} ${quoted(path)}`

/** A target as a plain path. */
function withoutMarker(target: string): string {
  const plain = target.replace('/./', '/')
  return plain === '' ? '/' : plain
}
