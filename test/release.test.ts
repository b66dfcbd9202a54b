/** What becomes of each file of a release, and of directories at a shift's end. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type ByteString, bufferOfBytes } from '#lib/bytes.js'
import { digestOf } from '#lib/demo/digest.js'
import { type Engine, type EngineOptions, openEngine } from '#lib/engine/index.js'
import { type NativeReleaseFile, type NativeReleaseResult, native } from '#lib/native.js'
import { startMapping } from './support/mapping.js'
import { bytes, counting } from './support/raw-engine.js'
import {
  hidden,
  linkText,
  makeTiers,
  openRelease,
  type PlannedRelease,
  plan,
  releasable,
  releaseJob,
  setTimes,
  type Tiers,
} from './support/release-world.js'
import { scratch } from './support/tree.js'

const needsRoot = process.geteuid?.() === 0 ? false : 'needs root'

interface World extends Tiers {
  readonly engine: Engine
  /** Releases one file. */
  one(file: NativeReleaseFile): Promise<NativeReleaseResult>
}

async function world(t: TestContext, options: EngineOptions = {}): Promise<World> {
  const tiers = makeTiers(await scratch(t))
  const engine = openEngine({ threads: 2, ...options })
  t.after(() => engine.close('cancel'))
  return {
    ...tiers,
    engine,
    async one(file) {
      const { files } = await engine.release(releaseJob(tiers, [file]))
      assert.deepEqual(hidden(tiers.buffer), [])
      return files[0] ?? assert.fail()
    },
  }
}

/** The same, with its content's digest on both tiers. */
function digested({ known, copy, ...file }: PlannedRelease, content = `content of ${file.name}`): PlannedRelease {
  const digest = digestOf(Buffer.from(content))
  return { ...file, known: { ...known, digest }, copy: { ...copy, digest } }
}

/** A file that must be as it was planted. */
function intact(tiers: Tiers, name: string): void {
  assert.ok(lstatSync(`${tiers.buffer}/${name}`).isFile())
  assert.equal(readFileSync(`${tiers.buffer}/${name}`, 'utf8'), `content of ${name}`)
}

test('a file is replaced by a link to its copy, as old as the file and of the same owner', async (t) => {
  const tiers = await world(t)
  const file = releasable(tiers, 'd/f')
  if (needsRoot === false) chownSync(`${tiers.buffer}/d/f`, 1234, 5678)
  const before = lstatSync(`${tiers.buffer}/d/f`)
  const { outcome, bytes: freed, error } = await tiers.one({ ...plan(tiers, 'd/f'), known: plan(tiers, 'd/f').known })
  assert.equal(error, undefined)
  assert.equal(outcome, 'released')
  assert.equal(freed, before.blocks * 512)
  const after = lstatSync(`${tiers.buffer}/d/f`)
  assert.ok(after.isSymbolicLink())
  assert.deepEqual([after.uid, after.gid, after.mtimeMs], [before.uid, before.gid, before.mtimeMs])
  assert.equal(readlinkSync(`${tiers.buffer}/d/f`), file.link)
  assert.equal(readFileSync(`${tiers.buffer}/d/f`, 'utf8'), 'content of d/f')
})

test('a file is deleted, and its copy stays', async (t) => {
  const tiers = await world(t)
  const { outcome, bytes: freed } = await tiers.one(releasable(tiers, 'f', 'delete'))
  assert.equal(outcome, 'released')
  assert.ok(freed > 0)
  assert.deepEqual(readdirSync(tiers.buffer), [])
  assert.equal(readFileSync(`${tiers.disk}/f`, 'utf8'), 'content of f')
})

