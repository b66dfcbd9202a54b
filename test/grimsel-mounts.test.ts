import assert from 'node:assert/strict'
import { lstatSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Grimsel, type GrimselOptions } from 'susten'
import {
  type Beamline,
  buildBeamline,
  checkShot,
  planShots,
  type Shot,
  shoot,
  takeAway,
  type User,
  whyNoBeamline,
} from './support/grimsel-stream.js'
import { filesBelow, listen, type Told } from './support/mirror-world.js'

const why = whyNoBeamline()
const MiB = 1 << 20
const bufferSize = 12 * MiB
const users: readonly User[] = [
  { uid: 20_001, gid: 30_001, userDirectory: 'ann' },
  { uid: 20_002, gid: 30_002, userDirectory: 'ben' },
  { uid: 20_003, gid: 30_003, userDirectory: 'eva' },
]

interface Stream {
  readonly beamline: Beamline
  readonly grimsel: Grimsel
  readonly told: Told
  readonly shots: readonly Shot[]
}

/**
 * Streams 20 times the buffer's size through a Grimsel, with two user changes.
 * @param along Called before every shot.
 */
async function stream(
  t: TestContext,
  more: Partial<GrimselOptions>,
  along: (stream: Stream, index: number) => Promise<void> = async () => {},
): Promise<Stream> {
  const beamline = await buildBeamline(t, bufferSize, more)
  const grimsel = await Grimsel.open(beamline.options)
  t.after(() => grimsel.close('stop').catch(() => {}))
  const told = listen(grimsel)
  const shots = planShots(users, (20 * bufferSize) / users.length)
  const made: Stream = { beamline, grimsel, told, shots }
  let user: User | undefined
  for (const [index, shot] of shots.entries()) {
    if (user !== shot.user) await grimsel.changeUser(shot.user)
    user = shot.user
    await along(made, index)
    await shoot(beamline.buffer, shot)
    await grimsel.add(shot.name)
  }
  await grimsel.idle()
  return made
}

/** Every file is where it belongs, and nowhere else. */
function check({ beamline, grimsel, told, shots }: Stream, createLinks: boolean): void {
  assert.deepEqual(told.failed, [])
  assert.deepEqual(told.errors, [])
  const names = shots.map(({ name }) => name).sort()
  for (const { path } of [beamline.gpfs, beamline.tape]) {
    assert.deepEqual(filesBelow(path), names)
    for (const shot of shots) checkShot(join(path, shot.name), shot)
  }
  const last = users.at(-1)
  for (const tier of [beamline.buffer, beamline.disk]) {
    assert.deepEqual(
      readdirSync(tier.path).filter((name) => name !== 'lost+found'),
      [last?.userDirectory],
      `${tier.kind} has the running shift's files only`,
    )
  }
  const counts = { file: 0, link: 0 }
  for (const shot of shots.filter(({ user }) => user === last)) {
    for (const tier of [beamline.buffer, beamline.disk]) {
      const path = join(tier.path, shot.name)
      const stats = lstatSync(path, { throwIfNoEntry: false })
      if (stats?.isSymbolicLink()) {
        counts.link += 1
        const next = tier === beamline.buffer ? [beamline.disk, beamline.gpfs] : [beamline.gpfs]
        assert.ok(next.map((one) => join(one.path, shot.name)).includes(readlinkSync(path)), path)
      } else if (stats !== undefined) {
        counts.file += 1
        checkShot(path, shot)
      } else {
        assert.equal(createLinks, false, `${path} is gone`)
      }
    }
  }
  assert.ok(counts.file > 0, 'the newest files are still there')
  assert.equal(counts.link > 0, createLinks, 'older ones became links, as the site wants it')
  for (const { id, pending, copied, failed } of grimsel.status().storages) {
    assert.deepEqual({ pending, copied, failed }, { pending: 0, copied: shots.length, failed: 0 }, id)
  }
}

const codes = ({ told }: Stream): Set<string> => new Set(told.messages.map(({ code }) => code))

test('20 times the buffer streams through it, and every file ends where it belongs', async (t) => {
  if (why !== undefined) return t.skip(why)
  const made = await stream(t, {})
  check(made, true)
  for (const code of ['FILLSTATE_LIMIT', 'SHIFT_CLEARED']) assert.ok(codes(made).has(code), code)
})

test('the same where released files are deleted', async (t) => {
  if (why !== undefined) return t.skip(why)
  check(await stream(t, { space: { createLinks: false } }), false)
})

test('the same with the external storage unmounted in the middle, and mounted again', async (t) => {
  if (why !== undefined) return t.skip(why)
  let back: (() => void) | undefined
  const made = await stream(t, {}, async ({ beamline, shots }, index) => {
    const middle = Math.floor(shots.length / 2)
    if (index === middle) back = await takeAway(beamline.gpfs)
    if (index !== middle + 40) return
    assert.deepEqual(readdirSync(beamline.gpfs.path), [], 'nothing is written below its mount point')
    back?.()
  })
  check(made, true)
  for (const code of ['STORAGE_UNAVAILABLE', 'STORAGE_BACK']) assert.ok(codes(made).has(code), code)
})

test('the same with an optional storage that is 50 times slower', async (t) => {
  if (why !== undefined) return t.skip(why)
  const engines = { tape: { faults: [{ call: 'linkat', effect: 'delay', delay: 15, times: -1 }] } }
  let behind = 0
  const made = await stream(t, { engines }, async ({ grimsel }) => {
    const [disk, , tape] = grimsel.status().storages
    behind = Math.max(behind, (tape?.pending ?? 0) - (disk?.pending ?? 0))
  })
  assert.ok(behind > 100, `it was ${behind} files behind`)
  check(made, true)
})
