import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { FileRecord } from '#lib/core/record.js'
import { type Journal, openJournal } from '#lib/journal/index.js'
import { copy, path, put, record, temporary } from './support/journal-records.js'

const permissions = (name: string): number => statSync(name).mode & 0o7777

async function all(journal: Journal): Promise<FileRecord[]> {
  const found: FileRecord[] = []
  for await (const one of journal.files()) found.push(one)
  return found
}

test('a journal is made with its missing parents, readable by its owner only', async (t) => {
  const root = temporary(t)
  const directory = join(root, 'var/lib/p11')
  const journal = await openJournal({ directory })
  await journal.apply([put(1, 'a', copy('disk'))])
  assert.equal(permissions(join(root, 'var')), 0o755)
  assert.equal(permissions(join(root, 'var/lib')), 0o755)
  assert.equal(permissions(directory), 0o700)
  assert.deepEqual(readdirSync(directory).sort(), ['0000000001.journal', 'lock'])
  for (const name of readdirSync(directory)) assert.equal(permissions(join(directory, name)), 0o600, name)
  assert.match(journal.id, /^[0-9a-f]{16}$/)
  assert.equal(journal.directory, directory)
  await journal.close()
})

test('what was applied is there after the journal is opened anew, with the same id', async (t) => {
  const directory = temporary(t)
  const first = await openJournal({ directory })
  const records = [
    record(1, 'run1/./a.h5', copy('disk'), copy('gpfs', 'failed')),
    record(7, 'b\xff\n', {
      storage: 'disk',
      state: 'copied',
      attempts: 2,
      digest: '0123456789abcdef'.repeat(2),
      source: { dev: 1n, ino: 2n, size: 3, mtimeNs: -4n, ctimeNs: 2n ** 70n },
      mtimeNs: -5n,
    }),
    record(8, 'c', {
      ...copy('disk', 'failed'),
      failure: { code: 'EACCES', errno: -13, syscall: 'open', path: path('/x\xff'), dest: path('/y') },
    }),
  ]
  await first.apply(records.map((one) => ({ type: 'put', record: one })))
  await first.apply([{ type: 'set', key: 'shift', value: { uid: 1000, names: ['ä', null] } }])
  await first.close()
  const second = await openJournal({ directory })
  assert.equal(second.id, first.id)
  assert.deepEqual(await all(second), records)
  assert.deepEqual(second.list('gpfs', 'failed', -1, 10), [records[0]])
  assert.deepEqual(second.value('shift'), { uid: 1000, names: ['ä', null] })
  assert.deepEqual(second.get(path('b\xff\n')), records[1])
  await second.close()
})

test('a record is seen at once, and listed once its announcement is durable', async (t) => {
  const journal = await openJournal({ directory: temporary(t) })
  const durable = journal.apply([put(1, 'a', copy('disk')), { type: 'set', key: 'k', value: 1 }])
  assert.equal(journal.get(path('a'))?.seq, 1)
  assert.equal(journal.value('k'), 1)
  assert.equal(journal.stats().uncommitted, 2)
  assert.deepEqual(journal.list('disk', 'pending', -1, 10), [])
  await durable
  assert.equal(journal.list('disk', 'pending', -1, 10).length, 1)
  assert.equal(journal.stats().uncommitted, 0)
  const retried = journal.apply([put(1, 'a', copy('disk', 'failed')), put(2, 'b', copy('disk'))])
  assert.deepEqual(journal.list('disk', 'failed', -1, 10), [record(1, 'a', copy('disk', 'failed'))])
  assert.deepEqual(journal.list('disk', 'pending', -1, 10), [])
  await retried
  assert.equal(journal.count('disk', 'pending'), 1)
  await journal.close()
})

test('lists are in order of seq, page by page, whatever the order of the calls', async (t) => {
  const journal = await openJournal({ directory: temporary(t) })
  const seqs = [5, 300, 2, 100_000, 299, 6, 2 ** 40]
  await journal.apply(seqs.map((seq) => put(seq, `f${seq}`, copy('disk'), copy('gpfs', 'copied'))))
  seqs.sort((one, other) => one - other)
  assert.deepEqual(
    journal.list('disk', 'pending', -1, 100).map(({ seq }) => seq),
    seqs,
  )
  assert.deepEqual(
    journal.list('disk', 'pending', 6, 2).map(({ seq }) => seq),
    [299, 300],
  )
  assert.deepEqual(journal.list('disk', 'pending', 2 ** 40, 2), [])
  assert.deepEqual(journal.list('gpfs', 'pending', -1, 2), [])
  assert.deepEqual(journal.list('gpfs', 'failed', -1, 2), [])
  assert.deepEqual(journal.list('unknown', 'failed', -1, 2), [])
  assert.equal(journal.count('unknown', 'failed'), 0)
  await journal.close()
})

