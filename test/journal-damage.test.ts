import assert from 'node:assert/strict'
import { readdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { SustenError } from 'susten'
import { crc32, tableCrc32 } from '#lib/journal/crc32.js'
import { type Journal, openJournal, salvageJournal } from '#lib/journal/index.js'
import { copy, path, put, temporary } from './support/journal-records.js'

/** A journal of several files; its calls of `apply` put one file each, named by their number. */
async function written(directory: string, calls: number, segmentBytes = 1024): Promise<string[]> {
  const journal = await openJournal({ directory, segmentBytes })
  for (let i = 1; i <= calls; i++) await journal.apply([put(i, `file${i}`, copy('disk'))])
  await journal.close()
  return segments(directory)
}

const segments = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => name.endsWith('.journal'))
    .sort()
    .map((name) => join(directory, name))

/** How many calls' files are there; they must be the first ones. */
async function prefix(journal: Journal): Promise<number> {
  let count = 0
  for await (const { path, seq } of journal.files()) {
    count += 1
    assert.deepEqual([seq, path], [count, `file${count}`])
  }
  return count
}

async function openedPrefix(directory: string): Promise<number> {
  const journal = await openJournal({ directory, segmentBytes: 1024 })
  try {
    const count = await prefix(journal)
    // It goes on from there.
    await journal.apply([put(count + 1, `file${count + 1}`, copy('disk'))])
    return count
  } finally {
    await journal.close()
  }
}

const damaged = (file: string) => (error: SustenError) => {
  assert.equal(error.code, 'ERR_SUSTEN_JOURNAL')
  assert.ok(error.message.includes(`'${file}'`), error.message)
  return true
}

test('a log cut off anywhere in its last file loses only the calls that were not whole', async (t) => {
  const directory = temporary(t)
  const file = join(directory, '0000000001.journal')
  await written(directory, 6, 65536)
  const good = readFileSync(file)
  let last = 0
  for (let length = 64; length <= good.length; length++) {
    for (const name of segments(directory)) rmSync(name)
    writeFileSync(file, good.subarray(0, length))
    const count = await openedPrefix(directory)
    assert.ok(count === last || count === last + 1, `${count} after ${last} at ${length} bytes`)
    last = count
  }
  assert.equal(last, 6)
})

test('a byte changed anywhere is an error that names the file, or at the very end an incomplete call', async (t) => {
  const directory = temporary(t)
  const files = await written(directory, 60)
  assert.ok(files.length >= 3)
  const good = new Map(files.map((file) => [file, readFileSync(file)]))
  let errors = 0
  let prefixes = 0
  for (const [file, bytes] of good) {
    for (let at = 0; at < bytes.length; at += 3) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8))
      writeFileSync(file, changed)
      try {
        const count = await prefix(await openJournal({ directory, readOnly: true }))
        assert.equal(count, 59, `byte ${at} of ${file}`)
        prefixes += 1
      } catch (error) {
        const { code, message } = error as SustenError
        assert.ok(code === 'ERR_SUSTEN_JOURNAL' || code === 'ERR_SUSTEN_JOURNAL_VERSION', `${at}: ${message}`)
        errors += 1
      }
    }
    writeFileSync(file, bytes)
  }
  assert.ok(errors > 500 && prefixes > 10 && prefixes < 50, `${errors} errors, ${prefixes} prefixes`)
})

test('bytes that never were a journal are an error that names the file', async (t) => {
  for (const content of ['', 'x', 'garbage'.repeat(1000), Buffer.alloc(5000)]) {
    const directory = temporary(t)
    const [file = ''] = await written(directory, 1)
    writeFileSync(file, content)
    await assert.rejects(openJournal({ directory }), damaged(file))
    await assert.rejects(openJournal({ directory, readOnly: true }), damaged(file))
  }
})

test('a missing file of the log is an error that names it', async (t) => {
  for (const index of [0, 1]) {
    const directory = temporary(t)
    const files = await written(directory, 60)
    const missing = files[index] ?? ''
    rmSync(missing)
    await assert.rejects(openJournal({ directory }), damaged(missing))
  }
})

test('a file of the log that was cut off before later ones is an error', async (t) => {
  const directory = temporary(t)
  const [first = ''] = await written(directory, 60)
  truncateSync(first, readFileSync(first).length - 3)
  await assert.rejects(openJournal({ directory }), damaged(first))
})

test('files of two journals, or under a wrong name, are an error', async (t) => {
  const directory = temporary(t)
  const other = temporary(t)
  const [first = '', second = '', third = ''] = await written(directory, 60)
  const [, strange = ''] = await written(other, 60)
  const good = readFileSync(second)
  writeFileSync(second, readFileSync(strange))
  await assert.rejects(openJournal({ directory }), damaged(second))
  writeFileSync(second, good)
  renameSync(first, `${first}.x`)
  renameSync(second, first)
  renameSync(`${first}.x`, second)
  await assert.rejects(openJournal({ directory }), damaged(first))
  assert.ok(third !== '')
})

test('a journal of an unknown version is refused with both versions and what to do', async (t) => {
  const directory = temporary(t)
  const [file = ''] = await written(directory, 1)
  const bytes = readFileSync(file)
  bytes.writeUInt32LE(7, 8)
  writeFileSync(file, bytes)
  await assert.rejects(openJournal({ directory }), (error: SustenError) => {
    assert.equal(error.code, 'ERR_SUSTEN_JOURNAL_VERSION')
    assert.match(error.message, /format 7.*format 3: use the version of susten that wrote it/)
    return true
  })
})

test('what a crash left of a file that was being made is removed', async (t) => {
  const directory = temporary(t)
  await written(directory, 2)
  writeFileSync(join(directory, '0000000002.journal.new'), 'half')
  assert.equal(await openedPrefix(directory), 2)
  assert.ok(!readdirSync(directory).some((name) => name.endsWith('.new')))
})

test('salvaging a damaged journal finds all that can be read, and tells what cannot', async (t) => {
  const directory = temporary(t)
  const files = await written(directory, 60)
  const [first = '', second = '', third = ''] = files
  const bytes = readFileSync(first)
  bytes.fill(0xee, 200, 210) // two calls of the first file at most
  writeFileSync(first, bytes)
  rmSync(second)
  const header = readFileSync(third)
  header.fill(0, 0, 8)
  writeFileSync(third, header)
  const damages: string[] = []
  const journal = await salvageJournal(directory, ({ message }) => damages.push(message))
  const found = journal.list('disk', 'pending', -1, 100).length + journal.list('#0', 'pending', -1, 100).length
  assert.ok(found > 20 && found < 60, `${found} files`)
  assert.ok(journal.get(path('file60')) !== undefined)
  for (const file of [first, third])
    assert.ok(
      damages.some((damage) => damage.includes(`'${file}'`)),
      damages.join('\n'),
    )
  assert.ok(
    damages.some((damage) => damage.includes('has commit')),
    damages.join('\n'),
  )
})

test('the checksum without help from zlib is the same', () => {
  for (const text of ['', 'a', '123456789', 'The quick brown fox jumps over the lazy dog', 'x'.repeat(1001)]) {
    const bytes = Buffer.from(text)
    assert.equal(tableCrc32(bytes), crc32(bytes), text)
    assert.equal(tableCrc32(bytes.subarray(3), tableCrc32(bytes.subarray(0, 3))), crc32(bytes), text)
  }
  assert.equal(tableCrc32(Buffer.from('123456789')), 0xcbf43926)
})
