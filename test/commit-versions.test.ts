/** What becomes of whatever stands under the name already. */
import assert from 'node:assert/strict'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ByteString, bufferOfBytes } from '#lib/bytes.js'
import type { Existing, NativeCopyFile, NativeFault, NativeFileResult } from '#lib/native.js'
import { bytes, namedTemps, openRaw, type RawEngine, same } from './support/raw-engine.js'
import { scratch } from './support/tree.js'

/** A place to copy from and to. */
async function place(t: TestContext): Promise<{ src: string; dest: string; copy: typeof copy }> {
  const root = await scratch(t)
  const [src, dest] = [`${root}/src`, `${root}/dest`]
  for (const path of [src, dest]) mkdirSync(path)
  async function copy(file: NativeCopyFile, faults: readonly NativeFault[] = []): Promise<NativeFileResult> {
    await using engine = openRaw({ faults })
    const job = { srcRoot: bytes(src), destRoot: bytes(dest), files: [file], options: { verify: 'none' } as const }
    const { files } = await engine.startFiles(job).finished
    assert.equal(files.length, 1)
    return files[0] ?? assert.fail()
  }
  return { src, dest, copy }
}

/** The names in a directory, as bytes, with what they hold. */
function contents(path: string): Record<string, string> {
  const names = readdirSync(path, { encoding: 'buffer' })
  const read = (name: Buffer): string => readFileSync(Buffer.concat([Buffer.from(`${path}/`), name]), 'latin1')
  return Object.fromEntries(names.map((name) => [name.toString('latin1'), read(name)]))
}

