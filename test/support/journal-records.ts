/** Directories and records for tests of the journal. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { ByteString } from '#lib/bytes.js'
import type { CopyRecord, FileRecord, JournalOp } from '#lib/core/record.js'

export function temporary(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'susten-journal-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

export const path = (text: string): ByteString => text as ByteString

export const copy = (storage: string, state: CopyRecord['state'] = 'pending'): CopyRecord => ({
  storage,
  state,
  attempts: 0,
})

export const record = (seq: number, name: string, ...copies: CopyRecord[]): FileRecord => ({
  seq,
  path: path(name),
  cut: 0,
  shift: 0,
  announced: 1_700_000_000_000 + seq,
  copies,
})

export const put = (seq: number, name: string, ...copies: CopyRecord[]): JournalOp => ({
  type: 'put',
  record: record(seq, name, ...copies),
})
