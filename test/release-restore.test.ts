/** A crash in the middle of a release: no content goes, and the next engine with the same tag puts everything back. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { ByteString } from '#lib/bytes.js'
import { openEngine } from '#lib/engine/index.js'
import { type NativeReleaseFile, native } from '#lib/native.js'
import { bytes, namedTemps, openRaw, same } from './support/raw-engine.js'
import {
  hidden,
  linkText,
  makeTiers,
  openRelease,
  releasable,
  releaseJob,
  type Tiers,
} from './support/release-world.js'
import { scratch } from './support/tree.js'

const tag = 'p11'
const root = '' as ByteString
/** What a dead process's hiding place is called. */
const left = `.susten-${tag}-0123456789abcdef-fedcba9876543210.tmp`

/** A process that is killed while a release of `d/f` makes `call`. */
async function crash(tiers: Tiers, by: NativeReleaseFile['by'], call: string, at: number): Promise<void> {
  const file = fileURLToPath(new URL('./fixtures/release-victim.js', import.meta.url))
  const args = [file, tiers.buffer, tiers.disk, by, call, `${at}`, tag]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** A new engine looks through the directories. */
async function restore(tiers: Tiers, directories: readonly ByteString[], tempTag = tag): Promise<void> {
  await using engine = openRelease({ tempTag })
  const { done } = await engine.start(releaseJob(tiers, [], { restore: directories }))
  assert.equal(done.error, undefined)
}

for (const by of ['link', 'delete'] as const) {
  for (const [call, at] of [
    ['openat', 3],
    ['symlinkat', 1],
    ['renameat2', 1],
    ['getlease', 1],
    ['unlinkat', 1],
    ['unlinkat', 2],
  ] as const) {
    if (call === 'symlinkat' && by !== 'link') continue
    const done = call === 'unlinkat' && at === 2
    test(`${by}: killed at ${call} ${at}, the ${done ? 'release is whole' : 'file is back under its name'}`, async (t) => {
      const tiers = makeTiers(await scratch(t))
      releasable(tiers, 'd/f', by)
      const { ino } = lstatSync(`${tiers.buffer}/d/f`)
      await crash(tiers, by, call, at)
      assert.equal(hidden(tiers.buffer).length > 0, true)
      await restore(tiers, [bytes('d')])
      assert.deepEqual(hidden(tiers.buffer), [])
      if (done) {
        assert.equal(existsSync(`${tiers.buffer}/d/f`), by === 'link')
        return
      }
      assert.equal(lstatSync(`${tiers.buffer}/d/f`).ino, ino)
      assert.equal(readFileSync(`${tiers.buffer}/d/f`, 'utf8'), 'content of d/f')
      assert.deepEqual(readdirSync(`${tiers.buffer}/d`), ['f'])
    })
  }

  test(`${by}: releasing the same file again after a crash needs no other request`, async (t) => {
    const tiers = makeTiers(await scratch(t))
    const { known, ...file } = releasable(tiers, 'd/f', by)
    await crash(tiers, by, 'getlease', 1)
    await using engine = openRelease({ tempTag: tag })
    // It was moved there and back, which is a change of status.
    const { ctimeNs: _, ...version } = known
    const { results } = await engine.start(releaseJob(tiers, [{ ...file, known: version }]))
    assert.equal(results[0]?.outcome, 'released')
    assert.deepEqual(hidden(tiers.buffer), [])
    assert.equal(existsSync(`${tiers.buffer}/d/f`), by === 'link')
  })

  test(`${by}: the sweep of a copy engine leaves what was put away`, async (t) => {
    const tiers = makeTiers(await scratch(t))
    releasable(tiers, 'd/f', by)
    await crash(tiers, by, 'getlease', 1)
    const [name = ''] = hidden(tiers.buffer).filter((each) => each.endsWith('/f'))
    writeFileSync(`${tiers.disk}/new`, 'new')
    await using engine = openRaw({ tempTag: tag, faults: [namedTemps] })
    const job = { srcRoot: bytes(tiers.disk), destRoot: bytes(`${tiers.buffer}/d`), files: [same('new')] }
    assert.equal((await engine.startFiles(job).finished).files[0]?.outcome, 'created')
    assert.equal(readFileSync(`${tiers.buffer}/${name}`, 'utf8'), 'content of d/f')
  })
}

test('another tag, no tag, and a process that lives, have nothing to restore', async (t) => {
  const tiers = makeTiers(await scratch(t))
  releasable(tiers, 'd/f')
  await crash(tiers, 'link', 'getlease', 1)
  const before = hidden(tiers.buffer).sort()
  await restore(tiers, [bytes('d')], 'other')
  await restore(tiers, [bytes('d')], '')
  assert.deepEqual(hidden(tiers.buffer).sort(), before)
})

test('an empty directory is one even if a dead process was at work in it', async (t) => {
  const tiers = makeTiers(await scratch(t))
  mkdirSync(`${tiers.buffer}/d/${left}`, { recursive: true })
  chmodSync(`${tiers.buffer}/d/${left}`, 0o1700)
  await using engine = openRelease({ tempTag: tag })
  const { results } = await engine.start(releaseJob(tiers, [], { directories: [bytes('d')] }))
  assert.equal(results[0]?.outcome, 'released')
})

/** A hiding place with something in it under the name `f`. */
async function place(t: TestContext, mode = 0o1700): Promise<Tiers> {
  const tiers = makeTiers(await scratch(t))
  mkdirSync(`${tiers.buffer}/${left}`)
  chmodSync(`${tiers.buffer}/${left}`, mode)
  return tiers
}

test('a newer version that was put away comes back in place of the link', async (t) => {
  const tiers = await place(t)
  writeFileSync(`${tiers.buffer}/${left}/f`, 'newer')
  symlinkSync(linkText(tiers, 'f'), `${tiers.buffer}/f`)
  await restore(tiers, [root])
  assert.deepEqual(readdirSync(tiers.buffer), ['f'])
  assert.equal(readFileSync(`${tiers.buffer}/f`, 'utf8'), 'newer')
})

test('what has the name by now keeps it, and what was put away is kept beside it', async (t) => {
  const tiers = await place(t)
  writeFileSync(`${tiers.buffer}/${left}/f`, 'newer')
  writeFileSync(`${tiers.buffer}/f`, 'newest')
  writeFileSync(`${tiers.buffer}/f.~1~`, 'taken')
  await restore(tiers, [root])
  assert.deepEqual(readdirSync(tiers.buffer).sort(), ['f', 'f.~1~', 'f.~2~'])
  assert.equal(readFileSync(`${tiers.buffer}/f`, 'utf8'), 'newest')
  assert.equal(readFileSync(`${tiers.buffer}/f.~2~`, 'utf8'), 'newer')
})

test('a link that never got its name goes, and the file stays', async (t) => {
  const tiers = await place(t)
  releasable(tiers, 'f')
  symlinkSync(linkText(tiers, 'f'), `${tiers.buffer}/${left}/f`)
  await restore(tiers, [root])
  assert.deepEqual(readdirSync(tiers.buffer), ['f'])
  assert.equal(readFileSync(`${tiers.buffer}/f`, 'utf8'), 'content of f')
})

test('a link that was put away comes back where nothing has its name', async (t) => {
  const tiers = await place(t)
  symlinkSync('theirs', `${tiers.buffer}/${left}/f`)
  await restore(tiers, [root])
  assert.deepEqual(readdirSync(tiers.buffer), ['f'])
  assert.equal(readlinkSync(`${tiers.buffer}/f`), 'theirs')
})

test('a private directory that somebody gave such a name is not emptied', async (t) => {
  const tiers = await place(t, 0o700)
  writeFileSync(`${tiers.buffer}/${left}/f`, 'private')
  await restore(tiers, [root])
  assert.deepEqual(readdirSync(tiers.buffer), [left])
  assert.equal(readFileSync(`${tiers.buffer}/${left}/f`, 'utf8'), 'private')
})

test('directories that are gone or lead elsewhere have nothing to restore', async (t) => {
  const tiers = await place(t)
  symlinkSync('.', `${tiers.buffer}/l`)
  writeFileSync(`${tiers.buffer}/${left}/f`, 'newer')
  await restore(tiers, [bytes('gone'), bytes('l'), bytes('..'), bytes(left)])
  assert.ok(existsSync(`${tiers.buffer}/${left}/f`))
})

test('watches pass over what is put away, before and while it is', async (t) => {
  const tiers = await place(t)
  writeFileSync(`${tiers.buffer}/${left}/f`, 'newer')
  const files = [releasable(tiers, 'a'), releasable(tiers, 'd/b', 'delete')]
  const seen: string[] = []
  let marked = (): void => {}
  const watcher = native.openWatcher(bytes(tiers.buffer), (events) => {
    for (const { kind, name } of events) {
      if (kind === 'marked') marked()
      else seen.push(name)
    }
  })
  t.after(() => native.closeWatcher(watcher))
  const mark = (): Promise<void> =>
    new Promise((resolve) => {
      marked = resolve
      native.markWatcher(watcher)
    })
  await mark()
  assert.deepEqual(seen.sort(), ['a', 'd/b'])
  await using engine = openRelease()
  const { results } = await engine.start(releaseJob(tiers, files))
  assert.ok(results.every(({ outcome }) => outcome === 'released'))
  // What is written now is seen: it was still looking.
  writeFileSync(`${tiers.buffer}/d/c`, 'new')
  await mark()
  assert.deepEqual(seen.sort(), ['a', 'd/b', 'd/c'])
})

test('walks pass over what is put away', async (t) => {
  const tiers = await place(t)
  writeFileSync(`${tiers.buffer}/${left}/f`, 'newer')
  writeFileSync(`${tiers.buffer}/g`, 'seen')
  await using engine = openEngine({ threads: 1 })
  const names: string[] = []
  for await (const batch of engine.walk({ root: bytes(tiers.buffer), below: root })) names.push(...batch.names)
  assert.deepEqual(names, ['g'])
})
