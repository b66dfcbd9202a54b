import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { FileRecord, TierRecord } from '#lib/core/record.js'
import { openJournal, tierList } from '#lib/journal/index.js'
import { bytes, fingerprintOf } from './support/core-world.js'

const failure = { code: 'EPERM', errno: 1, syscall: 'unlink', path: bytes('/buffer/\xff') }
const states: readonly TierRecord[] = [
  { tier: 'buffer', state: 'held', attempts: 0 },
  { tier: 'buffer', state: 'held', attempts: 300, failure },
  { tier: 'buffer', state: 'unsure', attempts: 0, to: 'disk' },
  { tier: 'buffer', state: 'unsure', attempts: 2 },
  { tier: 'buffer', state: 'link', attempts: 0, to: 'gpfs' },
  { tier: 'buffer', state: 'link', attempts: 1, to: 'disk', failure },
  { tier: 'buffer', state: 'gone', attempts: 0, to: 'disk' },
  { tier: 'buffer', state: 'gone', attempts: 0 },
]

const records: readonly FileRecord[] = states.map((state, i) => ({
  seq: i + 1,
  path: bytes(`run/${i}`),
  cut: 0,
  shift: 3,
  announced: 5,
  copies: [
    { storage: 'disk', state: 'copied', attempts: 0, source: fingerprintOf(4), digest: '0'.repeat(32) },
    { storage: 'gpfs', state: 'pending', attempts: 1 },
  ],
  tiers: [state, { tier: 'disk', state: 'held', attempts: 0 }],
}))

test('a journal keeps what is left of files on tiers, and lists them by tier', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'susten-tiers-'))
  t.after(() => rm(directory, { recursive: true }))
  for (const isFirst of [true, false]) {
    await using journal = await openJournal({ directory })
    if (isFirst) await journal.apply(records.map((record) => ({ type: 'put', record })))
    for (const record of records) assert.deepEqual(journal.get(record.path), record)
    const seqs = (tier: string, state: 'pending' | 'failed') =>
      journal.list(tierList(tier), state, 0, 100).map(({ seq }) => seq)
    assert.deepEqual(seqs('buffer', 'pending'), [1, 2, 3, 4])
    assert.deepEqual(seqs('buffer', 'failed'), [5, 6])
    assert.deepEqual(seqs('disk', 'pending'), [1, 2, 3, 4, 5, 6, 7, 8])
    assert.equal(journal.count('disk', 'pending'), 0, 'a tier is not the storage of its name')
  }
})

test('a journal refuses a storage that goes by the name of a tier', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'susten-tiers-'))
  t.after(() => rm(directory, { recursive: true }))
  await using journal = await openJournal({ directory })
  const [record] = records
  assert(record)
  const copies = [{ storage: tierList('buffer'), state: 'pending', attempts: 0 } as const]
  await assert.rejects(journal.apply([{ type: 'put', record: { ...record, copies } }]), { code: 'ERR_SUSTEN_OPTION' })
})
