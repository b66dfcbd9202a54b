/**
 * Files that the journal has lately forgotten, since they are copied everywhere and nothing of them is left to decide.
 * Who asks what became of a file often asks after that.
 */
import type { ByteString } from '../bytes.js'
import type { FileRecord, JournalOp } from '../core/index.js'

export interface Leavers {
  /** Takes note of what the journal is told. */
  note(ops: readonly JournalOp[]): void
  get(path: ByteString): FileRecord | undefined
}

/** Files of which that is known, some 400 bytes each. */
const most = 16_384

export function createLeavers(): Leavers {
  const last = new Map<ByteString, FileRecord>()
  /**
   * In the order in which they left, round and round. A Map has an order, too, but to find its first one takes a look at
   * the place of each that was deleted before it.
   */
  const order: FileRecord[] = []
  let next = 0

  function forget(record: FileRecord): void {
    // Else somebody had it dismissed: it isn't copied everywhere.
    if (!record.copies.every(({ state }) => state === 'copied')) {
      last.delete(record.path)
      return
    }
    const oldest = order[next]
    // It may have come and left again since.
    if (oldest !== undefined && last.get(oldest.path) === oldest) last.delete(oldest.path)
    order[next] = record
    next = (next + 1) % most
    last.set(record.path, record)
  }

  return {
    note(ops) {
      for (const op of ops) if (op.type === 'forget') forget(op.record)
    },
    get: (path) => last.get(path),
  }
}
