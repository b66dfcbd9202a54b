/** Releases from every file system to every other: the same outcomes everywhere. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { openEngine } from '#lib/engine/index.js'
import type { NativeFault } from '#lib/native.js'
import { command, type FileSystem, fileSystems, type Mount, mount, whyNot } from './support/mounts.js'
import { bytes } from './support/raw-engine.js'
import { hidden, openRelease, plan, releasable, releaseJob, type Tiers } from './support/release-world.js'

const exchange: NativeFault = { call: 'renameat2', effect: 'hold' }

for (const kind of fileSystems) {
  describe(`from ${kind}:`, { skip: whyNot(kind) ?? false }, () => {
    const disks = new Map<FileSystem, Mount>()
    let tiers: Tiers
    before(() => {
      disks.set(kind, mount(kind, 32 << 20, [], kind === 'ext4' ? ['-m', '5'] : []))
      // The next tier is always another file system.
      const next = kind === 'ext4' ? 'xfs' : 'ext4'
      if (whyNot(next) === undefined) disks.set(next, mount(next, 32 << 20))
      const [buffer, disk] = [...disks.values()].map(({ path }) => `${path}/tier`)
      tiers = { buffer: buffer ?? '', disk: disk ?? `${buffer}/../disk` }
    })
    after(() => {
      for (const disk of disks.values()) disk.unmount()
    })
    const fresh = (): Tiers => {
      for (const path of [tiers.buffer, tiers.disk]) rmSync(path, { recursive: true, force: true })
      for (const path of [tiers.buffer, tiers.disk]) mkdirSync(path)
      return tiers
    }

    for (const durability of ['none', 'batch'] as const) {
      test(`files are linked, deleted and cleared with durability ${durability}, their space comes back`, async () => {
        const { buffer, disk } = fresh()
        mkdirSync(`${buffer}/d`)
        // A group of its own, which what is made in it gets from it.
        chownSync(`${buffer}/d`, 1234, 5678)
        chmodSync(`${buffer}/d`, 0o2775)
        const content = Buffer.alloc(1 << 20, 'x')
        const files = (['link', 'delete', 'clear'] as const).map((by) => {
          const file = releasable(tiers, `d/${by}`, by, content)
          chownSync(`${buffer}/d/${by}`, 4321, 8765)
          return { ...file, ...plan(tiers, `d/${by}`, by) }
        })
        if (kind !== 'tmpfs') command('sync', '-f', buffer)
        await using engine = openEngine({ threads: 2 })
        const results = await engine.release(releaseJob(tiers, files, { durability, directories: [bytes('d')] }))
        for (const { outcome, bytes: freed } of results.files) {
          assert.equal(outcome, 'released')
          assert.ok(freed >= 1 << 20, `${freed}`)
        }
        assert.deepEqual(
          results.directories.map(({ outcome }) => outcome),
          ['kept'],
        )
        assert.deepEqual(readdirSync(`${buffer}/d`), ['link'])
        const link = lstatSync(`${buffer}/d/link`)
        assert.deepEqual([link.uid, link.gid, link.mtimeMs], [4321, 8765, 2_000_000])
        assert.ok(readFileSync(`${buffer}/d/link`).equals(content))
        // At the shift's end the link goes too.
        const cleared = await engine.release(
          releaseJob(tiers, [{ ...plan({ buffer: disk, disk }, 'd/link', 'clear') }], {
            durability,
            directories: [bytes('d')],
          }),
        )
        assert.deepEqual(
          [...cleared.files, ...cleared.directories].map(({ outcome }) => outcome),
          ['released', 'released'],
        )
        assert.deepEqual(readdirSync(buffer), [])
        assert.deepEqual(readdirSync(`${disk}/d`).sort(), ['clear', 'delete', 'link'])
      })
    }

    for (const by of ['link', 'delete'] as const) {
      test(`${by}: writers are noticed before, in the middle of, and behind the exchange`, async () => {
        const { buffer } = fresh()
        const open = (name: string): number => openSync(`${buffer}/${name}`, constants.O_WRONLY | constants.O_NONBLOCK)
        const files = ['before', 'middle', 'instead'].map((name) => releasable(tiers, name, by))
        const writer = open('before')
        await using engine = openRelease({ faults: [exchange] })
        const released = engine.start(releaseJob(tiers, files))
        await engine.reached(exchange)
        assert.throws(() => open('middle'), { code: 'EAGAIN' })
        writeFileSync(`${buffer}/new`, 'newer')
        renameSync(`${buffer}/new`, `${buffer}/instead`)
        engine.release()
        assert.deepEqual(
          (await released).results.map(({ outcome }) => outcome),
          ['busy', 'busy', 'changed'],
        )
        closeSync(writer)
        assert.deepEqual(hidden(buffer), [])
        assert.deepEqual(readdirSync(buffer).sort(), ['before', 'instead', 'middle'])
        assert.equal(readFileSync(`${buffer}/instead`, 'utf8'), 'newer')
        for (const name of ['before', 'middle']) {
          assert.equal(readFileSync(`${buffer}/${name}`, 'utf8'), `content of ${name}`)
          assert.ok(lstatSync(`${buffer}/${name}`).isFile())
        }
      })
    }

    test('a file system that users have filled gives space back', async () => {
      const { buffer } = fresh()
      chmodSync(buffer, 0o777)
      const content = Buffer.alloc(1 << 20, 'x')
      const files = (['link', 'delete'] as const).map((by) => releasable(tiers, by, by, content))
      // By somebody who has no share in what is reserved for root.
      for (const size of ['64k', '512']) {
        spawnSync('dd', ['if=/dev/zero', `of=${buffer}/ballast-${size}`, `bs=${size}`], { uid: 65_534, gid: 65_534 })
      }
      await using engine = openEngine({ threads: 1 })
      const results = await engine.release(releaseJob(tiers, files, { durability: 'none' }))
      for (const [i, { outcome, error }] of results.files.entries()) {
        const path = `${buffer}/${files[i]?.by}`
        // XFS keeps nothing back that a directory could be made from.
        if (kind === 'xfs' && error?.code === 'ENOSPC') assert.ok(readFileSync(path).equals(content))
        else assert.deepEqual([outcome, existsSync(path)], ['released', files[i]?.by === 'link'], error?.code)
      }
      assert.deepEqual(hidden(buffer), [])
    })
  })
}
