/** What was reported durable survives a power cut. */
import assert from 'node:assert/strict'
import { lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { type FileSystem, finds, type Mount, mount, whyNot } from './support/mounts.js'
import { bytes, namedTemps, openRaw, same } from './support/raw-engine.js'

const content = (name: string): Buffer => Buffer.alloc(20_000 + name.length, name)

for (const kind of ['ext4', 'xfs'] as const satisfies FileSystem[]) {
  const skip = whyNot(kind) ?? (finds('xfs_io') ? false : 'needs xfs_io')
  describe(`a power cut on ${kind}:`, { skip }, () => {
    let source: Mount
    let disk: Mount
    before(() => {
      source = mount('tmpfs', 16 << 20)
      disk = mount(kind, 32 << 20)
    })
    after(() => {
      source.unmount()
      disk.unmount()
    })

    function prepare(names: readonly string[]): string {
      rmSync(`${disk.path}/dest`, { recursive: true, force: true })
      mkdirSync(`${disk.path}/dest`)
      disk.remount() // what came before is on the disk
      for (const name of names) {
        mkdirSync(`${source.path}/${name.split('/').slice(0, -1).join('/')}`, { recursive: true })
        writeFileSync(`${source.path}/${name}`, content(name))
      }
      return `${disk.path}/dest`
    }

    function check(names: readonly string[], dest: string): void {
      for (const name of names) {
        assert.ok(readFileSync(`${dest}/${name}`).equals(content(name)), name)
        const [is, was] = [
          lstatSync(`${dest}/${name}`, { bigint: true }),
          lstatSync(`${source.path}/${name}`, { bigint: true }),
        ]
        assert.deepEqual([is.uid, is.gid, is.mode, is.mtimeNs], [was.uid, was.gid, was.mode, was.mtimeNs], name)
      }
    }

    const sets: Record<string, readonly string[]> = {
      'one file': ['a'],
      'a few files': ['b', 'c', 'd'],
      'many files': Array.from({ length: 40 }, (_, i) => `m${i}`),
      'files in new directories': ['x/y/z/1', 'x/y/2', 'x/3', 'v/w/4'],
    }
    for (const durability of ['batch', 'each'] as const) {
      for (const [what, names] of Object.entries(sets)) {
        for (const faults of [[], [namedTemps]]) {
          test(`${what}, ${durability}, ${faults.length === 0 ? 'unnamed' : 'named'} temp files`, async () => {
            const dest = prepare(names)
            {
              await using engine = openRaw({ threads: 2, faults })
              const files = names.map((name) => same(name))
              const job = { srcRoot: bytes(source.path), destRoot: bytes(dest), files, options: { durability } }
              const { finished } = engine.startFiles(job)
              for (const { error } of (await finished).files) assert.equal(error, undefined)
              disk.powerCut()
            }
            check(names, dest)
          })
        }
      }

      test(`a tree, ${durability}`, async () => {
        const names = ['1', 'p/2', 'p/q/3', 'p/q/r/4']
        const dest = prepare(names.map((name) => `tree/${name}`))
        {
          await using engine = openRaw({ threads: 2 })
          const job = { src: bytes(`${source.path}/tree`), dest: bytes(`${dest}/tree`), options: { durability } }
          assert.equal((await engine.startTree(job).finished).done.progress?.failed, 0)
          disk.powerCut()
        }
        check(
          names.map((name) => `tree/${name}`),
          dest,
        )
      })

      test(`a file that replaces another, and one that versions another, ${durability}`, async () => {
        const dest = prepare(['f', 'g'])
        for (const name of ['f', 'g']) writeFileSync(`${dest}/${name}`, 'older')
        disk.remount()
        {
          await using engine = openRaw()
          const files = [same('f'), same('g', { existing: 'version' })]
          const job = { srcRoot: bytes(source.path), destRoot: bytes(dest), files, options: { durability } }
          for (const { error } of (await engine.startFiles(job).finished).files) assert.equal(error, undefined)
          disk.powerCut()
        }
        check(['f', 'g'], dest)
        assert.equal(readFileSync(`${dest}/g.~1~`, 'latin1'), 'older')
        assert.deepEqual(readdirSync(dest).sort(), ['f', 'g', 'g.~1~'])
      })
    }

    test('without durability the same cut loses them, which shows that it is one', async () => {
      const names = sets['many files'] ?? []
      const dest = prepare(names)
      {
        await using engine = openRaw()
        const files = names.map((name) => same(name))
        await engine.startFiles({ srcRoot: bytes(source.path), destRoot: bytes(dest), files }).finished
        assert.equal(readdirSync(dest).length, names.length)
        disk.powerCut()
      }
      assert.ok(readdirSync(dest).length < names.length)
    })
  })
}
