import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { judge } from '#lib/demo/judge.js'
import { planDemo } from '#lib/demo/plan.js'
import { openTally, type Reception, type Tally } from '#lib/demo/tally.js'
import type { Users } from '#lib/demo/users.js'
import type { FileState, ServedFile } from '#lib/simulate/dcu/index.js'

const users: Users = [
  { uid: 1, gid: 2, userDirectory: 'visit1' },
  { uid: 3, gid: 4, userDirectory: 'visit2' },
]
const change = { from: 100n, to: 110n }
const { detectors } = planDemo({ seconds: 2, rate: 16, seed: 1 })
const name = 'insulin/run1/insulin_1_00001.cbf'

/** A file of the second detector. */
const served = (state: FileState = 'deleted'): ServedFile => ({
  id: 1,
  name,
  kind: 'cbf',
  size: 1000,
  digest: 'abc',
  series: 1,
  begun: 1_700_000_000_000,
  state,
  completed: 1_700_000_000_999,
  gone: undefined,
})

/** A file that was complete at a time, and went its way in steps of 10. */
function tallyOf(at: bigint, reception: Partial<Reception> = {}): Tally {
  const tally = openTally(2)
  const key = { detector: 1, name }
  const path = reception.path ?? `visit1/${name}`
  tally.completed({ ...key, size: 1000, digest: 'abc', at })
  tally.received(key, { uid: 1, gid: 2, digest: 'abc', ...reception, path }, at + 10n)
  tally.copied('internal', path, 'abc', at + 20n)
  tally.removed(key, at + 30n)
  tally.copied('external', path, 'abc', at + 40n)
  return tally
}

function judged(tally: Tally, completed: readonly ServedFile[] = [served()], dropped: readonly string[] = []) {
  const none = { completed: [], dropped: [], deletes: 0 }
  return judge({ detectors, users, tally, change, servers: [none, { completed, dropped, deletes: 1 }] })
}

const second = { uid: 3, gid: 4, path: `visit2/${name}` }

describe("the demo's judgement", () => {
  it('expects a file with the time of its server, the owner and the directory of the user whose turn it was', () => {
    const { expected, failures } = judged(tallyOf(99n))
    assert.deepEqual(failures, [])
    assert.deepEqual(expected, [
      [
        {
          path: `visit1/${name}`,
          size: 1000,
          digest: 'abc',
          uid: 1,
          gid: 2,
          mode: 0o644,
          mtimeNs: 1_700_000_000_000_000_000n,
          content: { kind: 'cbf', width: 487, height: 619 },
        },
      ],
      [],
    ])
    const later = judged(tallyOf(111n, second))
    assert.deepEqual(later.failures, [])
    assert.deepEqual(
      later.expected.map((files) => files.map(({ path, uid, gid }) => [path, uid, gid])),
      [[], [[`visit2/${name}`, 3, 4]]],
    )
  })

  it('leaves open whose a file is that was complete while the user changed, but not the rest', () => {
    for (const at of [100n, 105n, 110n]) {
      assert.deepEqual(judged(tallyOf(at)).failures, [])
      assert.deepEqual(judged(tallyOf(at, second)).failures, [])
    }
    assert.deepEqual(judged(tallyOf(105n, { ...second, uid: 1 })).failures, [
      { path: `visit2/${name}`, problem: 'received for 1:4 instead of 3:4' },
    ])
  })

  it('finds files of the wrong user', () => {
    assert.deepEqual(judged(tallyOf(99n, second)).failures, [
      { path: `visit1/${name}`, problem: `received as visit2/${name}` },
      { path: `visit1/${name}`, problem: 'received for 3:4 instead of 1:2' },
    ])
    assert.deepEqual(judged(tallyOf(111n)).failures, [
      { path: `visit2/${name}`, problem: `received as visit1/${name}` },
      { path: `visit2/${name}`, problem: 'received for 1:2 instead of 3:4' },
    ])
  })

  it('finds a DELETE that came before its file was durable on the internal storage', () => {
    const tally = openTally(2)
    const key = { detector: 1, name }
    const path = `visit1/${name}`
    tally.completed({ ...key, size: 1000, digest: 'abc', at: 1n })
    tally.received(key, { path, uid: 1, gid: 2, digest: 'abc' }, 2n)
    tally.removed(key, 3n)
    tally.copied('external', path, 'abc', 3n)
    const problem = 'removed at the server before it was durable on internal'
    assert.deepEqual(judged(tally).failures, [
      { path, problem },
      { path, problem: 'not durable on internal: not done in time' },
    ])
    tally.copied('internal', path, 'abc', 4n)
    assert.deepEqual(judged(tally).failures, [{ path, problem }])
  })

  it('finds what was left, lost or dropped at the server, and what nobody planned', () => {
    assert.deepEqual(judged(tallyOf(1n), [served('present')]).failures, [
      { path: `visit1/${name}`, problem: 'still at the server' },
    ])
    assert.deepEqual(judged(tallyOf(1n), [served('replaced')]).failures, [
      { path: `visit1/${name}`, problem: 'replaced at the server' },
    ])
    assert.deepEqual(judged(openTally(2), [], ['x.cbf']).failures, [
      { path: 'x.cbf', problem: 'the server had no room for it' },
    ])
    assert.deepEqual(judged(openTally(2), [{ ...served(), name: 'y' }]).failures, [
      { path: 'y', problem: 'nobody planned this' },
    ])
  })

  it('names what did not get on, with the reason', () => {
    const tally = openTally(2)
    const key = { detector: 1, name }
    tally.completed({ ...key, size: 1000, digest: 'abc', at: 1n })
    const problems = () => judged(tally, [served()]).failures.map(({ path, problem }) => `${path}: ${problem}`)
    assert.deepEqual(problems(), [
      `${name}: not received: not done in time`,
      `${name}: not durable on internal: not done in time`,
      `${name}: not durable on external: not done in time`,
    ])
    tally.received(key, { path: `visit1/${name}`, uid: 1, gid: 2, digest: 'abc' }, 2n)
    tally.failed('external', `visit1/${name}`, 'ENOSPC')
    tally.copied('internal', `visit1/${name}`, 'abc', 3n)
    assert.deepEqual(problems(), [`visit1/${name}: not durable on external: ENOSPC`])
  })
})