for (const faults of [[], [namedTemps]]) {
  const temp = faults.length === 0 ? 'unnamed' : 'named'

  test(`every older content is kept under a number of its own (${temp} temp files)`, async (t) => {
    const { src, dest, copy } = await place(t)
    const expected: Record<string, string> = {}
    for (let i = 0; i < 25; ++i) {
      writeFileSync(`${src}/f`, `content ${i}`)
      const result = await copy(same('f', { existing: 'version' }), faults)
      assert.equal(result.outcome, i === 0 ? 'created' : 'versioned')
      assert.equal(result.version, i === 0 ? undefined : `f.~${i}~`)
      if (i > 0) expected[`f.~${i}~`] = `content ${i - 1}`
      expected['f'] = `content ${i}`
      assert.deepEqual(contents(dest), expected)
    }
  })

  test(`names of 255 bytes are cut to make room for the number (${temp} temp files)`, async (t) => {
    const { src, dest, copy } = await place(t)
    const name = 'ü'.repeat(127).concat('x') // 255 bytes of UTF-8
    const raw = Buffer.from(name).toString('latin1') as ByteString
    // Another name whose cut form is the same: they share the numbers.
    const twin = `${raw.slice(0, -1)}y` as ByteString
    for (const [i, each] of [raw, raw, twin, twin, raw].entries()) {
      writeFileSync(bufferOfBytes(`${src}/${each}` as ByteString), `${i}`)
      const result = await copy({ src: each, dest: each, existing: 'version' }, faults)
      assert.equal(result.error, undefined)
    }
    const cut = (number: number): string => `${raw.slice(0, 251)}.~${number}~`
    assert.deepEqual(contents(dest), { [raw]: '4', [twin]: '3', [cut(1)]: '0', [cut(2)]: '2', [cut(3)]: '1' })
  })

  test(`numbers that are taken are passed over (${temp} temp files)`, async (t) => {
    const { src, dest, copy } = await place(t)
    writeFileSync(`${dest}/f`, 'old')
    writeFileSync(`${dest}/f.~1~`, "somebody's")
    mkdirSync(`${dest}/f.~2~`)
    symlinkSync('nowhere', `${dest}/f.~3~`)
    writeFileSync(`${src}/f`, 'new')
    const result = await copy(same('f', { existing: 'version' }), faults)
    assert.equal(result.version, 'f.~4~')
    assert.equal(readFileSync(`${dest}/f.~4~`, 'latin1'), 'old')
    assert.equal(readFileSync(`${dest}/f`, 'latin1'), 'new')
    assert.equal(readFileSync(`${dest}/f.~1~`, 'latin1'), "somebody's")
  })

  test(`older content that is under such a number already is kept once (${temp} temp files)`, async (t) => {
    const { src, dest, copy } = await place(t)
    const time = new Date(1_700_000_000_000)
    writeFileSync(`${src}/f`, 'older')
    utimesSync(`${src}/f`, time, time)
    await copy(same('f', { existing: 'version' }), faults)
    // The source kept it under that name, and it was copied first.
    renameSync(`${src}/f`, `${src}/f.~1~`)
    await copy({ src: bytes('f.~1~'), dest: bytes('f.~1~'), existing: 'version' }, faults)
    writeFileSync(`${src}/f`, 'newer')
    const result = await copy(same('f', { existing: 'version' }), faults)
    assert.deepEqual([result.outcome, result.version], ['versioned', 'f.~1~'])
    assert.deepEqual(contents(dest), { f: 'newer', 'f.~1~': 'older' })
    // A crash left a second name of the same file.
    linkSync(`${dest}/f`, `${dest}/f.~2~`)
    writeFileSync(`${src}/f`, 'third')
    assert.equal((await copy(same('f', { existing: 'version' }), faults)).version, 'f.~2~')
    assert.deepEqual(contents(dest), { f: 'third', 'f.~1~': 'older', 'f.~2~': 'newer' })
  })

  test(`older content is kept beside what only looks like it, or is another owner's (${temp} temp files)`, async (t) => {
    const { src, dest, copy } = await place(t)
    writeFileSync(`${dest}/f`, 'older')
    writeFileSync(`${dest}/f.~1~`, 'other')
    writeFileSync(`${dest}/f.~2~`, 'older', { mode: 0o600 })
    writeFileSync(`${dest}/f.~3~`, 'older')
    const time = new Date(1_700_000_000_000)
    for (const name of ['f', 'f.~1~', 'f.~2~']) utimesSync(`${dest}/${name}`, time, time)
    writeFileSync(`${src}/f`, 'newer')
    assert.equal((await copy(same('f', { existing: 'version' }), faults)).version, 'f.~4~')
    assert.equal(contents(dest)['f.~4~'], 'older')
  })

  test(`a symbolic link under the name is never followed (${temp} temp files)`, async (t) => {
    const { src, dest, copy } = await place(t)
    writeFileSync(`${src}/f`, 'new')
    const outside = `${src}/../outside`
    writeFileSync(outside, 'untouched')
    for (const [i, target] of [outside, 'dangling', '.'].entries()) {
      const link = `${dest}/${i}`
      const expected: [Existing, NativeFileResult['outcome']][] = [
        ['refuse', 'failed'],
        ['skip', 'skipped'],
        ['version', 'versioned'],
        ['replace', 'replaced'],
      ]
      for (const [existing, outcome] of expected) {
        if (!existsSync(link) || !lstatSync(link).isSymbolicLink()) renameSync(symlinked(target, `${link}.tmp`), link)
        const result = await copy({ src: bytes('f'), dest: bytes(`${i}`), existing }, faults)
        assert.equal(result.outcome, outcome)
        if (outcome === 'failed' || outcome === 'skipped') assert.equal(readlinkSync(link), target)
        else assert.equal(readFileSync(link, 'latin1'), 'new')
        assert.equal(lstatSync(link).isSymbolicLink(), outcome === 'failed' || outcome === 'skipped')
        if (outcome === 'versioned') assert.equal(readlinkSync(`${dest}/${result.version}`), target)
      }
    }
    assert.equal(readFileSync(outside, 'latin1'), 'untouched')
  })

  test(`a directory under the name is an error and stays (${temp} temp files)`, async (t) => {
    const { src, dest, copy } = await place(t)
    writeFileSync(`${src}/f`, 'new')
    mkdirSync(`${dest}/f`)
    writeFileSync(`${dest}/f/inner`, 'kept')
    for (const existing of ['replace', 'version', 'refuse'] as const) {
      const { error } = await copy(same('f', { existing }), faults)
      assert.equal(error?.code, existing === 'refuse' ? 'EEXIST' : 'EISDIR')
      assert.equal(error?.path, `${dest}/f`)
    }
    assert.equal((await copy(same('f', { existing: 'skip' }), faults)).outcome, 'skipped')
    assert.deepEqual(readdirSync(dest), ['f'])
    assert.deepEqual(contents(`${dest}/f`), { inner: 'kept' })
  })

  test(`whoever takes the name in the last moment keeps it where no other can be had (${temp} temp files)`, async (t) => {
    const { src, dest } = await place(t)
    writeFileSync(`${src}/f`, 'ours')
    writeFileSync(`${dest}/f`, 'old')
    const at = faults.length === 0 ? 1 : 2
    const hold: NativeFault = { call: 'renameat2', effect: 'hold', at }
    const full: NativeFault = { call: 'renameat2', effect: 'ENOSPC', at: at + 1 }
    await using engine = openRaw({ faults: [hold, full, ...faults] })
    const files = [same('f', { existing: 'version' })]
    const { finished } = engine.startFiles({ srcRoot: bytes(src), destRoot: bytes(dest), files })
    await engine.reached(hold)
    writeFileSync(`${dest}/theirs`, 'theirs')
    renameSync(`${dest}/theirs`, `${dest}/f`)
    engine.release()
    const [result] = (await finished).files
    assert.equal(result?.error?.code, 'ENOSPC')
    assert.deepEqual(contents(dest), { f: 'theirs', 'f.~1~': 'old' })
  })

  test(`a great many names that are taken are not all tried (${temp} temp files)`, async (t) => {
    const { src, dest, copy } = await place(t)
    writeFileSync(`${src}/f`, 'new')
    writeFileSync(`${dest}/f`, 'old')
    for (let i = 1; i <= 256; ++i) writeFileSync(`${dest}/f.~${i}~`, '')
    const result = await copy(same('f', { existing: 'version' }), faults)
    assert.match(result.version ?? '', /^f\.~[0-9a-f]{16}~$/)
    assert.equal(readFileSync(`${dest}/${result.version}`, 'latin1'), 'old')
  })

  test(`whoever takes the name in the last moment loses nothing either (${temp} temp files)`, async (t) => {
    const { src, dest } = await place(t)
    writeFileSync(`${src}/f`, 'ours')
    writeFileSync(`${dest}/f`, 'old')
    // The first rename of an unnamed file is the exchange; of a named one, it is the second.
    const fault: NativeFault = { call: 'renameat2', effect: 'hold', at: faults.length === 0 ? 1 : 2 }
    await using engine = openRaw({ faults: [fault, ...faults] })
    const files = [same('f', { existing: 'version' })]
    const { finished } = engine.startFiles({ srcRoot: bytes(src), destRoot: bytes(dest), files })
    await engine.reached(fault)
    writeFileSync(`${dest}/theirs`, 'theirs')
    renameSync(`${dest}/theirs`, `${dest}/f`)
    engine.release()
    const [result] = (await finished).files
    assert.equal(result?.outcome, 'versioned')
    assert.deepEqual(contents(dest), { f: 'ours', 'f.~1~': 'old', 'f.~2~': 'theirs' })
  })

  test(`a name that comes free in the last moment is taken (${temp} temp files)`, async (t) => {
    const { src, dest } = await place(t)
    for (const existing of ['replace', 'version'] as const) {
      writeFileSync(`${src}/f`, 'ours')
      writeFileSync(`${dest}/f`, 'old')
      const fault: NativeFault = { call: 'fstatat', effect: 'hold', at: existing === 'version' ? 2 : 1 }
      await using engine = openRaw({ faults: [fault, ...faults] })
      const { finished } = engine.startFiles({
        srcRoot: bytes(src),
        destRoot: bytes(dest),
        files: [same('f', { existing })],
      })
      await engine.reached(fault)
      renameSync(`${dest}/f`, `${dest}/gone`)
      engine.release()
      const [result] = (await finished).files
      assert.equal(result?.outcome, 'created')
      assert.deepEqual(contents(dest), { f: 'ours', gone: 'old' })
    }
  })
}

