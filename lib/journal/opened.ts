/** Journals as their users see them: one that writes, and one that only looks. */
import { setImmediate } from 'node:timers/promises'
import type { FileRecord, JournalOp } from '../core/record.js'
import { ByteWriter } from './byte-writer.js'
import type { Catalog } from './catalog.js'
import { Cleaner } from './cleaner.js'
import { encodeOps } from './entries.js'
import { isClosed, isReadOnly } from './failures.js'
import type { JournalFiles } from './files.js'
import type { Journal, JournalStats } from './journal.js'
import type { Log } from './log.js'

/** Records that {@link Journal.files} yields at a stretch. */
const CHUNK = 128
/** A scratch buffer that one large call made larger than this is not kept. */
const KEPT_BYTES = 1024 * 1024

export interface OpenedParts {
  readonly directory: string
  readonly id: string
  readonly catalog: Catalog
  readonly log: Log
  readonly files: JournalFiles
  readonly segmentBytes: number
}

export function openedJournal(parts: OpenedParts): Journal {
  const { directory, id, catalog, log, files } = parts
  const cleaner = new Cleaner(parts)
  let scratch = new ByteWriter(64 * 1024)
  let closing: Promise<void> | undefined
  cleaner.check()

  /** Everything that can be refused is refused before anything is changed. */
  function take(ops: readonly JournalOp[]): Promise<void> {
    const starts: number[] = []
    scratch.at = 0
    encodeOps(scratch, ops, catalog, starts)
    const { segment, at, group } = log.put(scratch.bytes.subarray(0, scratch.at), ops.length)
    for (const start of starts) catalog.run(segment, at + start, group.fresh)
    if (scratch.bytes.length > KEPT_BYTES) scratch = new ByteWriter(64 * 1024)
    cleaner.check()
    return log.durable(group)
  }

  async function end(): Promise<void> {
    try {
      await cleaner.stop()
      await log.close()
    } finally {
      await files.release()
    }
  }

  const close = (): Promise<void> => {
    closing ??= end()
    return closing
  }

  return {
    directory,
    id,
    // Not async: the operations would be kept in memory until they are durable.
    apply(ops) {
      try {
        if (closing !== undefined) throw isClosed(directory)
        if (log.failure !== undefined) throw log.failure
        return ops.length === 0 ? log.durable() : take(ops)
      } catch (error) {
        return Promise.reject(error)
      }
    },
    ...views(catalog),
    stats: () => ({ ...figures(catalog), commits: log.commits, ops: log.ops, uncommitted: log.uncommitted }),
    close,
    [Symbol.asyncDispose]: close,
  }
}

export function viewedJournal(directory: string, { catalog, id }: { catalog: Catalog; id: string }): Journal {
  const close = async (): Promise<void> => {}
  return {
    directory,
    id,
    apply: () => Promise.reject(isReadOnly(directory)),
    ...views(catalog),
    stats: () => ({ ...figures(catalog), commits: 0, ops: 0, uncommitted: 0 }),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function views(catalog: Catalog): Pick<Journal, 'get' | 'list' | 'count' | 'value' | 'keys' | 'files'> {
  return {
    get: (path) => catalog.get(path),
    list: (storage, state, after, limit) => catalog.list(storage, state, after, limit),
    count: (storage, state) => catalog.count(storage, state),
    value: (key) => catalog.value(key),
    keys: () => catalog.keys(),
    files: () => all(catalog),
  }
}

async function* all(catalog: Catalog): AsyncGenerator<FileRecord> {
  let count = 0
  for (let seq = catalog.next(-1); seq !== -1; seq = catalog.next(seq)) {
    yield catalog.record(seq)
    count += 1
    if (count % CHUNK === 0) await setImmediate()
  }
}

function figures(catalog: Catalog): Pick<JournalStats, 'records' | 'bytes' | 'live' | 'segments'> {
  let bytes = 0
  for (const segment of catalog.segments.values()) bytes += segment.used
  return { records: catalog.records, bytes, live: catalog.live, segments: catalog.segments.size }
}