test('a path that is announced anew has its new record only', async (t) => {
  const directory = temporary(t)
  let journal = await openJournal({ directory })
  await journal.apply([put(1, 'a', copy('disk'), copy('gpfs'))])
  await journal.apply([put(2, 'a', copy('disk'))])
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(await all(journal), [record(2, 'a', copy('disk'))])
    assert.equal(journal.count('gpfs', 'pending'), 0)
    await journal.close()
    journal = await openJournal({ directory })
  }
  await journal.close()
})

test('a forgotten file is gone, for good', async (t) => {
  const directory = temporary(t)
  let journal = await openJournal({ directory })
  await journal.apply([put(1, 'a', copy('disk')), put(2, 'b', copy('disk'))])
  await journal.apply([{ type: 'forget', record: record(1, 'a') }])
  for (let i = 0; i < 2; i++) {
    assert.equal(journal.get(path('a')), undefined)
    assert.deepEqual(await all(journal), [record(2, 'b', copy('disk'))])
    await journal.close()
    journal = await openJournal({ directory })
  }
  await journal.close()
})

test('forgetting an older announcement leaves the newer one', async (t) => {
  const journal = await openJournal({ directory: temporary(t) })
  await journal.apply([put(1, 'a', copy('disk')), put(2, 'a', copy('disk'))])
  await journal.apply([{ type: 'forget', record: record(1, 'a') }])
  assert.equal(journal.get(path('a'))?.seq, 2)
  await journal.close()
})

test('a value set to undefined is gone', async (t) => {
  const directory = temporary(t)
  let journal = await openJournal({ directory })
  await journal.apply([{ type: 'set', key: 'k', value: 1 }])
  await journal.apply([{ type: 'set', key: 'k', value: undefined }])
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(journal.keys(), [])
    assert.equal(journal.value('k'), undefined)
    await journal.close()
    journal = await openJournal({ directory })
  }
  await journal.close()
})

test('operations that cannot be stored are refused as a whole, and the journal goes on', async (t) => {
  const journal = await openJournal({ directory: temporary(t) })
  await journal.apply([put(1, 'a', copy('disk'))])
  const wrong = { code: 'ERR_SUSTEN_OPTION' }
  const good = put(2, 'b', copy('new storage'))
  await assert.rejects(journal.apply([good, put(1, 'other', copy('disk'))]), wrong)
  await assert.rejects(journal.apply([good, { type: 'forget', record: record(1, 'other') }]), wrong)
  await assert.rejects(journal.apply([good, { type: 'set', key: 'k', value: 1n }]), wrong)
  await assert.rejects(journal.apply([good, put(3, 'wide \u0161', copy('disk'))]), wrong)
  await assert.rejects(journal.apply([good, put(-1, 'c', copy('disk'))]), wrong)
  await assert.rejects(journal.apply([good, put(1.5, 'c', copy('disk'))]), wrong)
  await assert.rejects(journal.apply([good, put(3, 'c', copy('half \ud800'))]), wrong)
  assert.deepEqual(await all(journal), [record(1, 'a', copy('disk'))])
  await journal.apply([good])
  assert.equal(journal.count('new storage', 'pending'), 1)
  await journal.close()
})

test('long paths, long values and calls larger than a file of the log are kept', async (t) => {
  const directory = temporary(t)
  let journal = await openJournal({ directory, segmentBytes: 4096 })
  const long = `${'d'.repeat(254)}/`.repeat(16)
  const many = Array.from({ length: 300 }, (_, i) => put(i + 2, `${long}${i}`, copy('disk')))
  const value = 'v'.repeat(300_000)
  await journal.apply([put(1, long, copy('disk')), { type: 'set', key: 'long', value }])
  await journal.apply(many)
  await journal.close()
  journal = await openJournal({ directory, segmentBytes: 4096 })
  assert.equal(journal.get(path(long))?.seq, 1)
  assert.equal(journal.get(path(`${long}299`))?.seq, 301)
  assert.equal(journal.value('long'), value)
  await journal.close()
})