function symlinked(target: string, path: string): string {
  symlinkSync(target, path)
  return path
}

test('our own earlier copy is replaced without a version, and only while it is ours', async (t) => {
  const { src, dest, copy } = await place(t)
  writeFileSync(`${src}/f`, 'first')
  assert.equal((await copy(same('f', { existing: 'version' }))).outcome, 'created')
  const { size, mtimeNs } = statSync(`${dest}/f`, { bigint: true })
  const expect = { size: Number(size), mtimeNs }
  writeFileSync(`${src}/f`, 'first, and more')
  assert.equal((await copy(same('f', { existing: 'version', expect }))).outcome, 'replaced')
  assert.deepEqual(contents(dest), { f: 'first, and more' })
  // It isn't what we expect any more.
  writeFileSync(`${src}/f`, 'third')
  assert.equal((await copy(same('f', { existing: 'version', expect }))).outcome, 'versioned')
  assert.deepEqual(contents(dest), { f: 'third', 'f.~1~': 'first, and more' })
})

test('a finished copy is recognised by content, time, owner and mode, and stays untouched', async (t) => {
  const { src, dest, copy } = await place(t)
  writeFileSync(`${src}/f`, 'content')
  const file = same('f', { existing: 'version' })
  await copy(file)
  const before = lstatSync(`${dest}/f`, { bigint: true })
  assert.equal((await copy(file)).outcome, 'unchanged')
  const after = lstatSync(`${dest}/f`, { bigint: true })
  assert.deepEqual({ ...after }, { ...before }, 'not even its times')
  // The same content with another mode is copied again, since changing it in place could change another's file.
  chmodSync(`${dest}/f`, 0o600)
  linkSync(`${dest}/f`, `${dest}/link`)
  assert.equal((await copy(file)).outcome, 'replaced')
  assert.equal(statSync(`${dest}/link`).mode & 0o777, 0o600)
  assert.notEqual(statSync(`${dest}/f`).ino, statSync(`${dest}/link`).ino)
  assert.equal(statSync(`${dest}/f`).mode, statSync(`${src}/f`).mode)
  // So is the same content of another time; it makes no version, since nothing would be lost.
  utimesSync(`${dest}/f`, 1, 2)
  assert.equal((await copy(file)).outcome, 'replaced')
  assert.deepEqual(Object.keys(contents(dest)).sort(), ['f', 'link'])
})