test('a file for whose copy the caller answers is deleted without a look at one; a link always needs one', async (t) => {
  const tiers = await world(t)
  const [{ copy: _, ...file }, { copy: __, ...other }] = [
    releasable(tiers, 'd/f', 'delete'),
    releasable(tiers, 'd/other', 'delete'),
  ]
  const job = { root: bytes(tiers.buffer), durability: 'none' } as const
  const wrong = { ...other, known: { ...other.known, size: other.known.size + 1 } }
  const { files } = await tiers.engine.release({ ...job, files: [file, wrong] })
  assert.deepEqual(
    files.map(({ outcome }) => outcome),
    ['released', 'changed'],
  )
  assert.deepEqual(readdirSync(`${tiers.buffer}/d`), ['other'])
  for (const by of ['link', 'clear'] as const) {
    const release = tiers.engine.release({ ...job, files: [{ ...other, by, link: bytes('nowhere') }] })
    await assert.rejects(release, /without a copy/)
  }
  // One that has a copy needs the place where it is.
  await assert.rejects(tiers.engine.release({ ...job, files: [plan(tiers, 'd/other', 'delete')] }), { code: 'ENOENT' })
  assert.deepEqual(readdirSync(`${tiers.buffer}/d`), ['other'])
})

for (const by of ['link', 'delete', 'clear'] as const) {
  test(`${by}: a file that isn't the version that was copied is changed, and stays`, async (t) => {
    const tiers = await world(t)
    const { known, ...file } = releasable(tiers, 'f', by)
    const { ino = 0n, ctimeNs = 0n } = known
    for (const other of [
      { ...known, size: known.size - 1 },
      { ...known, mtimeNs: known.mtimeNs + 1n },
      { ...known, ino: ino + 1n },
      { ...known, ctimeNs: ctimeNs - 1n },
    ]) {
      assert.equal((await tiers.one({ ...file, known: other })).outcome, 'changed')
      intact(tiers, 'f')
    }
    // What isn't told doesn't count.
    const { size, mtimeNs } = known
    assert.equal((await tiers.one({ ...file, known: { size, mtimeNs } })).outcome, 'released')
  })

  test(`${by}: a file that somebody has open for writing is busy, and one that is only read is not`, async (t) => {
    const tiers = await world(t)
    const file = releasable(tiers, 'f', by)
    for (const flags of [constants.O_WRONLY, constants.O_RDWR, constants.O_WRONLY | constants.O_APPEND]) {
      const writer = openSync(`${tiers.buffer}/f`, flags)
      assert.equal((await tiers.one(file)).outcome, 'busy')
      intact(tiers, 'f')
      closeSync(writer)
    }
    const reader = openSync(`${tiers.buffer}/f`, constants.O_RDONLY)
    assert.equal((await tiers.one(file)).outcome, 'released')
    const text = Buffer.alloc(12)
    readSync(reader, text)
    assert.equal(text.toString(), 'content of f')
    closeSync(reader)
  })

  test(`${by}: a name that is gone is absent, and so is one in a directory that is gone`, async (t) => {
    const tiers = await world(t)
    const files = [releasable(tiers, 'f', by), releasable(tiers, 'd/e/f', by), releasable(tiers, 'x/f', by)]
    rmSync(`${tiers.buffer}/f`)
    rmSync(`${tiers.buffer}/d`, { recursive: true })
    rmSync(`${tiers.buffer}/x`, { recursive: true })
    writeFileSync(`${tiers.buffer}/x`, 'a file now')
    for (const file of files) assert.equal((await tiers.one(file)).outcome, 'absent')
    assert.deepEqual(readdirSync(tiers.buffer), ['x'])
  })

  test(`${by}: without the copy, or with another one, it is missing, and the file stays`, async (t) => {
    const tiers = await world(t)
    const file = releasable(tiers, 'd/f', by)
    const copy = `${tiers.disk}/d/f`
    const missing = async (): Promise<void> => {
      assert.equal((await tiers.one(file)).outcome, 'missing')
      intact(tiers, 'd/f')
    }
    setTimes(copy, 3000)
    await missing()
    truncateSync(copy, 3)
    setTimes(copy, 2000)
    await missing()
    rmSync(copy)
    symlinkSync(`${tiers.buffer}/d/f`, copy)
    await missing()
    rmSync(copy)
    await missing()
    rmSync(`${tiers.disk}/d`, { recursive: true })
    await missing()
    writeFileSync(`${tiers.disk}/d`, 'a file now')
    await missing()
  })

  test(`${by}: what is no file has no digest: a link to an equal file, a pipe, a socket, a device, a directory`, {
    skip: needsRoot,
  }, async (t) => {
    const tiers = await world(t)
    // They have no bytes, as it has none, and are as old.
    const file = digested(releasable(tiers, 'f', by, ''), '')
    const [copy, equal] = [`${tiers.disk}/f`, `${tiers.disk}/equal`]
    renameSync(copy, equal)
    const server = createServer()
    t.after(() => server.close())
    for (const make of [
      () => symlinkSync('equal', copy),
      () => spawnSync('mkfifo', [copy]),
      () => once(server.listen(copy), 'listening'),
      () => spawnSync('mknod', [copy, 'c', '1', '3']),
      // No driver has this number.
      () => spawnSync('mknod', [copy, 'c', '511', '1048575']),
      () => mkdirSync(copy),
    ]) {
      await make()
      lutimesSync(copy, 2000, 2000)
      const before = lstatSync(copy)
      assert.ok(!before.isFile())
      assert.equal((await tiers.one(file)).outcome, 'missing')
      assert.ok(lstatSync(`${tiers.buffer}/f`).isFile())
      assert.equal(lstatSync(copy).ino, before.ino)
      rmSync(copy, { recursive: true })
    }
    assert.equal((await tiers.one(file)).outcome, 'missing')
    linkSync(equal, copy)
    assert.equal((await tiers.one(file)).outcome, 'released')
  })

  test(`${by}: a copy of the right digest, but another time or one byte more, is another one`, async (t) => {
    const tiers = await world(t)
    const file = digested(releasable(tiers, 'f', by))
    const copy = `${tiers.disk}/f`
    setTimes(copy, 3000)
    assert.equal((await tiers.one(file)).outcome, 'missing')
    appendFileSync(copy, 'x')
    setTimes(copy, 2000)
    const { outcome, error } = await tiers.one(file)
    assert.deepEqual([outcome, error], ['missing', undefined], 'it is not even read')
    intact(tiers, 'f')
    truncateSync(copy, file.copy.size)
    setTimes(copy, 2000)
    assert.equal((await tiers.one(file)).outcome, 'released')
  })

  test(`${by}: the file itself is no copy of it, whatever its digest`, async (t) => {
    const tiers = await world(t)
    const { known, ...file } = digested(releasable(tiers, 'f', by))
    const { ctimeNs: _, ...version } = known
    rmSync(`${tiers.disk}/f`)
    linkSync(`${tiers.buffer}/f`, `${tiers.disk}/f`)
    assert.equal((await tiers.one({ ...file, known: version })).outcome, 'missing')
    intact(tiers, 'f')
  })

  test(`${by}: the file itself is no copy of it`, async (t) => {
    const tiers = await world(t)
    const file = releasable(tiers, 'f', by)
    const { files } = await tiers.engine.release({ ...releaseJob(tiers, [file]), nextRoot: bytes(tiers.buffer) })
    assert.equal(files[0]?.outcome, 'missing')
    rmSync(`${tiers.disk}/f`)
    linkSync(`${tiers.buffer}/f`, `${tiers.disk}/f`)
    const { ctimeNs: _, ...known } = file.known
    assert.equal((await tiers.one({ ...file, known })).outcome, 'missing')
    intact(tiers, 'f')
  })

  test(`${by}: with a digest the copy is read, and rot is found`, async (t) => {
    const tiers = await world(t)
    const content = Buffer.alloc(300_000, 'x')
    const file = releasable(tiers, 'f', by, content)
    const asked = { ...file, copy: { ...file.copy, digest: digestOf(content) } }
    content[150_000] = 0
    writeFileSync(`${tiers.disk}/f`, content)
    setTimes(`${tiers.disk}/f`, 2000)
    const { outcome, error } = await tiers.one(asked)
    assert.equal(outcome, 'missing')
    assert.deepEqual([error?.code, error?.path], ['ERR_SUSTEN_DIGEST', `${tiers.disk}/f`])
    content[150_000] = 'x'.charCodeAt(0)
    assert.ok(readFileSync(`${tiers.buffer}/f`).equals(content))
    writeFileSync(`${tiers.disk}/f`, content)
    setTimes(`${tiers.disk}/f`, 2000)
    assert.equal((await tiers.one(asked)).outcome, 'released')
  })

  test(`${by}: with a digest the file is read, and one with another content is changed, whatever its stamps`, async (t) => {
    const tiers = await world(t)
    const content = Buffer.alloc(300_000, 'x')
    const path = `${tiers.buffer}/f`
    const { ctimeNs: _, ...known } = releasable(tiers, 'f', by, content).known
    const asked = { ...plan(tiers, 'f', by), known: { ...known, digest: digestOf(content) } }
    const other = Buffer.from(content)
    other[299_999] = 0
    writeFileSync(path, other)
    utimesSync(path, 1, 2000)
    assert.equal((await tiers.one(asked)).outcome, 'changed')
    assert.ok(readFileSync(path).equals(other))
    writeFileSync(path, content)
    utimesSync(path, 1, 2000)
    assert.equal((await tiers.one({ ...asked, known: { ...asked.known, digest: digestOf(other) } })).outcome, 'changed')
    // Who checks isn't told from who doesn't: a policy may go by when a file was last read.
    assert.equal(lstatSync(path).atimeMs, 1000)
    assert.equal((await tiers.one(asked)).outcome, 'released')
  })

  test(`${by}: what is stored through a mapping, with all stamps as they were, isn't lost`, async (t) => {
    const tiers = await world(t)
    const path = `${tiers.buffer}/f`
    const writer = await startMapping(t, path)
    const content = readFileSync(path)
    mkdirSync(tiers.disk, { recursive: true })
    writeFileSync(`${tiers.disk}/f`, content)
    const file = plan(tiers, 'f', by)
    await writer.goOn()
    assert.equal((await tiers.one(file)).outcome, 'busy')
    await writer.close()
    const asked = { ...file, known: { ...file.known, digest: digestOf(content) } }
    assert.equal((await tiers.one(asked)).outcome, 'changed')
    assert.equal(readFileSync(path, 'utf8'), 'B'.repeat(8192))
  })

  test(`${by}: a pipe, a device, a directory or another's link where the file was is changed, and stays`, {
    skip: needsRoot,
  }, async (t) => {
    const tiers = await world(t)
    const file = releasable(tiers, 'f', by)
    const path = `${tiers.buffer}/f`
    for (const make of [
      () => spawnSync('mkfifo', [path]),
      () => spawnSync('mknod', [path, 'c', '1', '3']),
      () => mkdirSync(path),
      () => symlinkSync('elsewhere', path),
    ]) {
      rmSync(path, { recursive: true })
      make()
      const before = lstatSync(path)
      assert.equal((await tiers.one(file)).outcome, 'changed')
      assert.equal(lstatSync(path).ino, before.ino)
    }
  })

  test(`${by}: names that lead out of the roots are refused`, async (t) => {
    const tiers = await world(t)
    const file = releasable(tiers, 'f', by)
    writeFileSync(`${tiers.buffer}/../outside`, 'outside')
    for (const name of ['../outside', '', '.', '..', '/etc/passwd', 'd/../f', './f', 'f/', 'a\0b']) {
      for (const asked of [
        { ...file, name: bytes(name) },
        { ...file, copy: { ...file.copy, name: bytes(name) } },
      ]) {
        const { outcome, error } = await tiers.one(asked)
        assert.deepEqual([outcome, error?.code], ['failed', 'EINVAL'], JSON.stringify(name))
      }
    }
    assert.equal(readFileSync(`${tiers.buffer}/../outside`, 'utf8'), 'outside')
    intact(tiers, 'f')
  })

  test(`${by}: where names can't be exchanged or writers not told, nothing is touched`, async (t) => {
    for (const [call, effect] of [
      ['renameat2', 'EINVAL'],
      ['renameat2', 'ENOSYS'],
      ['setlease', 'EINVAL'],
      ['setlease', 'EACCES'],
    ] as const) {
      const tiers = await world(t, { threads: 1, faults: [{ call, effect, times: -1 }] })
      const { outcome, error } = await tiers.one(releasable(tiers, 'f', by))
      assert.equal(outcome, 'failed')
      assert.deepEqual([error?.code, error?.syscall], ['ERR_SUSTEN_NO_RELEASE', call])
      intact(tiers, 'f')
    }
  })
}

