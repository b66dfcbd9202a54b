/**
 * The files that a server is known to have, and when to look at each of them again. A file is looked at when it is listed
 * first, again until it has settled and can be offered, and now and then afterwards, as long as it stays: it may be
 * overwritten under its name. A name that lists no longer have is forgotten only when looks don't find it either.
 */
import { backoff } from '../../core/backoff.js'
import { createHeap } from '../../core/heap.js'
import { inSlices } from '../../slices.js'
import { type Claim, isOld, type Patience, type Sighting, seen, untilOffered, untilSure } from '../complete.js'
import type { FileOffer, Removal, SeenFile, SourceEvent } from '../files.js'
import { firstSeen, type LastOffer } from '../first-seen.js'
import { charactersOf, MOST_CHARACTERS } from '../name-room.js'
import { type Placed, placeOf, shownName } from '../names.js'
import type { Server } from './server.js'
import type { FileFacts } from './version.js'

export interface CatalogOptions {
  readonly server: Pick<Server, 'look' | 'claim' | 'delete'>
  readonly patience: Patience
  /** The longest wait after looks that failed or found nothing, in milliseconds. */
  readonly longest: number
  /** Looks at once. */
  readonly looks: number
  /** The most files that are dealt with, if their names aren't too long; what is beyond waits until others are gone. */
  readonly mostFiles: number
  readonly tell: (event: SourceEvent) => void
  /** False: no looks, there is no use or no room for what they bring. */
  readonly mayLook: () => boolean
  /** The detector is armed, or files are being written. */
  readonly isBusy: () => boolean
}

export interface Catalog {
  /**
   * A list has come, which was answered after all that was told before. Takes its time, so that others can run; never two
   * at once.
   */
  listed(names: readonly string[]): Promise<Listed>
  /**
   * Everything is looked at, and offered, anew, with the next list: the server may have been another one meanwhile.
   */
  recheck(): void
  /** {@link CatalogOptions.mayLook} may have changed. */
  wake(): void
  remove(file: FileOffer): Promise<Removal>
  readonly size: number
  /** Files that have been seen, and not offered as they are. */
  readonly unsettled: number
  /** The same one by one, with those that nobody waits for any more: what lists have and looks don't find, or fail on. */
  unsettledFiles(): Iterable<SeenFile>
  /** Forgets all; nothing is looked at any more. */
  clear(): void
}

/** What a list brought. */
export interface Listed {
  /** Names that are new, and dealt with. */
  readonly added: number
  /** All that there are. */
  readonly count: number
  /** Those for which there is no room. */
  readonly waiting: number
}

interface Entry {
  readonly name: string
  readonly path: string
  /** When what is under the name was seen first. */
  seen: number
  /** The last list that has it. */
  list: number
  /** Of the last time that everything was doubted: what is known before that counts for nothing. */
  epoch: number
  /** Lists in a row that didn't have it. */
  unlisted: number
  sighting: Sighting | undefined
  /** The last version that was seen. */
  known: string | undefined
  /** Its size, if known. */
  size: number | undefined
  /** The version that was last offered. */
  offered: string | undefined
  /** The same, if it is known: what it was. */
  last: LastOffer | undefined
  /** Deletions in a row that the server refused because it has another version, though it shows the same one. */
  unmatched: number
  /** Looks since it was offered. */
  revisits: number
  /** Looks in a row that found nothing. */
  misses: number
  /** Looks in a row that failed, and since when they do, in milliseconds of `performance.now()`. */
  failures: number
  failing: number
  due: number
  /** A look is under way. */
  looking: boolean
}

/**
 * Milliseconds between looks at a file that was offered: half of what makes it sure, doubled from one to the next; the
 * longest, for few files; and what each file adds to that.
 */
const LONGEST_REVISIT = 10_000
const REVISIT_A_FILE = 10
/** Milliseconds: the first wait after a look that failed or found nothing. */
const FIRST_RETRY = 200
/** A file is gone if so many lists and looks in a row don't have it. */
const GONE = 2

/** So many deletions that are refused for no reason: it isn't this version that the server minds. */
const UNMATCHED = 3

/** So many new names at once are a backlog. */
const MANY = 1000
/** A name of the lists that isn't dealt with: it is refused, or there is no room for it. */
interface Other {
  readonly place: Placed
  /** That it is refused. */
  told: boolean
  list: number
}

/** Of an entry that isn't scheduled. */
const NEVER = 0

const now = (): number => performance.now()

