import assert from 'node:assert/strict'
import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { digestOf } from '#lib/demo/digest.js'
import { contentOf } from '#lib/demo/plan.js'
import { type ExpectedFile, type Verification, type VerifyJob, verifyTier } from '#lib/demo/verify.js'
import { describeSeries, eiger, pilatus, startWriter, type WrittenFile } from '#lib/simulate/index.js'

const folder = mkdtempSync(join(tmpdir(), 'susten-test-verify-'))
const source = join(folder, 'source')
const copy = join(folder, 'copy')
after(() => rmSync(folder, { recursive: true, force: true }))

const series = [
  [describeSeries({ detector: eiger({ width: 64, height: 32 }), name: 'run1/lyso_1', images: 5, imagesPerFile: 2 })],
  [describeSeries({ detector: pilatus({ width: 64, height: 32 }), name: 'ins/ins_1', images: 2 })],
]
const data = 'run1/lyso_1_data_000002.h5'
const master = 'run1/lyso_1_master.h5'
const cbf = 'ins/ins_1_00002.cbf'

let expected: ExpectedFile[] = []

/** Changes one bit in the middle of a copy, and nothing that stat tells. */
function flipBit(name: string): void {
  const path = join(copy, name)
  const { atime, mtime, size } = statSync(path)
  const file = openSync(path, 'r+')
  const byte = Buffer.alloc(1)
  readSync(file, byte, 0, 1, Math.floor(size / 2))
  byte[0] = (byte[0] ?? 0) ^ 1
  writeSync(file, byte, 0, 1, Math.floor(size / 2))
  closeSync(file)
  utimesSync(path, atime, mtime)
}

const verify = (list = expected, job: Partial<VerifyJob> = {}): Promise<Verification> =>
  verifyTier({ root: copy, expected: list, ...job }, () => {})
const problemsOf = async (list = expected, job: Partial<VerifyJob> = {}): Promise<string[]> =>
  (await verify(list, job)).problems.map(({ path, problem }) => `${path.slice(copy.length + 1)}: ${problem}`)

