/** A cancelled job stops after a few system calls, wherever it is, and leaves nothing of what it hadn't finished. */
import assert from 'node:assert/strict'
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { copyTree } from '#lib/copy-tree/index.js'
import { openEngine } from '#lib/engine/index.js'
import type { NativeCopyOptions, NativeFault, NativeFileResult } from '#lib/native.js'
import { type FileSystem, type Mount, mount, whyNot } from './support/mounts.js'
import { bytes, namedTemps, openRaw, same } from './support/raw-engine.js'
import { look, plant, scratch } from './support/tree.js'

const KiB = 1024
const MiB = 1024 * KiB
const size = 64 * MiB
const hold = (call: string, at = 1): NativeFault => ({ call, effect: 'hold', at })

/**
 * Where the abort comes, and how many calls of that kind may still begin after it. At 1 GB/s, 4 MiB take 4 ms; the
 * promise is 50 ms.
 */
const middles: readonly [string, FileSystem, Partial<NativeCopyOptions>, NativeFault, number][] = [
  ['read/write', 'tmpfs', { strategy: 'readwrite', verify: 'none' }, hold('pread', 200), 64],
  ['an inline digest', 'tmpfs', { verify: 'inline' }, hold('pwrite', 500), 64],
  ['sendfile', 'tmpfs', { strategy: 'sendfile', verify: 'none' }, hold('sendfile', 3), 1],
  ['copy_file_range', 'ext4', { strategy: 'copy_file_range', verify: 'none' }, hold('copy_file_range', 5), 1],
  ['reading back', 'ext4', { verify: 'readback' }, hold('pread', size / (64 * KiB) + 300), 1],
  ['reading the source again', 'ext4', { strategy: 'sendfile', verify: 'readback' }, hold('pread', 100), 1],
]

for (const kind of ['tmpfs', 'ext4'] as const) {
  describe(`an abort on ${kind}, in the middle of a large file, during`, { skip: whyNot(kind) ?? false }, () => {
    let disk: Mount
    before(() => {
      disk = mount(kind, 4 * size)
      mkdirSync(`${disk.path}/src`)
      writeFileSync(`${disk.path}/src/f`, Buffer.alloc(size, 'x'))
    })
    after(() => disk.unmount())

    for (const [middle, on, options, fault, most] of middles) {
      if (on !== kind) continue
      for (const faults of [[], [namedTemps]]) {
        test(`${middle}, ${faults.length === 0 ? 'an unnamed' : 'a named'} temp file`, async () => {
          const [src, dest] = [`${disk.path}/src`, `${disk.path}/dest`]
          mkdirSync(dest, { recursive: true })
          await using engine = openRaw({ faults: [fault, ...faults] })
          const job = { srcRoot: bytes(src), destRoot: bytes(dest), files: [same('f')], options }
          const { id, finished } = engine.startFiles(job)
          await engine.reached(fault)
          engine.cancel(id)
          engine.cancel(id) // again is no error
          engine.release()
          const { files, done } = await finished
          assert.equal(files[0]?.error?.code, 'ABORT_ERR')
          assert.equal(done.error?.code, 'ABORT_ERR')
          const calls = (engine.calls()[fault.call] ?? 0) - (fault.at ?? 0)
          assert.ok(calls <= most, `${calls} more calls of ${fault.call}`)
          assert.deepEqual(readdirSync(dest), [])
          engine.cancel(id) // nor is it after the end
        })
      }
    }
  })
}

test('an abort ends the digest of a huge hole', { skip: whyNot('tmpfs') ?? false }, async (t) => {
  const disk = mount('tmpfs', 2 ** 41) // it may be said to be larger than the memory is
  t.after(() => disk.unmount())
  const root = disk.path
  await plant(root, { src: {}, dest: {} })
  const fd = openSync(`${root}/src/f`, 'w')
  ftruncateSync(fd, 2 ** 34)
  writeSync(fd, 'x', 2 ** 34 - 1)
  closeSync(fd)
  const fault = hold('lseek')
  await using engine = openRaw({ faults: [fault] })
  const { id, finished } = engine.startFiles({
    srcRoot: bytes(`${root}/src`),
    destRoot: bytes(`${root}/dest`),
    files: [same('f')],
  })
  await engine.reached(fault)
  engine.release()
  engine.cancel(id)
  assert.equal((await finished).files[0]?.error?.code, 'ABORT_ERR')
  assert.deepEqual(readdirSync(`${root}/dest`), [])
})