test('holes are not read, wherever they are', async (t) => {
  const tiers = makeTiers(await scratch(t))
  const MiB = 1024 * 1024
  for (const [name, size, data] of [
    ['all', 64 * MiB, []],
    ['begin', 64 * MiB, [60 * MiB]],
    ['end', 64 * MiB + 1, [0, 8 * MiB + 4096]],
    ['between', 64 * MiB, [0, 64 * MiB - 4096]],
    ['small', 5000, []],
  ] as const) {
    const content = Buffer.alloc(size)
    for (const at of data) content.fill('x', at, at + 4096)
    for (const tier of [tiers.buffer, tiers.disk]) {
      const fd = openSync(`${tier}/${name}`, 'w')
      for (const at of data) writeSync(fd, content, at, 4096, at)
      ftruncateSync(fd, size)
      closeSync(fd)
      setTimes(`${tier}/${name}`, 2000)
    }
    const file = plan(tiers, name, 'delete')
    const digest = digestOf(content)
    await using engine = openRelease({ faults: [counting] })
    const { results } = await engine.start(
      releaseJob(tiers, [{ ...file, known: { ...file.known, digest }, copy: { ...file.copy, digest } }]),
    )
    assert.equal(results[0]?.outcome, 'released', name)
    const reads = engine.calls()['pread'] ?? 0
    assert.ok(reads >= 2 && reads <= 2 * (data.length + 1) * 16, `${name}: ${reads} reads`)
  }
})