/** Milliseconds after which nobody waits any more for a file whose looks fail. */
const GIVEN_UP = 60_000

const isOffered = ({ known, offered }: Entry): boolean => known !== undefined && known === offered

/** What lists have and looks don't find may never be there. What can't be looked at may, and be whole. */
const isUnsettled = (entry: Entry): boolean =>
  entry.misses === 0 && !isOffered(entry) && (entry.failures === 0 || now() - entry.failing < GIVEN_UP)

export function createCatalog(options: CatalogOptions): Catalog {
  const { server, patience, longest, looks, mostFiles, tell, mayLook, isBusy } = options
  const entries = new Map<string, Entry>()
  /** Those of them that aren't offered as they are, and those of these that are waited for. */
  const unoffered = new Set<Entry>()
  const open = new Set<Entry>()
  const others = new Map<string, Other>()
  /** Characters that are kept of the entries' names. */
  let characters = 0
  /** Counts lists. */
  let lists = 0
  let epoch = 0
  /** Not all entries are of this epoch. */
  let isDoubted = false
  let due = createHeap<{ readonly at: number; readonly entry: Entry }>(({ at }) => at)
  /** Files that came in large numbers at once: looked at when nothing else is due, so that new ones don't wait for them. */
  let backlog: Entry[] = []
  let running = 0
  let timer: NodeJS.Timeout | undefined

  /** To be called whenever something of an entry has changed. */
  function note(entry: Entry): void {
    const isThere = entries.get(entry.name) === entry
    if (isThere && isUnsettled(entry)) open.add(entry)
    else open.delete(entry)
    if (isThere && !isOffered(entry)) unoffered.add(entry)
    else unoffered.delete(entry)
  }

  /** @returns whether what was known was forgotten: it must be scheduled, then */
  function renew(entry: Entry): boolean {
    if (entry.epoch === epoch) return false
    const nothing = { sighting: undefined, offered: undefined, misses: 0, failures: 0, due: NEVER }
    Object.assign(entry, nothing, { epoch })
    note(entry)
    return true
  }

  function schedule(entry: Entry, wait: number): void {
    entry.due = now() + wait
    due.push({ at: entry.due, entry })
  }

  const isStale = ({ at, entry }: { at: number; entry: Entry }): boolean =>
    entry.due !== at || entry.looking || entries.get(entry.name) !== entry

  /** What is to be looked at now. */
  function next(): Entry | undefined {
    for (let first = due.peek(); first !== undefined; first = due.peek()) {
      if (!isStale(first) && first.at > now()) break
      due.pop()
      if (!isStale(first)) return first.entry
    }
    for (let entry = backlog.pop(); entry !== undefined; entry = backlog.pop()) {
      if (entries.get(entry.name) === entry && entry.due === NEVER && !entry.looking) return entry
    }
    return undefined
  }

  /** Begins what looks are due, and sets the timer for the next one. */
  function pump(): void {
    clearTimeout(timer)
    timer = undefined
    while (running < looks && mayLook()) {
      const entry = next()
      if (entry === undefined) break
      void lookAt(entry)
    }
    const first = due.peek()
    if (running < looks && mayLook() && first !== undefined) {
      timer = setTimeout(pump, Math.max(1, Math.ceil(first.at - now())))
    }
  }

  async function lookAt(entry: Entry): Promise<void> {
    running++
    entry.looking = true
    const asked = now()
    const isCurrent = (): boolean => entries.get(entry.name) === entry
    try {
      const facts = await server.look(entry.name)
      const isNew = facts !== undefined && facts.version !== entry.sighting?.version && !isOld(facts.age, patience)
      const claim = isNew ? await server.claim(entry.name, facts) : undefined
      entry.looking = false
      if (!isCurrent()) return
      renew(entry)
      if (facts === undefined) missed(entry)
      else found(entry, facts, asked, claim)
    } catch {
      // The list tells how the server is doing; this file just waits.
      entry.looking = false
      if (!isCurrent()) return
      renew(entry)
      if (entry.failures === 0) entry.failing = now()
      schedule(entry, retry(++entry.failures))
    } finally {
      running--
      note(entry)
      pump()
    }
  }

  function sight(entry: Entry, facts: FileFacts, asked: number, claim?: Claim): Sighting {
    const { version, size, age } = facts
    entry.seen = firstSeen(entry.seen, entry.last, { version, size }, patience.sure)
    entry.sighting = seen(entry.sighting, { version, age, asked, answered: now(), claim })
    if (entry.known !== version) entry.unmatched = 0
    entry.known = version
    entry.size = size
    entry.misses = 0
    entry.failures = 0
    return entry.sighting
  }

  function found(entry: Entry, facts: FileFacts, asked: number, claim: Claim | undefined): void {
    const sighting = sight(entry, facts, asked, claim)
    const wait = untilOffered(sighting, patience)
    if (entry.offered === sighting.version) return schedule(entry, revisit(++entry.revisits))
    if (wait > 0) return schedule(entry, wait)
    entry.offered = sighting.version
    entry.revisits = 0
    schedule(entry, revisit(0))
    const { size, mtime, version, exact } = facts
    const { name, path } = entry
    const known = { ...(size === undefined ? {} : { size }), ...(mtime === undefined ? {} : { mtime }) }
    const { seen } = entry
    entry.last = { version, size, seen, at: Date.now() }
    tell({ type: 'file', file: { name, path, version, exact, ...known, seen } })
  }

  function missed(entry: Entry): void {
    entry.misses++
    entry.failures = 0
    const isGone = entry.unlisted >= GONE && entry.misses >= GONE
    if (!isGone) return schedule(entry, retry(entry.misses))
    forget(entry.name, entry)
    if (entry.known !== undefined) tell({ type: 'withdrawn', name: entry.name, version: entry.known })
  }

  const revisit = (count: number): number =>
    Math.min(
      (patience.sure / 2 + 1) * 2 ** Math.min(count, 20),
      Math.max(LONGEST_REVISIT, entries.size * REVISIT_A_FILE),
    )

  /** Many names that are listed and can't be found must not keep both sides busy. */
  const retry = (misses: number): number =>
    backoff(misses, FIRST_RETRY, Math.max(longest, entries.size * REVISIT_A_FILE), 1)

  function add(name: string, path: string, seen: number): Entry {
    const unknown = { sighting: undefined, known: undefined, size: undefined, offered: undefined, last: undefined }
    const counts = { unlisted: 0, unmatched: 0, revisits: 0, misses: 0, failures: 0, failing: 0 }
    const rest = { list: lists, epoch, due: NEVER, looking: false }
    const entry: Entry = { name, path, seen, ...unknown, ...counts, ...rest }
    entries.set(name, entry)
    characters += charactersOf(name, path)
    note(entry)
    return entry
  }

  const hasRoom = (name: string, path: string): boolean =>
    entries.size < mostFiles && characters + charactersOf(name, path) <= MOST_CHARACTERS

  /** @returns whether it was told; if not, it will be with another list */
  function refuse(name: string, reason: string, text: string): boolean {
    if (!mayLook()) return false
    tell({ type: 'refused', name: shownName(name), reason, text })
    return true
  }

  async function remove(file: FileOffer): Promise<Removal> {
    const { name } = file
    const place = placeOf(name)
    if ('refused' in place) return { outcome: 'kept', reason: place.text }
    const before = current(name)
    const last = before?.sighting
    if (last !== undefined && last.version === file.version) {
      const wait = untilSure({ ...last, last: now() }, patience, isBusy())
      if (wait > 0) return { outcome: 'early', after: Math.ceil(wait) }
    }
    const asked = now()
    const facts = await server.look(name)
    if (facts === undefined) {
      leave(before, file)
      return { outcome: 'gone' }
    }
    const known = current(name)
    const entry = known ?? add(name, place.path, Date.now())
    if (known === undefined) {
      const { version, size, seen } = file
      entry.offered = version
      entry.seen = seen
      entry.last = { version, size, seen, at: seen }
    }
    const sighting = sight(entry, facts, asked)
    note(entry)
    if (sighting.version !== file.version) return changed(entry, file, untilOffered(sighting, patience))
    const wait = untilSure(sighting, patience, isBusy())
    if (known === undefined) schedule(entry, revisit(0))
    if (wait > 0) return { outcome: 'early', after: Math.ceil(wait) }
    const offer = entry.last
    entry.last = offer && { ...offer, left: true }
    const outcome = await server.delete(name, facts.etag)
    if (outcome === 'changed') {
      if (entry.last?.version === file.version) entry.last = offer
      return await unmatched(entry, file)
    }
    leave(entry, file)
    return { outcome }
  }

  /** What is there is offered, even if it is the version that was offered before: who asked is done with that. */
  function changed(entry: Entry, { version }: FileOffer, wait: number): Removal {
    if (entry.offered === version) entry.offered = undefined
    note(entry)
    schedule(entry, wait)
    pump()
    return { outcome: 'changed' }
  }

  /**
   * The server says that it has another version. If it shows the same one all the same, that may pass; if not, to delete it
   * without a condition would be to know better than the server.
   */
  async function unmatched(entry: Entry, file: FileOffer): Promise<Removal> {
    const asked = now()
    const facts = await server.look(entry.name)
    if (facts === undefined) {
      leave(entry, file)
      return { outcome: 'gone' }
    }
    const sighting = sight(entry, facts, asked)
    if (sighting.version !== file.version) return changed(entry, file, untilOffered(sighting, patience))
    if (++entry.unmatched < UNMATCHED) return { outcome: 'early', after: Math.max(1, patience.sure) }
    const reason = 'the server refuses to delete it as another version (status 412), and shows the same one'
    return { outcome: 'kept', reason }
  }

  /**
   * This version isn't there any more. Another one that came meanwhile may be: the answer can be older than the last look.
   * It stays what it is, and since when; looks tell whether it is gone, too.
   */
  function leave(entry: Entry | undefined, { version }: FileOffer): void {
    if (entry === undefined || entries.get(entry.name) !== entry) return
    const { known = version, offered = version } = entry
    if (known === version && offered === version) return forget(entry.name, entry)
    if (entry.offered === version) Object.assign(entry, { offered: undefined, last: undefined })
    note(entry)
    schedule(entry, 0)
    pump()
  }

  function forget(name: string, entry: Entry | undefined): void {
    if (entry === undefined || entries.get(name) !== entry) return
    entries.delete(name)
    characters -= charactersOf(name, entry.path)
    note(entry)
  }

  function current(name: string): Entry | undefined {
    const entry = entries.get(name)
    if (entry !== undefined && renew(entry)) schedule(entry, 0)
    return entry
  }

  /** Begins to look at them: at once, or when nothing else is due if they are many. */
  function begin(fresh: Entry[]): void {
    if (fresh.length >= MANY) backlog = fresh.reverse().concat(backlog)
    else for (const entry of fresh) schedule(entry, 0)
    pump()
  }

  async function listed(names: readonly string[]): Promise<Listed> {
    const mine = ++lists
    const seen = Date.now()
    let fresh: Entry[] = []
    let added = 0
    let count = 0
    let waiting = 0

    function meet(name: string): void {
      const entry = entries.get(name)
      const other = entry === undefined ? others.get(name) : undefined
      if (mine !== lists || (entry ?? other)?.list === mine) return
      count++
      if (entry !== undefined) {
        entry.list = mine
        entry.unlisted = 0
        if (renew(entry)) fresh.push(entry)
        return
      }
      const place = other?.place ?? placeOf(name)
      if ('path' in place && hasRoom(name, place.path)) {
        others.delete(name)
        fresh.push(add(name, place.path, seen))
        added++
        return
      }
      if ('path' in place) waiting++
      const told = other?.told === true || ('refused' in place && refuse(name, place.refused, place.text))
      if (other === undefined) others.set(name, { place, told, list: mine })
      else Object.assign(other, { told, list: mine })
    }

    function miss(entry: Entry): void {
      if (mine !== lists || entry.list === mine) return
      entry.unlisted++
      if (renew(entry)) fresh.push(entry)
      else if (entry.unlisted === GONE) schedule(entry, 0)
    }

    await inSlices(names, meet)
    const found = { added, count, waiting }
    if (mine !== lists) return found
    begin(fresh)
    fresh = []
    await inSlices(entries.values(), miss)
    if (mine !== lists) return found
    isDoubted = false
    begin(fresh)
    await inSlices(others, ([name, { list }]) => {
      if (mine === lists && list !== mine) others.delete(name)
    })
    return found
  }

  return {
    get size() {
      return entries.size
    },
    get unsettled() {
      return isDoubted ? entries.size : open.size
    },
    *unsettledFiles() {
      for (const { name, seen, known, size } of isDoubted ? entries.values() : unoffered) {
        yield { name, seen, version: known, size }
      }
    },
    listed,
    recheck() {
      // All are scheduled anew: what they waited for is forgotten.
      due = createHeap(({ at }) => at)
      backlog = []
      epoch++
      isDoubted = true
    },
    wake: pump,
    remove,
    clear() {
      clearTimeout(timer)
      // A list that is being worked on is no more.
      lists++
      entries.clear()
      characters = 0
      open.clear()
      unoffered.clear()
      others.clear()
      isDoubted = false
      backlog = []
      due = createHeap(({ at }) => at)
    },
  }
}
