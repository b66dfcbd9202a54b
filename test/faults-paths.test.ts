/** Faults on the less usual ways of a copy: other strategies, poor file systems, groups, directories, attributes. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { NativeFault, Strategy } from '#lib/native.js'
import { type CopyScenario, copyWorld } from './support/copy-world.js'
import { faultMatrix } from './support/fault-matrix.js'
import { type FileSystem, finds, type Mount, mount, whyNot } from './support/mounts.js'
import { treeWorld } from './support/tree-world.js'

/** Runs tests on a new file system. */
function on(kind: FileSystem, body: (disk: () => Mount) => void): void {
  describe(`a system call fails on ${kind}:`, { skip: whyNot(kind) ?? false }, () => {
    let disk: Mount | undefined
    before(() => {
      disk = mount(kind, 32 << 20)
    })
    after(() => disk?.unmount())
    body(() => {
      assert.ok(disk)
      return disk
    })
  })
}

/** Where many calls are much alike. */
const few = ['EIO', 'EINTR']
const plain = { existing: 'replace', before: 'nothing', options: { durability: 'none', verify: 'none' } } as const

on('xfs', (disk) => {
  const carriers: readonly [Exclude<Strategy, 'auto'>, string][] = [
    ['reflink', 'ficlone'],
    ['copy_file_range', 'copy_file_range'],
    ['sendfile', 'sendfile'],
    ['readwrite', 'pwrite'],
  ]
  for (const [strategy, call] of carriers) {
    for (const sparse of [false, true]) {
      for (const verify of ['none', 'readback'] as const) {
        test(`${strategy} of ${sparse ? 'a sparse' : 'a dense'} file, verify ${verify}`, async () => {
          const world = copyWorld(disk().path, { ...plain, sparse, options: { strategy, verify, durability: 'none' } })
          const { calls, outcomes } = await faultMatrix(world)
          assert.deepEqual(outcomes, ['created'])
          assert.ok(call in calls, `${Object.keys(calls)}`)
        })
      }
    }
  }

  test('the choice of a strategy survives every failure of the better ones', async () => {
    const poor: NativeFault[] = [
      { call: 'ficlone', effect: 'EOPNOTSUPP', times: -1 },
      { call: 'copy_file_range', effect: 'EXDEV', times: -1 },
    ]
    const world = copyWorld(disk().path, { ...plain, faults: poor })
    const { calls } = await faultMatrix(world, { effects: ['EIO', 'ENOSPC', 'EINTR'] })
    assert.deepEqual([calls['ficlone'], calls['copy_file_range']], [1, 1])
    assert.ok(calls['sendfile'] !== undefined)
  })
})

on('ext4', (disk) => {
  const versioned = { existing: 'version', before: 'other', options: { durability: 'each', verify: 'inline' } } as const

  test('a file system without hard links', async () => {
    const faults: NativeFault[] = [{ call: 'linkat', effect: 'EPERM', times: -1 }]
    for (const scenario of [
      { ...plain, faults },
      { ...versioned, faults, named: 2 },
    ]) {
      // Without links the older file has to move away before the new one comes; for ever is too long in between.
      await faultMatrix(copyWorld(disk().path, scenario), { times: [1] })
    }
  })

  test('a file system whose rename has no flags', async () => {
    const faults: NativeFault[] = [{ call: 'renameat2', effect: 'EINVAL', times: 2 }]
    await faultMatrix(copyWorld(disk().path, { ...versioned, faults, named: 2 }))
    const { calls } = await faultMatrix(copyWorld(disk().path, { ...plain, faults, named: 2 }))
    assert.equal(calls['linkat'], 1, 'a link, then the hidden name goes')
  })

  for (const named of [undefined, 5]) {
    test(`new directories, ${named ? 'named' : 'unnamed'} temp files`, async () => {
      const scenario: CopyScenario = {
        ...plain,
        names: ['a/f'],
        options: { durability: 'each' },
        ...(named && { named }),
      }
      const { calls } = await faultMatrix(copyWorld(disk().path, scenario))
      assert.equal(calls['mkdirat'], 1)
      assert.equal(calls['linkat'] === undefined, named !== undefined)
    })
  }

  test('a group of files that is synced one by one', async () => {
    const options = { durability: 'batch' } as const
    const { calls } = await faultMatrix(copyWorld(disk().path, { ...plain, names: ['f', 'g', 'h'], options }))
    assert.deepEqual([calls['syncfs'], calls['sync_file_range'], calls['fsync']], [undefined, 3, 4])
  })

  test('a group of files that is synced at once', async () => {
    const names = Array.from({ length: 9 }, (_, i) => `f${i}`)
    const options = { durability: 'batch' } as const
    const { calls } = await faultMatrix(copyWorld(disk().path, { ...plain, names, options }), { effects: few })
    assert.deepEqual([calls['syncfs'], calls['fsync']], [1, 1])
  })

  for (const over of [false, true]) {
    for (const durability of ['none', 'batch', 'each'] as const) {
      test(`a tree ${over ? 'over an older one' : 'to a new place'}, durability ${durability}`, async () => {
        const world = treeWorld(disk().path, { over, options: { durability } })
        const { calls } = await faultMatrix(world, { effects: few })
        const expected = [
          'symlinkat',
          'getdents64',
          'readlinkat',
          'fchownat',
          'utimensat',
          over ? 'renameat2' : 'mkdirat',
        ]
        for (const call of expected) assert.ok(call in calls, call)
      })
    }
  }

  for (const preserve of ['keep', 'try'] as const) {
    const skip = finds('setfacl') && finds('setfattr') ? false : 'needs setfacl and setfattr'
    test(`attributes and an ACL, ${preserve}`, { skip }, async () => {
      const options = { xattrs: preserve, acls: preserve, durability: 'none' } as const
      const { calls } = await faultMatrix(copyWorld(disk().path, { ...plain, attributes: true, options }), {
        times: [1],
      })
      assert.equal(calls['fsetxattr'], 3)
    })
  }
})