test('the log is cleaned of what is superseded, and keeps what counts', async (t) => {
  const directory = temporary(t)
  const segmentBytes = 8192
  let journal = await openJournal({ directory, segmentBytes })
  await journal.apply([{ type: 'set', key: 'old', value: 'still there' }, put(1, 'old', copy('disk'))])
  for (let round = 0; round < 60; round++) {
    const ops = Array.from({ length: 50 }, (_, i) => put(i + 2, `f${i}`, { ...copy('disk'), attempts: round }))
    await journal.apply(ops)
  }
  while (journal.stats().bytes > journal.stats().live * 1.5 + 3 * segmentBytes) await setImmediate()
  await journal.apply([{ type: 'set', key: 'last', value: 1 }])
  for (let i = 0; i < 2; i++) {
    assert.equal(journal.stats().records, 51)
    assert.equal(journal.value('old'), 'still there')
    assert.deepEqual(journal.get(path('old')), record(1, 'old', copy('disk')))
    assert.deepEqual(journal.get(path('f7')), record(9, 'f7', { ...copy('disk'), attempts: 59 }))
    await journal.close()
    const size = readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0)
    assert.ok(size < 10 * segmentBytes, `${size} bytes on disk`)
    journal = await openJournal({ directory, segmentBytes })
  }
  await journal.close()
})

test('calls made while a commit is under way share the next one', async (t) => {
  const journal = await openJournal({ directory: temporary(t) })
  const calls = Array.from({ length: 100 }, (_, i) => journal.apply([put(i + 1, `f${i}`, copy('disk'))]))
  await setImmediate()
  calls.push(...Array.from({ length: 100 }, (_, i) => journal.apply([put(i + 101, `g${i}`, copy('disk'))])))
  await Promise.all(calls)
  const { commits, ops } = journal.stats()
  assert.equal(ops, 200)
  assert.ok(commits <= 3, `${commits} commits`)
  await journal.close()
})

test('an empty call resolves when everything before it is durable', async (t) => {
  const journal = await openJournal({ directory: temporary(t) })
  const order: number[] = []
  const first = journal.apply([put(1, 'a', copy('disk'))]).then(() => order.push(1))
  const second = journal.apply([]).then(() => order.push(2))
  await Promise.all([first, second])
  assert.deepEqual(order, [1, 2])
  await journal.apply([])
  await journal.close()
})

test('closing waits for everything applied; what comes later is refused', async (t) => {
  const directory = temporary(t)
  const journal = await openJournal({ directory })
  const applied = journal.apply([put(1, 'a', copy('disk'))])
  const closed = journal.close()
  await assert.rejects(journal.apply([put(2, 'b', copy('disk'))]), { code: 'ERR_SUSTEN_CLOSED' })
  await Promise.all([applied, closed, journal.close(), journal[Symbol.asyncDispose]()])
  const again = await openJournal({ directory })
  assert.equal(again.stats().records, 1)
  await again.close()
})

test('a directory with other things in it is refused by name, and left as it was', async (t) => {
  const directory = temporary(t)
  writeFileSync(join(directory, 'precious.h5'), 'data')
  await assert.rejects(openJournal({ directory }), (error: Error & { code: string }) => {
    assert.equal(error.code, 'ERR_SUSTEN_OPTION')
    assert.ok(error.message.includes(`'${directory}'`) && error.message.includes("'precious.h5'"), error.message)
    return true
  })
  assert.deepEqual(readdirSync(directory), ['precious.h5'])
})

test('where a file stands in the way of a journal, that is said', async (t) => {
  const file = join(temporary(t), 'file')
  writeFileSync(file, '')
  for (const directory of [file, join(file, 'journal')]) {
    const message = `the journal '${directory}' must be a directory, but that, or one above it, is a file; `
    await assert.rejects(openJournal({ directory }), (error: Error & { code: string; path: string }) => {
      assert.deepEqual([error.code, error.path], ['ENOTDIR', directory])
      assert.ok(error.message.startsWith(message), error.message)
      return true
    })
  }
})

test('a journal that others may change is refused', async (t) => {
  const directory = temporary(t)
  await (await openJournal({ directory })).close()
  for (const mode of [0o720, 0o702, 0o777]) {
    chmodSync(directory, mode)
    await assert.rejects(openJournal({ directory }), { code: 'ERR_SUSTEN_OPTION', message: /chmod 700/ })
  }
  chmodSync(directory, 0o755)
  await (await openJournal({ directory })).close()
})

test('an empty directory that others may change is closed to them', async (t) => {
  const directory = temporary(t)
  chmodSync(directory, 0o777)
  const journal = await openJournal({ directory })
  assert.equal(permissions(directory), 0o700)
  await journal.close()
})