test('a copied file that comes again is read, and nothing is written if it is what was copied', async (t) => {
  const { src, dest } = await place(t)
  writeFileSync(`${src}/f`, 'content')
  await using engine = openRaw({ faults: [{ call: 'open', effect: 'delay' }] })
  const job = { srcRoot: bytes(src), destRoot: bytes(dest) }
  const [first] = (await engine.startFiles({ ...job, files: [same('f', { existing: 'version' })] }).finished).files
  assert.ok(first?.fingerprint)
  const { size, mtimeNs } = statSync(`${dest}/f`, { bigint: true })
  const expect = { size: Number(size), mtimeNs }
  const file = same('f', { existing: 'version', known: first.fingerprint, expect, knownDigest: first.digest ?? '' })
  const writes = engine.calls()['pwrite']
  const [again] = (await engine.startFiles({ ...job, files: [file] }).finished).files
  assert.equal(again?.outcome, 'unchanged')
  assert.equal(engine.calls()['pwrite'], writes)
  // Other content, though no time stamp says so.
  const stored = { ...file, knownDigest: '0'.repeat(32) }
  assert.equal((await engine.startFiles({ ...job, files: [stored] }).finished).files[0]?.outcome, 'replaced')
  // Another size of the destination: it is no longer that copy.
  writeFileSync(`${dest}/f`, 'tampered with')
  const [third] = (await engine.startFiles({ ...job, files: [file] }).finished).files
  assert.equal(third?.outcome, 'versioned')
})

