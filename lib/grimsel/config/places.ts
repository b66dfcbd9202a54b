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
import { isWithin } from '../../storage/target.js'
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
  for (const [index, { at, storage }] of storages.entries()) {
    const path = withoutMarker(storage.target)
    if (ramdisk !== undefined && isEitherWithin(path, ramdisk.path)) {
      const what = `target ${quoted(storage.target)} and ${inWords(ramdisk)} lie in one another`
      problems.add(at, `${nameOf(storage)}: ${what}`)
    }
    for (const { storage: other, at: otherAt } of storages.slice(0, index)) {
      if (!isEitherWithin(path, withoutMarker(other.target))) continue
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
    if (!isEitherWithin(withoutMarker(storage.target), journal.path)) continue
    const what = `${inWords(journal)} and the target of ${nameOf(storage)} lie in one another`
    problems.add(journal.at, `${what}; the journal needs a directory of its own`)
  }
}

const nameOf = ({ id }: { id: string }): string => `storage ${quoted(id)}`