test('a link that is there already is told so, and another one is changed', async (t) => {
  const tiers = await world(t)
  const file = releasable(tiers, 'f')
  assert.equal((await tiers.one(file)).outcome, 'released')
  assert.equal((await tiers.one(file)).outcome, 'already')
  assert.equal((await tiers.one({ ...file, link: bytes('elsewhere') })).outcome, 'changed')
  assert.equal((await tiers.one({ ...file, by: 'delete' })).outcome, 'changed')
  assert.equal(readlinkSync(`${tiers.buffer}/f`), linkText(tiers, 'f'))
})

test('a file with several names is released, and gives nothing back before the last one', async (t) => {
  const tiers = await world(t)
  releasable(tiers, 'f')
  linkSync(`${tiers.buffer}/f`, `${tiers.buffer}/g`)
  const result = await tiers.one(plan(tiers, 'f'))
  assert.deepEqual([result.outcome, result.bytes], ['released', 0])
  assert.equal(readFileSync(`${tiers.buffer}/g`, 'utf8'), 'content of f')
})

test("clearing removes links of earlier releases and files, and leaves others' links", async (t) => {
  const tiers = await world(t)
  const files = ['a', 'b', 'd/c', 'd/e'].map((name) => releasable(tiers, name))
  await tiers.engine.release(releaseJob(tiers, files.slice(0, 3)))
  rmSync(`${tiers.buffer}/b`)
  symlinkSync('elsewhere', `${tiers.buffer}/b`)
  const clear = files.map((file) => ({ ...file, by: 'clear' as const }))
  const results = (await tiers.engine.release(releaseJob(tiers, clear))).files
  assert.deepEqual(
    results.map(({ outcome }) => outcome),
    ['released', 'changed', 'released', 'released'],
  )
  assert.deepEqual(readdirSync(tiers.buffer, { recursive: true }).sort(), ['b', 'd'])
  assert.equal(readlinkSync(`${tiers.buffer}/b`), 'elsewhere')
  for (const name of ['a', 'b', 'd/c', 'd/e'])
    assert.equal(readFileSync(`${tiers.disk}/${name}`, 'utf8').length, 11 + name.length)
})

