import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Existing, NativeCopyOptions, NativeFileResult } from '#lib/native.js'
import { type Before, copyWorld } from './support/copy-world.js'
import { faultMatrix } from './support/fault-matrix.js'
import { type Mount, mount, whyNot } from './support/mounts.js'

process.umask(0o022)

/** Every policy with every state of the name that it treats differently, and what becomes of the file. */
const states: readonly [Existing, Before, NativeFileResult['outcome']][] = [
  ['replace', 'nothing', 'created'],
  ['replace', 'other', 'replaced'],
  ['refuse', 'nothing', 'created'],
  ['refuse', 'other', 'failed'],
  ['skip', 'nothing', 'created'],
  ['skip', 'other', 'skipped'],
  ['version', 'nothing', 'created'],
  ['version', 'other', 'versioned'],
  ['version', 'alike', 'versioned'],
  ['version', 'equal', 'replaced'],
  ['version', 'same', 'unchanged'],
  ['version', 'own', 'replaced'],
  ['version', 'known', 'unchanged'],
]

type Care = Required<Pick<NativeCopyOptions, 'durability' | 'verify'>>
const durabilities = ['none', 'batch', 'each'] as const
const verifies = ['none', 'inline', 'readback'] as const
const allCare: readonly Care[] = durabilities.flatMap((durability) =>
  verifies.map((verify) => ({ durability, verify })),
)
/** Every value of both once. */
const someCare: readonly Care[] = [
  { durability: 'none', verify: 'inline' },
  { durability: 'batch', verify: 'readback' },
  { durability: 'each', verify: 'none' },
]

for (const kind of ['tmpfs', 'ext4'] as const) {
  describe(`a system call fails on ${kind}, each in turn in every way:`, { skip: whyNot(kind) ?? false }, () => {
    let disk: Mount
    before(() => {
      disk = mount(kind, 32 << 20)
    })
    after(() => disk.unmount())

    for (const [existing, state, outcome] of states) {
      // On tmpfs there is nothing to sync. All combinations where most of the protocol runs.
      const whole = kind === 'ext4' && (state === 'nothing' ? existing === 'replace' : state === 'alike')
      for (const care of whole ? allCare : kind === 'ext4' ? someCare : someCare.slice(-1)) {
        const copies = outcome === 'created' || outcome === 'replaced' || outcome === 'versioned'
        for (const named of copies ? [false, true] : [false]) {
          const temp = named ? 'a named temp file' : 'an unnamed temp file'
          test(`${existing}, there is ${state}, ${temp}, durability ${care.durability}, verify ${care.verify}`, async () => {
            const world = copyWorld(disk.path, { existing, before: state, options: care, ...(named && { named: 2 }) })
            const { cases, calls, outcomes } = await faultMatrix(world)
            assert.deepEqual(outcomes, [outcome])
            // A mode that the mask doesn't let a new file have.
            if (copies) assert.ok('fchmod' in calls)
            if (copies && outcome !== 'versioned') assert.equal(calls['linkat'] === undefined, named)
            assert.ok(cases >= 50, `only ${cases} cases`)
          })
        }
      }
    }
  })
}
