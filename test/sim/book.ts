/** What the journal was asked to hold, on plain maps: now, and what of it is durable for certain. */
import assert from 'node:assert/strict'
import { isDeepStrictEqual } from 'node:util'
import type { FileRecord, JournalOp } from '#lib/core/index.js'
import type { Journal } from '#lib/journal/index.js'

interface Content {
  readonly records: Map<string, FileRecord>
  /** As JSON. */
  readonly values: Map<string, string>
}

export interface Book {
  live: Content
  safe: Content
  /** Lists of operations that aren't durable yet, oldest first. */
  waiting: (readonly JournalOp[])[]
  /** Copies that were done when their file was forgotten, by shift and storage. */
  forgotten: Map<string, number>
  safeForgotten: Map<string, number>
}

const empty = (): Content => ({ records: new Map(), values: new Map() })
const copyOf = ({ records, values }: Content): Content => ({ records: new Map(records), values: new Map(values) })

export const createBook = (): Book => ({
  live: empty(),
  safe: empty(),
  waiting: [],
  forgotten: new Map(),
  safeForgotten: new Map(),
})

/** Operations were handed to the journal. */
export function applied(book: Book, ops: readonly JournalOp[]): void {
  for (const op of ops) {
    if (op.type === 'set') continue
    const there = book.live.records.get(op.record.path)
    const said = op.type === 'put' ? op.was : op.record
    assert(isSame(said, there), `${op.type} of ${op.record.path}: what it replaces is what was there`)
    run([op], book.live, book.forgotten)
  }
  run(
    ops.filter(({ type }) => type === 'set'),
    book.live,
    book.forgotten,
  )
  book.waiting.push(ops)
}

/** The oldest of them have become durable. */
export function settled(book: Book): void {
  const ops = book.waiting.shift()
  assert(ops !== undefined, 'nothing becomes durable that was not asked for')
  run(ops, book.safe, book.safeForgotten)
}

function run(ops: readonly JournalOp[], { records, values }: Content, forgotten: Map<string, number>): void {
  for (const op of ops) {
    if (op.type === 'put') {
      records.set(op.record.path, op.record)
    } else if (op.type === 'forget') {
      records.delete(op.record.path)
      for (const { storage, state } of op.record.copies) {
        if (state !== 'copied') continue
        const key = `${op.record.shift} ${storage}`
        forgotten.set(key, (forgotten.get(key) ?? 0) + 1)
      }
    } else if (op.value === undefined) {
      values.delete(op.key)
    } else {
      values.set(op.key, JSON.stringify(op.value))
    }
  }
}

/** After a crash: the journal has what was durable, perhaps some of what was not, each list whole and in order. */
export async function reopened(book: Book, journal: Journal): Promise<void> {
  const found = await contentOf(journal)
  for (;;) {
    if (isSameContent(book.safe, found)) break
    if (book.waiting.length === 0) {
      assert.deepEqual(found, book.safe, 'the journal has what it was asked to hold')
      assert.fail('the journal has what it was asked to hold')
    }
    settled(book)
  }
  book.waiting = []
  book.live = copyOf(book.safe)
  book.forgotten = new Map(book.safeForgotten)
}

/** The journal says now what it was asked to hold. */
export async function checkJournal(book: Book, journal: Journal): Promise<void> {
  const found = await contentOf(journal)
  if (!isSameContent(book.live, found)) assert.deepEqual(found, book.live, 'the journal says what it was asked to hold')
  for (const [path, record] of book.live.records) {
    assert(isSame(journal.get(record.path), record), `${path} is found by its path`)
  }
}

async function contentOf(journal: Journal): Promise<Content> {
  const found = empty()
  for await (const record of journal.files()) found.records.set(record.path, record)
  for (const key of journal.keys()) found.values.set(key, JSON.stringify(journal.value(key)))
  return found
}

function isSameContent(one: Content, other: Content): boolean {
  if (one.records.size !== other.records.size || one.values.size !== other.values.size) return false
  for (const [key, value] of one.values) if (other.values.get(key) !== value) return false
  for (const [path, record] of one.records) if (!isSame(other.records.get(path), record)) return false
  return true
}

/** Pairs that were compared and found to be equal. */
const equals = new WeakMap<FileRecord, FileRecord>()

export function isSame(one: FileRecord | undefined, other: FileRecord | undefined): boolean {
  if (one === other) return true
  if (one === undefined || other === undefined) return false
  if (equals.get(one) === other) return true
  if (one.seq !== other.seq || !isDeepStrictEqual(one, other)) return false
  equals.set(one, other)
  return true
}