describe('the verification of a tier', () => {
  before(async () => {
    cpSync(mkdtempSync(join(folder, 'empty-')), source, { recursive: true })
    const files: WrittenFile[] = []
    const detectors = series.map((list) => ({ series: list, filesPerSecond: 500 }))
    await startWriter(
      { directory: source, detectors, digests: import.meta.resolve('#lib/demo/digest.js') },
      (message) => {
        if (message.type === 'written') files.push(message.file)
      },
    ).done
    // `cp` of Node keeps milliseconds only: give the source times that both have.
    for (const { name } of files) utimesSync(join(source, name), 1_800_000_000, 1_800_000_000)
    expected = files.map((file) => {
      const { name, size, digest, uid, gid, mode } = file
      const found = series[file.detector]?.[file.series]
      assert.ok(found !== undefined)
      const mtimeNs = 1_800_000_000_000_000_000n
      return { path: name, size, digest, uid, gid, mode, mtimeNs, content: contentOf(found, file) }
    })
  })
  beforeEach(() => {
    rmSync(copy, { recursive: true, force: true })
    cpSync(source, copy, { recursive: true, preserveTimestamps: true })
  })

  it('finds nothing wrong with exact copies, and counts what it opened', async () => {
    const bytes = expected.reduce((sum, { size }) => sum + size, 0)
    assert.deepEqual(await verify(), {
      files: 6,
      bytes,
      released: 0,
      metadata: 6,
      masters: 1,
      links: 3,
      images: 2,
      problems: [],
    })
  })

  for (const name of [master, data, cbf]) {
    it(`finds one flipped bit in ${name} and names the file`, async () => {
      flipBit(name)
      const [problem, ...others] = await problemsOf()
      assert.deepEqual(others, [])
      assert.match(problem ?? '', new RegExp(`^${name}: digest [0-9a-f]{32} instead of [0-9a-f]{32}$`))
    })
  }

  it('finds a missing file, and that the master leads nowhere', async () => {
    unlinkSync(join(copy, data))
    assert.deepEqual(await problemsOf(), [
      `${master}: HDF5: /entry/data/data_000002 leads to lyso_1_data_000002.h5, which is not there`,
      `${data}: missing`,
    ])
  })

  it('finds a short file', async () => {
    truncateSync(join(copy, cbf), 1000)
    utimesSync(join(copy, cbf), 1_800_000_000, 1_800_000_000)
    const size = expected.find(({ path }) => path === cbf)?.size
    assert.deepEqual(await problemsOf(), [`${cbf}: 1000 bytes instead of ${size}`])
  })

  it('finds a wrong mode, owner, group or time', async () => {
    chmodSync(join(copy, cbf), 0o600)
    assert.deepEqual(await problemsOf(), [`${cbf}: mode 600 instead of 644`])
    chmodSync(join(copy, cbf), 0o644)
    utimesSync(join(copy, cbf), 1_800_000_000, 1_800_000_001)
    const late = `${cbf}: modified at 1800000001000000000 ns instead of 1800000000000000000 ns`
    assert.deepEqual(await problemsOf(), [late])
    utimesSync(join(copy, cbf), 1_800_000_000, 1_800_000_000)
    const other = expected.map((file) => (file.path === cbf ? { ...file, uid: file.uid + 1, gid: file.gid + 2 } : file))
    const { uid, gid } = statSync(join(copy, cbf))
    assert.deepEqual(await problemsOf(other), [
      `${cbf}: owner ${uid} instead of ${uid + 1}, group ${gid} instead of ${gid + 2}`,
    ])
  })

  it('finds files that nobody wrote', async () => {
    writeFileSync(join(copy, 'run1/.susten-1.tmp'), '')
    linkSync(join(copy, cbf), join(copy, 'ins/ins_1_00002.cbf.~1~'))
    assert.deepEqual((await problemsOf()).sort(), [
      'ins/ins_1_00002.cbf.~1~: must not be here',
      'run1/.susten-1.tmp: must not be here',
    ])
  })

  it('finds images that contradict their link, though every digest is right', async () => {
    // Swap two data files, and tell the verification that their bytes are meant to be so.
    const first = 'run1/lyso_1_data_000001.h5'
    renameSync(join(copy, first), join(copy, 'x'))
    renameSync(join(copy, data), join(copy, first))
    renameSync(join(copy, 'x'), join(copy, data))
    const swapped = expected.map((file) => ({ ...file, digest: digestOf(readFileSync(join(copy, file.path))) }))
    assert.deepEqual(await problemsOf(swapped), [
      `${master}: HDF5: /entry/data/data_000001 holds images 3 to 4 instead of 1 to 2`,
      `${first}: HDF5: /entry/data/data holds images 3 to 4 instead of 1 to 2`,
      `${data}: HDF5: /entry/data/data holds images 1 to 2 instead of 3 to 4`,
    ])
  })

  describe('where space was given back', () => {
    const next = join(folder, 'next')
    const last = join(folder, 'last')
    const later = [next, last]
    /** Moves a file to another tier, and leaves a link. */
    function release(name: string, from: string, to: string): void {
      mkdirSync(dirname(join(to, name)), { recursive: true })
      renameSync(join(from, name), join(to, name))
      symlinkSync(join(to, name), join(from, name))
    }
    beforeEach(() => {
      for (const directory of later) rmSync(directory, { recursive: true, force: true })
    })

    it('follows links to later tiers, one after the other, and counts them', async () => {
      release(data, copy, next)
      release(cbf, copy, last)
      release(data, next, last)
      const { files, released, metadata, links, problems } = await verify(expected, { later })
      assert.deepEqual(
        { files, released, metadata, links, problems },
        {
          files: 6,
          released: 2,
          metadata: 6,
          links: 3,
          problems: [],
        },
      )
    })

    it('finds a flipped bit where a link leads to', async () => {
      release(cbf, copy, next)
      flipBit(cbf)
      const [problem, ...others] = await problemsOf(expected, { later })
      assert.match(problem ?? '', new RegExp(`^${cbf}: digest `))
      assert.deepEqual(others, [])
    })

    it('finds links that lead elsewhere, nowhere or back, and any link where none may be', async () => {
      release(cbf, copy, next)
      assert.deepEqual(await problemsOf(), [`${cbf}: no regular file`])
      renameSync(join(next, cbf), join(next, 'x'))
      assert.deepEqual(await problemsOf(expected, { later }), [`${cbf}: missing`])
      symlinkSync(join(next, cbf), join(next, cbf))
      assert.deepEqual(await problemsOf(expected, { later }), [`${cbf}: a link to ${join(next, cbf)}`])
      unlinkSync(join(copy, cbf))
      symlinkSync(join(next, 'x'), join(copy, cbf))
      assert.deepEqual(await problemsOf(expected, { later }), [`${cbf}: a link to ${join(next, 'x')}`])
    })
  })

  it('says of a storage that is not there that everything is missing', async () => {
    rmSync(copy, { recursive: true })
    const problems = await problemsOf()
    assert.equal(problems.filter((problem) => problem.endsWith(': missing')).length, 6)
    assert.ok(problems.length === 7 && !existsSync(copy))
  })

  it('ends with the reason when it is aborted', async () => {
    const reason = new Error('enough')
    await assert.rejects(
      verifyTier({ root: copy, expected }, () => {}, AbortSignal.abort(reason)),
      reason,
    )
    const later = new AbortController()
    const running = verifyTier({ root: copy, expected }, () => {}, later.signal)
    later.abort(reason)
    await assert.rejects(running, reason)
  })
})
