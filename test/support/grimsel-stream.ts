/** A beamline in small: a RAM disk, an internal disk, an external and an optional storage, and a detector's files. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statfsSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { GrimselOptions } from 'susten'
import { command, type Mount, mount, whyNot } from './mounts.js'
import { createRandom } from './random.js'
import { scratch } from './tree.js'

const MiB = 1 << 20

/** Why a beamline can't be built here; undefined if it can. */
export const whyNoBeamline = (): string | undefined =>
  (['tmpfs', 'ext4', 'xfs', 'btrfs'] as const).map(whyNot).find((why) => why !== undefined)

export interface Beamline {
  readonly buffer: Mount
  readonly disk: Mount
  readonly gpfs: Mount
  readonly tape: Mount
  readonly options: GrimselOptions
}

/** @param size Of the buffer in bytes; the internal disk is four times as large, and too small for all. */
export async function buildBeamline(
  t: TestContext,
  size: number,
  more: Partial<GrimselOptions> = {},
): Promise<Beamline> {
  const root = await scratch(t)
  const buffer = mount('tmpfs', size)
  const disk = mount('ext4', 4 * size)
  const gpfs = mount('xfs', 40 * size)
  const tape = mount('btrfs', 40 * size)
  t.after(() => {
    for (const one of [buffer, disk, gpfs, tape]) one.unmount()
  })
  const required = (one: Mount) => ({ target: one.path, mountPoint: one.path, concurrency: 2 })
  const options: GrimselOptions = {
    buffer: { directory: buffer.path, mountPoint: buffer.path },
    storages: [
      { id: 'disk', type: 'internal', ...required(disk) },
      { id: 'gpfs', type: 'external', ...required(gpfs) },
      { id: 'tape', type: 'optional', ...required(tape), concurrency: 1 },
    ],
    journal: join(root, 'journal'),
    volumeInterval: 50,
    retry: { first: 20, max: 200 },
    ...more,
  }
  return { buffer, disk, gpfs, tape, options }
}

/** A file as the detector made it. */
export interface Shot {
  /** Below the buffer. */
  readonly name: string
  readonly user: User
  readonly size: number
  /** Milliseconds since the epoch. */
  readonly mtime: number
  readonly seed: number
}

export interface User {
  readonly uid: number
  readonly gid: number
  readonly userDirectory: string
}

/** Shots of some users, each as many bytes in all. */
export function planShots(users: readonly User[], bytesEach: number): Shot[] {
  const random = createRandom(7)
  const shots: Shot[] = []
  for (const user of users) {
    let left = bytesEach
    for (let number = 0; left > 0; number++) {
      const size = random.below(20) === 0 ? 0 : 1 + random.below(MiB / 2)
      const name = `${user.userDirectory}/run${Math.floor(number / 10)}/lyso_${number}.h5`
      const mtime = 1_600_000_000_000 + 1_000_000 * shots.length + random.below(1000)
      shots.push({ name, user, size, mtime, seed: shots.length })
      left -= size
    }
  }
  return shots
}

/** The content of a shot: never the same as another's. */
function contentOf({ size, seed }: Shot): Buffer {
  const content = Buffer.alloc(size, `${seed} `)
  if (size > 8) content.writeUInt32LE(seed, size - 8)
  return content
}

/**
 * Writes a shot as soon as there is room for it. The detector would not wait; that room is made in time is not asked
 * here, but that it is made.
 */
export async function shoot(buffer: Mount, shot: Shot): Promise<void> {
  const end = performance.now() + 60_000
  for (;;) {
    const { bavail, bsize } = statfsSync(buffer.path)
    if (bavail * bsize > shot.size + MiB / 4) break
    assert.ok(performance.now() < end, `no room is made for ${shot.name}`)
    await sleep(2)
  }
  const path = join(buffer.path, shot.name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, contentOf(shot))
  chownSync(path, shot.user.uid, shot.user.gid)
  chmodSync(path, 0o640)
  utimesSync(path, shot.mtime / 1000, shot.mtime / 1000)
}

/** A shot is whole on a storage, its user's, and as old as it was. */
export function checkShot(path: string, shot: Shot): void {
  const stats = lstatSync(path, { bigint: true })
  assert.ok(stats.isFile(), `${path} is a file`)
  const { uid, gid } = shot.user
  assert.deepEqual([Number(stats.uid), Number(stats.gid)], [uid, gid], `the owner of ${path}`)
  // What utimes makes of a fraction is rounded: to a microsecond here.
  const difference = Number(stats.mtimeNs - BigInt(shot.mtime) * 1_000_000n)
  assert.ok(Math.abs(difference) <= 1000, `${path} is ${difference} ns off`)
  assert.ok(readFileSync(path).equals(contentOf(shot)), `the content of ${path}`)
}

/** Takes a file system away from under whoever uses it, as soon as nobody does; gives back what mounts it again. */
export async function takeAway(one: Mount): Promise<() => void> {
  const end = performance.now() + 30_000
  for (;;) {
    try {
      command('umount', one.path)
      break
    } catch (error) {
      if (performance.now() > end) throw error
      await sleep(5)
    }
  }
  return () => void command('mount', '-o', 'loop', one.image, one.path)
}