test('directories that became empty go, deepest first, and no others', async (t) => {
  const tiers = await world(t)
  const files = ['a/b/c/f', 'a/g', 'x/h', 'x/y/i'].map((name) => releasable(tiers, name, 'clear'))
  writeFileSync(`${tiers.buffer}/x/foreign`, 'extra data')
  mkdirSync(`${tiers.buffer}/unnamed/empty`, { recursive: true })
  symlinkSync('a', `${tiers.buffer}/l`)
  const directories = ['a', 'a/b', 'a/b/c', 'x', 'x/y', 'gone', 'gone/too', 'l', '', '..'].map(bytes)
  const results = await tiers.engine.release(releaseJob(tiers, files, { directories }))
  assert.ok(results.files.every(({ outcome }) => outcome === 'released'))
  assert.deepEqual(
    results.directories.map(({ outcome }) => outcome),
    ['released', 'released', 'released', 'kept', 'released', 'absent', 'absent', 'kept', 'failed', 'failed'],
  )
  assert.deepEqual(
    results.directories.map(({ index }) => index),
    directories.map((_, i) => files.length + i),
  )
  assert.deepEqual(readdirSync(tiers.buffer, { recursive: true }).sort(), [
    'l',
    'unnamed',
    'unnamed/empty',
    'x',
    'x/foreign',
  ])
})

