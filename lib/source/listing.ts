/**
 * The files that looks at a whole directory find, again and again: which are whole, changed, gone. What a look doesn't
 * find is gone only if it could read everything, and the next one could, too.
 */
import type { ByteString } from '../bytes.js'
import { inSlices } from '../slices.js'
import { isOld, type Patience, type Sighting, seen, untilOffered } from './complete.js'
import type { SeenFile, SourceEvent } from './files.js'
import { firstSeen, type LastOffer } from './first-seen.js'
import { charactersOf, MOST_CHARACTERS } from './name-room.js'
import { placeOfBytes } from './names.js'
import { spelled } from './spelling.js'

/** A file as it was just seen. */
export interface ListedFile {
  /** Below the source's root. */
  readonly name: ByteString
  readonly size: number
  /** Last change in milliseconds since 1970; undefined: it is nonsense. */
  readonly mtime: number | undefined
  readonly version: string
  /** See `FileOffer.identity`. */
  readonly identity?: string
  /** For so many milliseconds other content could get the same version. */
  readonly grain: number
  /** For so many milliseconds it hasn't changed, by its own time stamps; undefined: they can't be relied on. */
  readonly age: number | undefined
}

export interface ListingOptions {
  readonly patience: Patience
  /** The most files that are dealt with, if their names aren't too long; what is beyond waits until others are gone. */
  readonly mostFiles: number
  readonly tell: (event: SourceEvent) => void
  /** False: the reader has enough. */
  readonly mayTell: () => boolean
}

/** A look at everything, under way. */
export interface Look {
  file(file: ListedFile): void
  /**
   * Takes its time, so that others can run.
   * @param complete Everything could be read: what wasn't found isn't there.
   */
  end(complete: boolean): Promise<void>
}

export interface Listing {
  /** Begins a look; never two at once. @param atEnd Files are offered when it ends, not as they are found. */
  begin(atEnd?: boolean): Look
  /** A file was looked at by itself. @param asked When, in milliseconds of `performance.now()`. */
  saw(file: ListedFile, asked: number): Sighting | undefined
  /** Offers a file as it was just seen, if that isn't known. */
  offer(file: ListedFile, asked: number): void
  /** Its removal met something else: what is there is offered, even if it is this version once more. */
  changed(name: ByteString, version: string): void
  /** This version isn't there any more, and that is as it should be. */
  forget(name: ByteString, version: string): void
  /** What was seen may have been something else: everything must be seen anew to be offered, or to be sure. */
  doubt(): void
  clear(): void
  /** When a file was last seen to be new or another one, in milliseconds of `performance.now()`. */
  readonly lastNew: number
  /** Files that the last look found, those of them that are dealt with, and names that were refused. */
  readonly counts: { readonly found: number; readonly taken: number; readonly refused: number }
  /** Files that were seen, and not offered as they are. */
  readonly unsettled: number
  /** The same, one by one. */
  unsettledFiles(): Iterable<SeenFile>
  /** The last look found files that weren't whole yet. */
  readonly pending: boolean
  /** {@link ListingOptions.mayTell} may have changed: offers what waits for it. */
  wake(): void
}

interface Entry {
  readonly name: ByteString
  readonly path: string | Uint8Array
  /** When what is under the name was seen first, by the clock of this computer. */
  seen: number
  sighting: Sighting | undefined
  offered: string | undefined
  /** What was offered last. */
  last: LastOffer | undefined
  /** The version that is to be offered as soon as the reader takes more. */
  waiting: string | undefined
  known: string
  size: number
  identity: string | undefined
  /** The look that found it last. */
  look: number
  /** Complete looks in a row that didn't find it. */
  missed: number
}

/** Names that are kept, and how long they are together. */
interface Names {
  readonly names: Set<ByteString>
  characters: number
}

const noNames = (): Names => ({ names: new Set(), characters: 0 })

function add(name: ByteString, kept: Names): void {
  if (kept.names.has(name)) return
  kept.names.add(name)
  kept.characters += name.length
}

/** A file is gone if so many complete looks in a row don't find it. */
const GONE = 2

