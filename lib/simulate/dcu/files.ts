/** The server's memory: its files, what is left of the space, and what became of each file. */
import type { Buffer } from 'node:buffer'

/** What became of a file. */
export type FileState =
  /** Being written; it has its name, and part of its content, already. */
  | 'growing'
  /** Complete, and there. */
  | 'present'
  /** Removed by a client. */
  | 'deleted'
  /** Removed by `command/clear`. */
  | 'cleared'
  /** Overwritten by another file of its name. */
  | 'replaced'
  /** Gone with the server's memory, by a restart. */
  | 'lost'

/** A file that the server has, or had. Times are milliseconds since 1970. */
export interface ServedFile {
  readonly id: number
  readonly name: string
  readonly kind: 'master' | 'data' | 'cbf' | 'added'
  /** Of the whole file. */
  readonly size: number
  readonly digest: string
  /** Id of its series; undefined if it was added by hand. */
  readonly series: number | undefined
  readonly begun: number
  readonly state: FileState
  readonly completed: number | undefined
  readonly gone: number | undefined
}

/** A file that there was no room for. */
export interface DroppedFile {
  readonly name: string
  readonly size: number
  readonly series: number | undefined
  readonly at: number
}

/** What is known of a file before it is written. */
export interface NewFile extends Pick<ServedFile, 'name' | 'kind' | 'digest' | 'series'> {
  readonly content: Buffer
}

/** A file in memory. */
export interface StoredFile {
  readonly record: ServedFile
  /** The content as a client sees it now: less than the whole while it grows. */
  readonly content: Buffer
  grow(bytes: number): void
  /** It is whole now. */
  complete(): void
}

/** How lists deviate from the truth, in milliseconds. */
export interface ListLag {
  /** Files appear so late after they are complete. */
  readonly late: number
  /** Files disappear so late after they are gone. */
  readonly stale: number
}

export interface FileStore {
  readonly capacity: number
  readonly free: number
  /** All that there ever were, in the order of their beginning. */
  readonly records: readonly ServedFile[]
  readonly dropped: readonly DroppedFile[]
  /** Begins a file, in place of another of its name. Undefined if there is no room: it is dropped, whole. */
  begin(file: NewFile): StoredFile | undefined
  find(name: string): StoredFile | undefined
  /** Names in the order of their files' beginning. */
  names(lag: ListLag): string[]
  remove(file: StoredFile, why: 'deleted'): void
  removeAll(why: 'cleared' | 'lost'): void
}

/** Told of changes. */
export interface StoreEvents {
  readonly onComplete: (file: ServedFile) => void
  readonly onGone: (file: ServedFile) => void
  readonly onDropped: (file: DroppedFile) => void
}

interface Entry extends StoredFile {
  readonly record: Mutable<ServedFile>
  shown: number
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Files gone that lists can still show. */
const MOST_GONE = 10_000

/** @param capacity Bytes. */
export function createFileStore(capacity: number, events: StoreEvents): FileStore {
  const byName = new Map<string, Entry>()
  const records: ServedFile[] = []
  const dropped: DroppedFile[] = []
  /** Recently gone ones, for lists that lag. */
  let gone: ServedFile[] = []
  let used = 0

  function drop({ name, content, series }: NewFile): undefined {
    const file = { name, size: content.length, series, at: Date.now() }
    dropped.push(file)
    events.onDropped(file)
  }

  function take(entry: Entry, state: FileState): void {
    const { record } = entry
    byName.delete(record.name)
    used -= record.size
    record.state = state
    record.gone = Date.now()
    gone.push(record)
    if (gone.length >= 2 * MOST_GONE) gone = gone.slice(-MOST_GONE)
    events.onGone(record)
  }

  function entryOf({ content, ...file }: NewFile): Entry {
    const record: Mutable<ServedFile> = {
      ...file,
      id: records.length + 1,
      size: content.length,
      begun: Date.now(),
      state: 'growing',
      completed: undefined,
      gone: undefined,
    }
    const entry: Entry = {
      record,
      shown: 0,
      get content() {
        return entry.shown === content.length ? content : content.subarray(0, entry.shown)
      },
      grow(bytes) {
        entry.shown = Math.min(content.length, bytes)
      },
      complete() {
        entry.shown = content.length
        // It may have been replaced or lost while it grew.
        if (record.state !== 'growing') return
        record.state = 'present'
        record.completed = Date.now()
        events.onComplete(record)
      },
    }
    return entry
  }

  return {
    capacity,
    get free() {
      return capacity - used
    },
    records,
    dropped,
    begin(file) {
      const older = byName.get(file.name)
      if (file.content.length > capacity - used + (older?.record.size ?? 0)) return drop(file)
      if (older !== undefined) take(older, 'replaced')
      const entry = entryOf(file)
      byName.set(file.name, entry)
      records.push(entry.record)
      used += file.content.length
      return entry
    },
    find: (name) => byName.get(name),
    names({ late, stale }) {
      const now = Date.now()
      const names: string[] = []
      for (const { record } of byName.values()) {
        const isShown = record.completed === undefined ? late === 0 : record.completed + late <= now
        if (isShown) names.push(record.name)
      }
      if (stale === 0) {
        gone = []
        return names
      }
      gone = gone.filter((record) => (record.gone ?? 0) + stale > now)
      return [...new Set([...names, ...gone.map(({ name }) => name)])]
    },
    remove: (file, why) => take(file as Entry, why),
    removeAll(why) {
      for (const entry of [...byName.values()]) take(entry, why)
    },
  }
}
