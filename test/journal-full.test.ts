import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { SustenError } from 'susten'
import { openJournal } from '#lib/journal/index.js'
import { copy, put } from './support/journal-records.js'
import { command, finds, mount, whyNot } from './support/mounts.js'

test('on a full disk a journal fails for good, and holds all that was durable when there is room again', async (t) => {
  const reason = whyNot('tmpfs')
  if (reason !== undefined) return t.skip(reason)
  const disk = mount('tmpfs', 2 ** 20)
  t.after(() => disk.unmount())
  const directory = join(disk.path, 'journal')
  const ballast = join(disk.path, 'ballast')
  writeFileSync(ballast, Buffer.alloc(500_000))

  const journal = await openJournal({ directory, segmentBytes: 100_000 })
  let durable = 0
  let failure: SustenError | undefined
  while (failure === undefined && durable < 100_000) {
    const ops = Array.from({ length: 100 }, (_, i) => put(durable + i, `file${durable + i}`, copy('disk')))
    try {
      await journal.apply(ops)
      durable += 100
    } catch (error) {
      failure = error as SustenError
    }
  }
  assert.equal(failure?.code, 'ENOSPC')
  assert.ok(failure?.path?.startsWith(directory), failure?.path)
  await assert.rejects(journal.apply([put(999_999, 'later', copy('disk'))]), { code: 'ENOSPC' })
  await assert.rejects(journal.apply([]), { code: 'ENOSPC' })
  await journal.close()

  rmSync(ballast)
  const again = await openJournal({ directory, segmentBytes: 100_000 })
  const count = again.count('disk', 'pending')
  assert.ok(count === durable || count === durable + 100, `${count} after ${durable}`)
  await again.apply([put(999_999, 'later', copy('disk'))])
  await again.close()
})

for (const kind of ['ext4', 'xfs'] as const) {
  test(`when the power fails, a journal on ${kind} loses nothing that was durable`, async (t) => {
    const reason = whyNot(kind) ?? (finds('xfs_io') ? undefined : 'needs xfs_io')
    if (reason !== undefined) return t.skip(reason)
    const disk = mount(kind)
    t.after(() => disk.unmount())
    const directory = join(disk.path, 'var/lib/journal')
    let durable = 0
    for (let round = 1; round <= 8; round++) {
      const journal = await openJournal({ directory, segmentBytes: 20_000 })
      assert.ok(journal.count('disk', 'pending') >= durable, `${journal.count('disk', 'pending')} after ${durable}`)
      durable = journal.count('disk', 'pending')
      const from = durable
      let isCut = false
      let failed = 0
      while (failed === 0) {
        const calls = Array.from({ length: 5 }, (_, i) => {
          const seq = durable + i
          return journal.apply([put(seq, `file${seq}`, copy('disk'))])
        })
        for (const result of await Promise.allSettled(calls)) {
          if (result.status === 'rejected') failed += 1
          else durable += 1
        }
        if (isCut || durable - from < round * 40) continue
        isCut = true
        command('xfs_io', '-x', '-c', 'shutdown', disk.path) // without -f nothing is flushed
      }
      await journal.close()
      disk.remount()
    }
    const last = await openJournal({ directory })
    assert.ok(last.count('disk', 'pending') >= durable)
    await last.close()
  })
}
