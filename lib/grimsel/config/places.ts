/** Looks whether the paths of a configuration get along with one another. */
import {
  checkFiles,
  inWords,
  isEitherWithin,
  type PlacedPath,
  type Problems,
  quoted,
  withoutMarker,
} from '../../config/index.js'
import { isWithin } from '../../paths.js'
import type { PlacedStorage } from './storages.js'

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
  checkFiles(places.files, places.journal, problems)
}

function checkBuffer({ ramdisk, buffer }: Places, problems: Problems): void {
  if (ramdisk === undefined || buffer === undefined || isWithin(ramdisk.path, buffer.path)) return
  problems.add(buffer.at, `${inWords(buffer)} must be ${inWords(ramdisk)} or lie below it`)
}

/** Copies must not become sources, nor two storages write to one place. */
function checkTargets({ ramdisk }: Places, storages: readonly PlacedStorage[], problems: Problems): void {
  for (const [index, { at, name, target }] of storages.entries()) {
    if (target === undefined) continue
    const path = withoutMarker(target)
    if (ramdisk !== undefined && isEitherWithin(path, ramdisk.path)) {
      problems.add(at, `${name}: target ${quoted(target)} and ${inWords(ramdisk)} lie in one another`)
    }
    for (const other of storages.slice(0, index)) {
      if (other.target === undefined || !isEitherWithin(path, withoutMarker(other.target))) continue
      const what = `target ${quoted(target)} and that of ${other.name} (line ${other.at.line})`
      problems.add(at, `${name}: ${what} lie in one another; give each its own`)
    }
  }
}

function checkJournal({ ramdisk, journal }: Places, storages: readonly PlacedStorage[], problems: Problems): void {
  if (journal === undefined) return
  if (ramdisk !== undefined && isWithin(ramdisk.path, journal.path)) {
    problems.add(journal.at ?? ramdisk.at, `${inWords(journal)} lies on ${inWords(ramdisk)}, whose content is lost`)
  }
  for (const { name, target } of storages) {
    if (target === undefined || !isEitherWithin(withoutMarker(target), journal.path)) continue
    const what = `${inWords(journal)} and the target of ${name} lie in one another`
    problems.add(journal.at, `${what}; the journal needs a directory of its own`)
  }
}
