/** Releases as root, beside a user who owns the directories: nothing outside is touched, nobody gets another's file. */
import assert from 'node:assert/strict'
import {
  type BigIntStats,
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { type TestContext, test } from 'node:test'
import type { NativeFault, NativeReleaseFile } from '#lib/native.js'
import { bytes } from './support/raw-engine.js'
import {
  hidden,
  makeTiers,
  openRelease,
  plan,
  releasable,
  releaseJob,
  setTimes,
  type Tiers,
} from './support/release-world.js'
import { scratch } from './support/tree.js'

const nobody = 65_534
const skip = process.geteuid?.() === 0 ? false : 'needs root'
const hold = (call: string, at = 1): NativeFault => ({ call, effect: 'hold', at })
const ways = ['link', 'delete', 'clear'] as const

interface World extends Tiers {
  readonly root: string
  /** Root's own directory, with files of the same names, sizes and times. */
  readonly outside: string
}

async function world(t: TestContext, by: NativeReleaseFile['by']): Promise<World & { file: NativeReleaseFile }> {
  const root = await scratch(t)
  chmodSync(root, 0o755)
  const tiers = makeTiers(root)
  const outside = `${root}/outside`
  mkdirSync(outside)
  const text = 'content of d/f'
  for (const name of ['f', 'g']) {
    writeFileSync(`${outside}/${name}`, text)
    setTimes(`${outside}/${name}`, 2000)
  }
  releasable(tiers, 'd/f', by, text)
  for (const path of [tiers.buffer, `${tiers.buffer}/d`, `${tiers.buffer}/d/f`]) chownSync(path, nobody, nobody)
  return { ...tiers, root, outside, file: plan(tiers, 'd/f', by) }
}

/** Everything about a tree that nobody may have touched. */
function picture(path: string): string[] {
  const about = ({ ino, mode, uid, gid, nlink, size, mtimeNs, ctimeNs }: BigIntStats): string =>
    [ino, mode, uid, gid, nlink, size, mtimeNs, ctimeNs].join(' ')
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => `${name} ${about(lstatSync(`${path}/${name}`, { bigint: true }))}`)
    .concat(about(lstatSync(path, { bigint: true })))
}

for (const by of ways) {
  test(`${by}: a link where a directory was leads nowhere`, { skip }, async (t) => {
    const { buffer, disk, outside, file } = await world(t, by)
    const before = picture(outside)
    renameSync(`${buffer}/d`, `${buffer}/moved`)
    symlinkSync(outside, `${buffer}/d`)
    await using engine = openRelease()
    const { ino: _, ctimeNs: __, ...known } = file.known
    const job = releaseJob({ buffer, disk }, [{ ...file, known }], { directories: [bytes('d/e'), bytes('d')] })
    const { results } = await engine.start(job)
    assert.deepEqual([results[0]?.outcome, results[0]?.error?.code], ['failed', 'ELOOP'])
    assert.deepEqual(picture(outside), before)
    assert.ok(lstatSync(`${buffer}/d`).isSymbolicLink())
    assert.equal(readFileSync(`${buffer}/moved/f`, 'utf8'), 'content of d/f')
  })

  test(`${by}: a link where a directory of the copies was proves nothing`, { skip }, async (t) => {
    const { buffer, disk, outside, file } = await world(t, by)
    rmSync(`${disk}/d`, { recursive: true })
    symlinkSync(outside, `${disk}/d`)
    await using engine = openRelease()
    const { results } = await engine.start(releaseJob({ buffer, disk }, [file]))
    assert.deepEqual([results[0]?.outcome, results[0]?.error?.code], ['failed', 'ELOOP'])
    assert.equal(results[0]?.error?.path, `${disk}/d/f`)
    assert.equal(readFileSync(`${buffer}/d/f`, 'utf8'), 'content of d/f')
  })

  test(`${by}: a directory that is exchanged in the middle takes what is done in it along`, { skip }, async (t) => {
    for (const call of ['renameat2', 'mkdirat', 'unlinkat']) {
      const { root, buffer, disk, outside, file } = await world(t, by)
      const before = picture(outside)
      const fault = hold(call)
      await using engine = openRelease({ faults: [fault] })
      const released = engine.start(releaseJob({ buffer, disk }, [file]))
      await engine.reached(fault)
      renameSync(`${buffer}/d`, `${root}/away`)
      symlinkSync(outside, `${buffer}/d`)
      engine.release()
      assert.equal((await released).results[0]?.outcome, 'released', call)
      assert.deepEqual(picture(outside), before)
      assert.equal(existsSync(`${root}/away/f`), by === 'link')
      assert.deepEqual(hidden(root), [])
    }
  })

  test(`${by}: another's private directory under the hidden name is not entered`, { skip }, async (t) => {
    const { buffer, disk, file } = await world(t, by)
    mkdirSync(`${buffer}/d/private`, 0o700)
    writeFileSync(`${buffer}/d/private/f`, 'private')
    const before = picture(`${buffer}/d/private`).slice(0, 1)
    const fault = hold('openat', 2)
    await using engine = openRelease({ faults: [fault] })
    const released = engine.start(releaseJob({ buffer, disk }, [file]))
    await engine.reached(fault)
    const [name = ''] = hidden(`${buffer}/d`)
    renameSync(`${buffer}/d/${name}`, `${buffer}/ours`)
    renameSync(`${buffer}/d/private`, `${buffer}/d/${name}`)
    engine.release()
    const { results } = await released
    assert.deepEqual([results[0]?.outcome, results[0]?.error?.code], ['failed', 'EBUSY'])
    assert.deepEqual(picture(`${buffer}/d/${name}`).slice(0, 1), before)
    assert.equal(readFileSync(`${buffer}/d/f`, 'utf8'), 'content of d/f')
  })

  test(`${by}: nobody but the owner of the process can reach what is put away`, { skip }, async (t) => {
    const { buffer, disk, file } = await world(t, by)
    chmodSync(`${buffer}/d`, 0o2777)
    const fault = hold('unlinkat')
    await using engine = openRelease({ faults: [fault] })
    const released = engine.start(releaseJob({ buffer, disk }, [file]))
    await engine.reached(fault)
    const [name = ''] = hidden(`${buffer}/d`)
    const { uid, mode } = lstatSync(`${buffer}/d/${name}`)
    assert.deepEqual([uid, (mode & 0o1777).toString(8)], [0, '1700'])
    engine.release()
    assert.equal((await released).results[0]?.outcome, 'released')
  })
}

test("a hard link to another's file is not given away with its link", { skip }, async (t) => {
  const { buffer, disk, outside, file } = await world(t, 'link')
  chmodSync(`${outside}/g`, 0o600)
  rmSync(`${buffer}/d/f`)
  linkSync(`${outside}/g`, `${buffer}/d/f`)
  const { ino: _, ctimeNs: __, ...known } = file.known
  await using engine = openRelease()
  const { results } = await engine.start(releaseJob({ buffer, disk }, [{ ...file, known }]))
  assert.equal(results[0]?.outcome, 'released')
  const { uid, mode, nlink } = lstatSync(`${outside}/g`)
  assert.deepEqual([uid, mode & 0o777, nlink], [0, 0o600, 1])
})
