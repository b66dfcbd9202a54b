/** Whatever system call of a release fails: nothing is lost, nothing stays hidden, and what is told is true. */
import assert from 'node:assert/strict'
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
} from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { digestOf } from '#lib/demo/digest.js'
import type { NativeFault, NativeReleaseJob, NativeReleaseResult } from '#lib/native.js'
import { type Mount, mount, whyNot } from './support/mounts.js'
import { bytes } from './support/raw-engine.js'
import { type ReleaseScenario, releaseMatrix } from './support/release-matrix.js'
import { hidden, linkText, makeTiers, plan, releasable, releaseJob, setTimes } from './support/release-world.js'

interface Way {
  readonly title: string
  readonly by: 'link' | 'delete' | 'clear'
  /** There is a link of an earlier release. */
  readonly linked?: true
  readonly digest?: true
  /** Most of it is a hole. */
  readonly sparse?: true
  /** Nothing has its name any more, nor that of its directory. */
  readonly gone?: true
  readonly faults?: readonly NativeFault[]
  readonly outcome: NativeReleaseResult['outcome']
}

const stuck: readonly NativeFault[] = [{ call: 'getlease', effect: 'EIO', times: -1 }]
const ways: readonly Way[] = [
  { title: 'a link takes its place', by: 'link', outcome: 'released' },
  { title: 'a link takes its place, both are read', by: 'link', digest: true, outcome: 'released' },
  { title: 'it is deleted, and has holes', by: 'delete', digest: true, sparse: true, outcome: 'released' },
  { title: 'it is deleted', by: 'delete', outcome: 'released' },
  { title: 'a file is cleared', by: 'clear', outcome: 'released' },
  { title: 'a link is cleared', by: 'clear', linked: true, outcome: 'released' },
  { title: 'a link is there already', by: 'link', linked: true, outcome: 'already' },
  { title: 'it is gone already', by: 'delete', gone: true, outcome: 'absent' },
  { title: 'a link is undone', by: 'link', faults: stuck, outcome: 'failed' },
  { title: 'a deletion is undone', by: 'delete', faults: stuck, outcome: 'failed' },
]

const content = Buffer.alloc(150_000, 'content ')
const withHole = Buffer.concat([content, Buffer.alloc(250_000)])

/** Two files, one in a directory that goes when it is empty. */
function scenario(root: string, way: Way, durability: NativeReleaseJob['durability']): ReleaseScenario {
  const { by, linked, digest, sparse, gone, faults = [] } = way
  const text = sparse ? withHole : content
  const names = ['f', 'd/e/g']
  let tiers = makeTiers(root)
  let job: NativeReleaseJob
  let inodes: bigint[] = []

  function check(name: string, inode: bigint | undefined, result: NativeReleaseResult | undefined): void {
    assert.ok(readFileSync(`${tiers.disk}/${name}`).equals(text), 'the copy is as it was')
    const path = `${tiers.buffer}/${name}`
    const st = lstatSync(path, { bigint: true, throwIfNoEntry: false })
    if (gone) return assert.equal(st, undefined)
    if (linked) {
      if (result?.outcome === 'released') assert.equal(st, undefined)
      else if (st === undefined) assert.equal(result?.error?.syscall, 'fsync')
      else assert.equal(readlinkSync(path), linkText(tiers, name))
      return
    }
    if (result?.outcome === 'released' || (result?.error?.syscall === 'fsync' && st?.ino !== inode)) {
      if (by === 'link') assert.equal(readlinkSync(path), linkText(tiers, name))
      else assert.equal(st, undefined)
      return
    }
    // Where even the undoing failed, the error says where it is.
    const places = [path, `${path}.~1~`, ...(result?.error?.dest ? [result.error.dest] : [])]
    const place = places.find((each) => existsSync(each) && lstatSync(each, { bigint: true }).ino === inode)
    assert.ok(place !== undefined, `the original of ${name} is gone: ${JSON.stringify(result)}`)
    assert.ok(readFileSync(place).equals(text))
  }

  return {
    faults,
    roots: [tiers.buffer, tiers.disk],
    reset() {
      for (const path of [tiers.buffer, tiers.disk]) rmSync(path, { recursive: true, force: true })
      tiers = makeTiers(root)
      const files = names.map((name) => {
        releasable(tiers, name, by, content)
        for (const tier of [tiers.buffer, tiers.disk]) {
          truncateSync(`${tier}/${name}`, text.length)
          setTimes(`${tier}/${name}`, 2000)
        }
        const file = plan(tiers, name, by)
        if (!digest) return file
        const told = { digest: digestOf(text) }
        return { ...file, known: { ...file.known, ...told }, copy: { ...file.copy, ...told } }
      })
      inodes = names.map((name) => lstatSync(`${tiers.buffer}/${name}`, { bigint: true }).ino)
      if (linked) {
        for (const name of names) {
          rmSync(`${tiers.buffer}/${name}`)
          symlinkSync(linkText(tiers, name), `${tiers.buffer}/${name}`)
        }
      }
      if (gone) {
        rmSync(`${tiers.buffer}/f`)
        rmSync(`${tiers.buffer}/d`, { recursive: true })
      }
      const directories = by === 'clear' ? ['d', 'd/e'].map(bytes) : []
      job = releaseJob(tiers, files, { durability, directories })
    },
    run: (engine) => engine.start(job),
    check({ results, done }) {
      const asked = names.length + (job.directories?.length ?? 0)
      assert.ok(done.error !== undefined || results.length === asked, 'everything is answered')
      assert.equal(new Set(results.map(({ index }) => index)).size, results.length, 'once')
      const elsewhere = results.some(({ error }) => error?.dest !== undefined)
      if (!elsewhere) assert.deepEqual(hidden(tiers.buffer), [], 'hidden names left')
      assert.deepEqual(hidden(tiers.disk), [])
      names.forEach((name, index) => {
        check(
          name,
          inodes[index],
          results.find((result) => result.index === index),
        )
      })
      for (const { index, outcome } of results.slice(names.length)) {
        const name = job.directories?.[index - names.length] ?? assert.fail()
        if (outcome === 'released') assert.ok(!existsSync(`${tiers.buffer}/${name}`))
        if (outcome === 'kept') assert.ok(readdirSync(`${tiers.buffer}/${name}`).length > 0)
      }
    },
  }
}

for (const kind of ['tmpfs', 'ext4'] as const) {
  describe(`a system call of a release fails on ${kind}:`, { skip: whyNot(kind) ?? false }, () => {
    let disk: Mount
    before(() => {
      disk = mount(kind, 32 << 20)
    })
    after(() => disk.unmount())

    for (const way of ways) {
      for (const durability of kind === 'tmpfs' ? (['batch'] as const) : (['none', 'batch'] as const)) {
        test(`${way.title}, durability ${durability}`, async () => {
          const { cases, calls, outcomes } = await releaseMatrix(scenario(disk.path, way, durability))
          assert.deepEqual(outcomes.slice(0, 2), [way.outcome, way.outcome])
          // What is found done may have been done by a process that was killed before it could sync.
          assert.equal(calls['fsync'] !== undefined, kind === 'ext4' && durability === 'batch')
          assert.ok(cases >= 50, `only ${cases} cases`)
        })
      }
    }
  })
}
