/**
 * Files that the journal has lately forgotten, since they are copied everywhere and nothing of them is left to decide.
 * Who asks what became of a file often asks after that.
 */
import type { ByteString } from '../bytes.js'
import type { FileRecord, JournalOp } from '../core/index.js'
import type { Trace } from './find.js'

export interface Leavers {
  /** Takes note of what the journal is told. */
  note(ops: readonly JournalOp[]): void
  get(path: ByteString): Trace | undefined
}

/** Files of which that is known, some 400 bytes each. */
const most = 16_384

export function createLeavers(traceOf: (record: FileRecord) => Trace): Leavers {
  /** The one that left first is the first. */
  const traces = new Map<ByteString, Trace>()

  function forget(record: FileRecord): void {
    traces.delete(record.path)
    // Else somebody had it dismissed: it isn't copied everywhere.
    if (!record.copies.every(({ state }) => state === 'copied')) return
    traces.set(record.path, traceOf(record))
    if (traces.size <= most) return
    const [oldest] = traces.keys()
    if (oldest !== undefined) traces.delete(oldest)
  }

  return {
    note(ops) {
      for (const op of ops) if (op.type === 'forget') forget(op.record)
    },
    get: (path) => traces.get(path),
  }
}