test('a root on another volume than expected is not touched', async (t) => {
  const tiers = await world(t)
  const file = releasable(tiers, 'f')
  const { identity } = await tiers.engine.volume(bytes(tiers.buffer))
  for (const which of ['rootIdentity', 'nextIdentity'] as const) {
    const job = releaseJob(tiers, [file], { [which]: `${identity} exchanged`, directories: [bytes('d')] })
    const path = which === 'rootIdentity' ? tiers.buffer : tiers.disk
    await assert.rejects(tiers.engine.release(job), { code: 'ERR_SUSTEN_STORAGE', path })
  }
  intact(tiers, 'f')
  const job = releaseJob(tiers, [file], { rootIdentity: identity, nextIdentity: identity })
  assert.equal((await tiers.engine.release(job)).files[0]?.outcome, 'released')
})

test('a root that is missing rejects', async (t) => {
  const tiers = await world(t)
  const file = releasable(tiers, 'f')
  renameSync(tiers.disk, `${tiers.disk}2`)
  await assert.rejects(tiers.engine.release(releaseJob(tiers, [file])), { code: 'ENOENT', path: tiers.disk })
  intact(tiers, 'f')
})

test('results come in the order of the files, over many bundles and directories', async (t) => {
  const tiers = await world(t)
  const names = Array.from({ length: 700 }, (_, i) => `d${i % 7}/f${i}`)
  const files = names.map((name, i) => releasable(tiers, name, i % 2 === 0 ? 'link' : 'delete'))
  const gone = new Set([0, 128, 300, 699])
  for (const i of gone) rmSync(`${tiers.buffer}/${names[i]}`)
  const heard: NativeReleaseResult[] = []
  const results = await tiers.engine.release(releaseJob(tiers, files), { onFile: (result) => heard.push(result) })
  for (const [i, { outcome, index }] of results.files.entries()) {
    assert.deepEqual([index, outcome], [i, gone.has(i) ? 'absent' : 'released'])
    assert.equal(existsSync(`${tiers.buffer}/${names[i]}`), i % 2 === 0 && !gone.has(i))
  }
  assert.deepEqual(
    heard.sort((a, b) => a.index - b.index),
    results.files,
  )
  assert.deepEqual(hidden(tiers.buffer), [])
})