export function createListing({ patience, mostFiles, tell, mayTell }: ListingOptions): Listing {
  const entries = new Map<ByteString, Entry>()
  /** Characters that are kept of their names. */
  let characters = 0
  /** Those of them that aren't offered as they are. */
  const open = new Set<Entry>()
  /** Names that were refused, and told. */
  let refused = noNames()
  let round = 0
  let lastNew = Number.NEGATIVE_INFINITY
  let counts = { found: 0, taken: 0, refused: 0 }
  let pending = false
  /** Files that are whole, from `next` on. */
  let ready: { readonly entry: Entry; readonly file: ListedFile }[] = []
  let next = 0

  /** Told before its path is looked for, which takes longer. */
  const mayHaveRoom = (name: ByteString): boolean =>
    entries.size < mostFiles && characters + name.length <= MOST_CHARACTERS

  /** @param isAsked Whoever asks for a file is done with it: it counts for nothing. */
  function entryOf({ name, version, size, identity }: ListedFile, isAsked = false): Entry | undefined {
    const known = entries.get(name)
    if (known !== undefined || !(isAsked || mayHaveRoom(name))) return known
    const place = placeOfBytes(name)
    if ('refused' in place) return undefined
    const { path } = place
    const more = charactersOf(name, path)
    if (!isAsked && characters + more > MOST_CHARACTERS) return undefined
    characters += more
    const nothing = { sighting: undefined, offered: undefined, last: undefined, waiting: undefined }
    const now = { known: version, size, identity }
    const entry: Entry = { name, path, seen: Date.now(), look: round, ...nothing, ...now, missed: 0 }
    entries.set(name, entry)
    return entry
  }

  /** To be called whenever what is known, or offered, of an entry has changed. */
  function note(entry: Entry): void {
    if (entry.offered === entry.known) open.delete(entry)
    else open.add(entry)
  }

  function drop(name: ByteString): void {
    const entry = entries.get(name)
    if (entry === undefined) return
    entries.delete(name)
    characters -= charactersOf(name, entry.path)
    open.delete(entry)
  }

  function see(entry: Entry, { version, size, identity, age }: ListedFile, asked: number): Sighting {
    const now = performance.now()
    entry.seen = firstSeen(entry.seen, entry.last, { version, size, identity }, patience.sure)
    if (entry.sighting?.version !== version) lastNew = now
    entry.sighting = seen(entry.sighting, { version, age, asked, answered: now })
    Object.assign(entry, { known: version, size, identity })
    entry.look = round
    entry.missed = 0
    note(entry)
    return entry.sighting
  }

  function wait(entry: Entry, file: ListedFile): void {
    if (entry.waiting === file.version) return
    entry.waiting = file.version
    ready.push({ entry, file })
  }

  function wake(): void {
    while (next < ready.length && mayTell()) {
      const { entry, file } = ready[next++] ?? {}
      if (entry === undefined || file === undefined || entry.waiting !== file.version) continue
      entry.waiting = undefined
      // It may have changed, been offered, or gone meanwhile.
      const { sighting } = entry
      const isThere = entries.get(file.name) === entry && sighting?.version === file.version
      if (isThere && entry.offered !== file.version) tellFile(entry, file, sighting)
    }
    if (next === ready.length) {
      ready = []
      next = 0
    }
  }

  function tellFile(entry: Entry, file: ListedFile, sighting: Sighting): void {
    const { name, size, mtime, version, identity, grain } = file
    const exact = sighting.last - sighting.first >= grain || isOld(sighting.age, patience)
    entry.offered = version
    note(entry)
    const { path, seen } = entry
    entry.last = { version, size, identity, seen, at: Date.now() }
    const more = { ...(mtime === undefined ? {} : { mtime }), ...(identity === undefined ? {} : { identity }) }
    tell({ type: 'file', file: { name: spelled(name), path, version, exact, size, ...more, seen } })
  }

  const hasRoom = (name: ByteString, { names, characters }: Names): boolean =>
    names.size < mostFiles && characters + name.length <= MOST_CHARACTERS

  function refuse(name: ByteString, still: Names): void {
    if (refused.names.has(name)) return add(name, still)
    if (!hasRoom(name, still) || !mayTell()) return
    const place = placeOfBytes(name)
    if (!('refused' in place)) return
    add(name, still)
    tell({ type: 'refused', name: spelled(name), reason: place.refused, text: place.text })
  }

  return {
    get counts() {
      return counts
    },
    get lastNew() {
      return lastNew
    },
    get unsettled() {
      return open.size
    },
    *unsettledFiles() {
      for (const { name, seen, known, size, identity } of open) {
        yield { name: spelled(name), seen, version: known, size, identity }
      }
    },
    get pending() {
      return pending
    },
    begin(atEnd = false) {
      const mine = ++round
      const asked = performance.now()
      const still = noNames()
      let found = 0
      let left = false
      return {
        file(file) {
          if (mine !== round) return
          found++
          const entry = entryOf(file)
          if (entry === undefined) {
            refuse(file.name, still)
            return
          }
          const sighting = see(entry, file, asked)
          if (entry.offered === file.version) return
          if (untilOffered(sighting, patience) > 0) left = true
          else if (atEnd || !mayTell()) wait(entry, file)
          else tellFile(entry, file, sighting)
        },
        async end(complete) {
          if (mine !== round) return
          pending = left
          wake()
          if (complete) {
            refused = still
            await inSlices(entries, ([name, entry]) => {
              if (mine !== round || entry.look === mine || ++entry.missed < GONE) return
              drop(name)
              tell({ type: 'withdrawn', name: spelled(name), version: entry.known })
            })
          } else {
            await inSlices(still.names, (name) => {
              // What doesn't fit is told once more.
              if (mine === round && hasRoom(name, refused)) add(name, refused)
            })
          }
          if (mine !== round) return
          counts = { found, taken: entries.size, refused: refused.names.size }
        },
      }
    },
    saw(file, asked) {
      const entry = entryOf(file, true)
      return entry && see(entry, file, asked)
    },
    offer(file, asked) {
      const entry = entryOf(file)
      if (entry === undefined) return
      const sighting = see(entry, file, asked)
      if (entry.offered === file.version) return
      if (mayTell()) tellFile(entry, file, sighting)
      else wait(entry, file)
    },
    wake,
    changed(name, version) {
      const entry = entries.get(name)
      if (entry?.offered !== version) return
      entry.offered = undefined
      note(entry)
    },
    forget(name, version) {
      const entry = entries.get(name)
      if (entry === undefined) return
      const { known, offered = version } = entry
      if (known === version && offered === version) return drop(name)
      // Another one came meanwhile: looks tell whether it is gone, too.
      if (entry.offered === version) Object.assign(entry, { offered: undefined, last: undefined })
      note(entry)
    },
    doubt() {
      for (const entry of entries.values()) {
        entry.sighting = undefined
        entry.missed = 0
      }
    },
    clear() {
      round++
      entries.clear()
      characters = 0
      open.clear()
      ready = []
      next = 0
      refused = noNames()
      counts = { found: 0, taken: 0, refused: 0 }
    },
  }
}