test('a second opening is refused and told who has the journal', async (t) => {
  const directory = temporary(t)
  const journal = await openJournal({ directory })
  const locked = { code: 'ERR_SUSTEN_LOCKED', message: new RegExp(`process ${process.pid}\\b`) }
  await assert.rejects(openJournal({ directory }), locked)
  await assert.rejects(openJournal({ directory }), locked)
  await journal.apply([put(1, 'a', copy('disk'))])
  await journal.close()
  const again = await openJournal({ directory })
  assert.equal(again.stats().records, 1)
  await again.close()
})

test('a failed opening gives the lock back', async (t) => {
  const directory = temporary(t)
  await (await openJournal({ directory })).close()
  const segment = join(directory, '0000000001.journal')
  const good = readFileSync(segment)
  writeFileSync(segment, 'garbage')
  await assert.rejects(openJournal({ directory }), { code: 'ERR_SUSTEN_JOURNAL' })
  writeFileSync(segment, good)
  await (await openJournal({ directory })).close()
})

test('a read-only opening works beside a writer, sees what is durable, and changes nothing', async (t) => {
  const directory = temporary(t)
  await assert.rejects(openJournal({ directory, readOnly: true }), { code: 'ENOENT' })
  assert.deepEqual(readdirSync(directory), [])
  await assert.rejects(openJournal({ directory: join(directory, 'missing'), readOnly: true }), { code: 'ENOENT' })
  const writer = await openJournal({ directory })
  await writer.apply([put(1, 'a', copy('disk'))])
  const reader = await openJournal({ directory, readOnly: true })
  await writer.apply([put(2, 'b', copy('disk'))])
  assert.deepEqual(await all(reader), [record(1, 'a', copy('disk'))])
  assert.equal(reader.id, writer.id)
  await assert.rejects(reader.apply([put(3, 'c', copy('disk'))]), { code: 'EROFS' })
  await reader.close()
  await writer.close()
})

test('a read-only opening beside a writer that cleans its log always finds all', async (t) => {
  const directory = temporary(t)
  const writer = await openJournal({ directory, segmentBytes: 2048 })
  await writer.apply(Array.from({ length: 40 }, (_, i) => put(i + 1, `f${i}`, copy('disk'))))
  let isDone = false
  const writing = (async () => {
    for (let round = 0; !isDone; round++) {
      await writer.apply([put((round % 40) + 1, `f${round % 40}`, { ...copy('disk'), attempts: round })])
    }
  })()
  for (let i = 0; i < 40; i++) {
    const reader = await openJournal({ directory, readOnly: true })
    assert.equal(reader.stats().records, 40)
    await reader.close()
  }
  isDone = true
  await writing
  await writer.close()
})

test('wrong options are refused by name', async (t) => {
  const directory = temporary(t)
  const wrong = (options: object): Promise<void> =>
    assert.rejects(openJournal(options as { directory: string }), { code: 'ERR_SUSTEN_OPTION' })
  await wrong({})
  await wrong({ directory: '' })
  await wrong({ directory, readonly: true })
  await wrong({ directory, readOnly: 1 })
  await wrong({ directory, segmentBytes: 10 })
  mkdirSync(join(directory, 'sub'))
  assert.deepEqual(readdirSync(directory), ['sub'])
})

test('many files are found, listed in order, and forgotten without touching the others', async (t) => {
  const journal = await openJournal({ directory: temporary(t) })
  const count = 50_000
  const name = (i: number): string => `run${i % 100}/frame_${i}.cbf`
  for (let from = 0; from < count; from += 500) {
    await journal.apply(Array.from({ length: 500 }, (_, i) => put(from + i, name(from + i), copy('disk'))))
  }
  const forgotten = (i: number): boolean => i % 3 === 0
  for (let i = 0; i < count; i += 600) {
    const some = Array.from({ length: 200 }, (_, j) => i + j * 3).filter((seq) => seq < count)
    await journal.apply(some.map((seq) => ({ type: 'forget', record: record(seq, name(seq)) })))
  }
  const left = Array.from({ length: count }, (_, i) => i).filter((i) => !forgotten(i))
  assert.equal(journal.stats().records, left.length)
  for (let i = 0; i < count; i++) assert.equal(journal.get(path(name(i)))?.seq, forgotten(i) ? undefined : i)
  assert.deepEqual(
    journal.list('disk', 'pending', -1, count).map(({ seq }) => seq),
    left,
  )
  assert.deepEqual(
    (await all(journal)).map(({ seq }) => seq),
    left,
  )
  await journal.close()
})