test('what came of a hundred files that are released together is told at once', async (t) => {
  const tiers = await world(t)
  const files = Array.from({ length: 100 }, (_, i) => releasable(tiers, `f${i}`))
  const told: number[] = []
  await new Promise<void>((resolve) => {
    const engine = native.openEngine({
      threads: 1,
      nice: 0,
      queueLimit: 1000,
      onEvents(events) {
        told.push(events.filter(({ type }) => type === 'release').length)
        if (events.some(({ type }) => type === 'done')) resolve()
      },
    })
    t.after(() => native.closeEngine(engine, 'cancel'))
    native.releaseFiles(engine, releaseJob(tiers, files))
  })
  assert.deepEqual(
    told.filter((count) => count > 0),
    [100],
  )
})

test('a job larger than the queue is released whole, directories last', async (t) => {
  const tiers = await world(t, { queueLimit: 7 })
  const names = Array.from({ length: 30 }, (_, i) => `d${i}/f`)
  const files = names.map((name) => releasable(tiers, name, 'clear'))
  const directories = names.map((_, i) => bytes(`d${i}`))
  const results = await tiers.engine.release(releaseJob(tiers, files, { directories }))
  assert.deepEqual(
    new Set([...results.files, ...results.directories].map(({ outcome }) => outcome)),
    new Set(['released']),
  )
  assert.deepEqual(
    [...results.files, ...results.directories].map(({ index }) => index),
    Array.from({ length: 60 }, (_, i) => i),
  )
  assert.deepEqual(readdirSync(tiers.buffer), [])
})

test('a name may be any bytes, and a link text too', async (t) => {
  const tiers = await world(t)
  const name = `new\nline \xff\xfe ${'x'.repeat(240)}` as ByteString
  const at = (tier: string): Buffer => bufferOfBytes(`${tier}/${name}` as ByteString)
  for (const tier of [tiers.buffer, tiers.disk]) writeFileSync(at(tier), 'content')
  for (const tier of [tiers.buffer, tiers.disk]) utimesSync(at(tier), 2000, 2000)
  const known = { size: 7, mtimeNs: 2_000_000_000_000n }
  const link = `${tiers.disk}/${name}` as ByteString
  const result = await tiers.one({ name, by: 'link', known, copy: { name, ...known }, link })
  assert.equal(result.outcome, 'released')
  assert.equal(readFileSync(at(tiers.buffer), 'utf8'), 'content')
})

test('the same file twice in a job is released once', async (t) => {
  const tiers = await world(t)
  const [a, b] = [releasable(tiers, 'a'), releasable(tiers, 'b', 'delete')]
  const { files } = await tiers.engine.release(releaseJob(tiers, [a, b, a, b]))
  assert.deepEqual(
    files.map(({ outcome }) => outcome),
    ['released', 'released', 'already', 'absent'],
  )
})

test('an aborted release rejects, and every file is released or as it was', async (t) => {
  const tiers = await world(t, { faults: [{ call: 'setlease', effect: 'delay', delay: 1, times: -1 }] })
  const names = Array.from({ length: 600 }, (_, i) => `f${i}`)
  const files = names.map((name) => releasable(tiers, name, 'link'))
  const abort = new AbortController()
  const reason = new Error('mine')
  const releasing = tiers.engine.release(releaseJob(tiers, files), {
    signal: abort.signal,
    onFile: () => abort.abort(reason),
  })
  await assert.rejects(releasing, { code: 'ABORT_ERR', cause: reason })
  assert.deepEqual(hidden(tiers.buffer), [])
  const links = names.filter((name) => lstatSync(`${tiers.buffer}/${name}`).isSymbolicLink())
  assert.ok(links.length < names.length)
  for (const name of names) assert.equal(readFileSync(`${tiers.buffer}/${name}`, 'utf8'), `content of ${name}`)
})

test('a closed engine refuses a release, and a wrong one is told what is wrong', async (t) => {
  const tiers = await world(t)
  const { link: _, ...file } = releasable(tiers, 'f')
  await assert.rejects(tiers.engine.release(releaseJob(tiers, [file])), { code: 'ERR_SUSTEN_OPTION', message: /link/ })
  await tiers.engine.close()
  await assert.rejects(tiers.engine.release(releaseJob(tiers, [])), { code: 'ERR_SUSTEN_CLOSED' })
})