test('files that were not begun are answered without a system call of their own', async (t) => {
  const root = await scratch(t)
  const count = 500
  await plant(root, { src: Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}`, 'x'])), dest: {} })
  const fault = hold('futimens', 5)
  await using engine = openRaw({ faults: [fault] })
  const files = Array.from({ length: count }, (_, i) => same(`${i}`))
  const { id, finished } = engine.startFiles({ srcRoot: bytes(`${root}/src`), destRoot: bytes(`${root}/dest`), files })
  await engine.reached(fault)
  const before = engine.calls()['openat'] ?? 0
  engine.cancel(id)
  engine.release()
  const results = (await finished).files
  assert.equal(results.length, count, 'each is answered')
  assert.ok((engine.calls()['openat'] ?? 0) - before <= 2)
  const whole = results.filter(({ outcome }) => outcome === 'created')
  assert.deepEqual(readdirSync(`${root}/dest`).length, whole.length)
  assert.ok(whole.length <= 5)
})

for (const [call, number] of [
  ['fsync', 3],
  ['syncfs', 20],
] as const) {
  test(`an abort while a group waits for ${call} keeps whole files only`, {
    skip: whyNot('ext4') ?? false,
  }, async (t) => {
    const disk = mount('ext4', 16 * MiB)
    t.after(() => disk.unmount())
    const names = Array.from({ length: number }, (_, i) => `f${i}`)
    await plant(`${disk.path}/src`, Object.fromEntries(names.map((name) => [name, name])))
    for (const [i, faults] of [[], [namedTemps]].entries()) {
      const dest = `${disk.path}/dest${i}`
      mkdirSync(dest)
      const fault = hold(call)
      await using engine = openRaw({ faults: [fault, ...faults] })
      const job = {
        srcRoot: bytes(`${disk.path}/src`),
        destRoot: bytes(dest),
        options: { durability: 'batch' } as const,
      }
      const { id, finished } = engine.startFiles({ ...job, files: names.map((name) => same(name)) })
      await engine.reached(fault)
      engine.cancel(id)
      engine.release()
      const { files } = await finished
      assert.equal(files.length, number)
      const made = files.filter(({ outcome }) => outcome === 'created').map(({ index }) => names[index])
      assert.ok(files.every(({ outcome, error }) => outcome === 'created' || error?.code === 'ABORT_ERR'))
      assert.deepEqual(readdirSync(dest).sort(), made.sort())
    }
  })
}

test('an abort of one job leaves the others of its group alone', { skip: whyNot('ext4') ?? false }, async (t) => {
  const disk = mount('ext4', 16 * MiB)
  t.after(() => disk.unmount())
  const names = Array.from({ length: 10 }, (_, i) => `f${i}`)
  await plant(`${disk.path}/src`, Object.fromEntries(names.map((name) => [name, name])))
  await plant(disk.path, { a: {}, b: {} })
  // The first file's sync is held, so that the files of both jobs gather behind it.
  const fault = hold('fsync')
  await using engine = openRaw({ threads: 2, faults: [fault] })
  const job = {
    srcRoot: bytes(`${disk.path}/src`),
    options: { durability: 'batch' } as const,
    files: names.map((name) => same(name)),
  }
  const first = engine.startFiles({ ...job, files: [same('f0')], destRoot: bytes(disk.path) })
  await engine.reached(fault)
  const aborted = engine.startFiles({ ...job, destRoot: bytes(`${disk.path}/a`) })
  const other = engine.startFiles({ ...job, destRoot: bytes(`${disk.path}/b`) })
  await engine.reached({ call: 'futimens', effect: 'hold', at: 21 })
  engine.cancel(aborted.id)
  engine.release()
  const results = async (running: typeof first): Promise<NativeFileResult[]> => (await running.finished).files
  assert.deepEqual(
    (await results(first)).map(({ outcome }) => outcome),
    ['created'],
  )
  assert.ok((await results(other)).every(({ outcome }) => outcome === 'created'))
  assert.ok((await results(aborted)).every(({ error }) => error?.code === 'ABORT_ERR'))
  assert.deepEqual(readdirSync(`${disk.path}/a`), [])
  assert.equal(readdirSync(`${disk.path}/b`).length, 10)
})

test('an abort in the middle of a tree leaves whole files and no hidden names', async (t) => {
  const root = await scratch(t)
  const leaf = { a: 'a', b: 'b', link: { link: 'a' }, c: { d: 'd' } }
  await plant(root, { src: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`${i}`, leaf])) })
  const faults = [
    hold('mkdirat', 20),
    hold('symlinkat', 10),
    hold('pwrite', 50),
    hold('getdents64', 30),
    hold('renameat2', 25),
  ]
  for (const { threads, fault } of [1, 2].flatMap((threads) => faults.map((fault) => ({ threads, fault })))) {
    await using engine = openRaw({ threads, faults: [fault] })
    const dest = `${root}/dest-${fault.call}-${threads}`
    const { id, finished } = engine.startTree({ src: bytes(`${root}/src`), dest: bytes(dest), verbatimSymlinks: true })
    await engine.reached(fault)
    engine.cancel(id)
    engine.release()
    assert.equal((await finished).done.error?.code, 'ABORT_ERR')
    const [was, is] = [await look(`${root}/src`), await look(dest)]
    const strange = Object.entries(is).filter(([name, about]) => was[name] !== about && !about.startsWith('directory'))
    assert.deepEqual(strange, [])
    assert.deepEqual(
      Object.keys(is).filter((name) => !(name in was)),
      [],
    )
    // The other thread may have copied all that the held one left.
    if (threads === 1) assert.ok(Object.keys(is).length < Object.keys(was).length)
  }
})

test("an AbortSignal's reason reaches the caller, and its abort the middle of a file", async (t) => {
  const root = await scratch(t)
  await plant(root, { src: {}, dest: {} })
  writeFileSync(`${root}/src/f`, Buffer.alloc(size))
  // Whoever doesn't notice meets the failure: at ten milliseconds a call, seconds later.
  const faults: NativeFault[] = ['pread', 'sendfile', 'copy_file_range'].flatMap((call) => [
    { call, effect: 'delay', delay: 10, times: -1 },
    { call, effect: 'EIO', at: 500, times: -1 },
  ])
  await using engine = openEngine({ threads: 1, faults })
  const abort = new AbortController()
  const copying = copyTree(`${root}/src`, `${root}/dest`, { engine, signal: abort.signal })
  setTimeout(() => abort.abort(new Error('the shutter closed')), 50)
  await assert.rejects(copying, (error: Error & { code?: string }) => {
    assert.equal(error.code, 'ABORT_ERR')
    assert.equal((error.cause as Error).message, 'the shutter closed')
    return true
  })
  assert.deepEqual(readdirSync(`${root}/dest`), [])
  assert.equal(readFileSync(`${root}/src/f`).length, size)
})