test('copies that race for one name keep every content', async (t) => {
  const { src, dest } = await place(t)
  const count = 48
  for (let i = 0; i < count; ++i) writeFileSync(`${src}/${i}`, `content ${i}`)
  const engines = [openRaw({ threads: 4 }), openRaw({ threads: 4, faults: [namedTemps] }), openRaw({ threads: 2 })]
  const results = await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const files = [{ src: bytes(`${i}`), dest: bytes('f'), existing: 'version' as const }]
      const engine = engines[i % engines.length] ?? assert.fail()
      return (await engine.startFiles({ srcRoot: bytes(src), destRoot: bytes(dest), files }).finished).files[0]
    }),
  )
  await Promise.all(engines.map((engine) => engine.close()))
  for (const result of results) assert.match(result?.outcome ?? '', /^(created|versioned)$/, result?.error?.code)
  const kept = [...new Set(Object.values(contents(dest)))].sort()
  assert.deepEqual(kept, Array.from({ length: count }, (_, i) => `content ${i}`).sort())
  // Two that meet the same older file may both keep it: under two names, but once on the disk.
  const inodes = new Set(readdirSync(dest).map((name) => lstatSync(`${dest}/${name}`).ino))
  assert.equal(inodes.size, count)
  assert.ok(readdirSync(dest).every((name) => name === 'f' || /^f\.~\d+~$/.test(name)))
})

test('copies that race for one name with "refuse" make one file and count the others as failed', async (t) => {
  const { src, dest } = await place(t)
  for (let i = 0; i < 32; ++i) writeFileSync(`${src}/${i}`, `content ${i}`)
  await using engine = openRaw({ threads: 8 })
  const files = Array.from({ length: 32 }, (_, i) => ({
    src: bytes(`${i}`),
    dest: bytes('f'),
    existing: 'refuse' as const,
  }))
  const results = (await engine.startFiles({ srcRoot: bytes(src), destRoot: bytes(dest), files }).finished).files
  const made = results.filter(({ outcome }) => outcome === 'created')
  assert.equal(made.length, 1)
  assert.ok(results.every(({ outcome, error }) => outcome === 'created' || error?.code === 'EEXIST'))
  assert.deepEqual(contents(dest), { f: `content ${made[0]?.index}` })
})

test('where files have no time of birth, a number tells the same file only to the engine that saw it written', async (t) => {
  const { src, dest } = await place(t)
  const faults: NativeFault[] = [{ call: 'fstatx', effect: 'ENOSYS', times: -1 }]
  const job = { srcRoot: bytes(src), destRoot: bytes(dest) }
  const outcomes: (string | undefined)[] = []
  let last: NativeFileResult | undefined
  async function again(engine: RawEngine): Promise<void> {
    appendFileSync(`${src}/f`, 'more')
    const known = last?.fingerprint
    const { size, mtimeNs } = known === undefined ? { size: 0n, mtimeNs: 0n } : statSync(`${dest}/f`, { bigint: true })
    const more = known === undefined ? {} : { known, expect: { size: Number(size), mtimeNs } }
    last = (await engine.startFiles({ ...job, files: [same('f', { existing: 'version', ...more })] }).finished).files[0]
    outcomes.push(last?.outcome)
  }
  {
    await using engine = openRaw({ faults })
    await again(engine)
    await again(engine)
  }
  // Since then the machine may have been started anew, and its numbers have begun from the start.
  await sleep(20)
  await using next = openRaw({ faults })
  await again(next)
  assert.deepEqual(outcomes, ['created', 'replaced', 'versioned'])
})
