import assert from 'node:assert/strict'
import { execFileSync, type StdioOptions } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { digestOf } from '#lib/demo/digest.js'
import { describeSeries, eiger, pilatus, startWriter, type WrittenFile } from '#lib/simulate/index.js'

const digests = import.meta.resolve('#lib/demo/digest.js')
const size = { width: 64, height: 32 }

describe('the series writer', () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'susten-test-writer-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const detectors = (perSecond = 500) => [
    {
      series: [1, 2].map((number) =>
        describeSeries({ detector: eiger(size), name: `a/b/lyso_${number}`, images: 4, imagesPerFile: 2 }),
      ),
      filesPerSecond: perSecond,
      mode: 0o640,
    },
    { series: [describeSeries({ detector: pilatus(size), name: 'c/ins', images: 3 })], filesPerSecond: perSecond },
  ]

  it('writes every file and tells of each once it is closed, a series in order, its master first', async () => {
    const files: WrittenFile[] = []
    const writer = startWriter({ directory: folder, digests, detectors: detectors() }, (message) => {
      if (message.type === 'written') files.push(message.file)
    })
    await writer.done
    const namesOf = (detector: number): string[] =>
      files.filter((file) => file.detector === detector).map(({ name }) => name)
    assert.deepEqual(namesOf(0), [
      'a/b/lyso_1_master.h5',
      'a/b/lyso_1_data_000001.h5',
      'a/b/lyso_1_data_000002.h5',
      'a/b/lyso_2_master.h5',
      'a/b/lyso_2_data_000001.h5',
      'a/b/lyso_2_data_000002.h5',
    ])
    assert.deepEqual(namesOf(1), ['c/ins_00001.cbf', 'c/ins_00002.cbf', 'c/ins_00003.cbf'])
    assert.deepEqual(readdirSync(folder, { recursive: true }).length, 9 + 3)
    for (const file of files) {
      const path = join(folder, file.name)
      const found = statSync(path, { bigint: true })
      assert.equal(digestOf(await readFile(path)), file.digest)
      assert.equal(Number(found.size), file.size)
      assert.equal(found.mtimeNs, file.mtimeNs)
      assert.equal(Number(found.mode) & 0o7777, file.detector === 0 ? 0o640 : 0o644)
      assert.equal(file.mode, Number(found.mode) & 0o7777)
      assert.ok(file.closedAt <= process.hrtime.bigint())
    }
  })

  it('leaves digests out unless it is given a module that makes them', async () => {
    const told: string[] = []
    await startWriter({ directory: folder, detectors: detectors() }, (message) => {
      if (message.type === 'written') told.push(message.file.digest)
    }).done
    assert.deepEqual(new Set(told), new Set(['']))
  })

  const skip = process.getuid?.() === 0 ? false : 'needs root'
  it('gives the files and directories the owner it is told', { skip }, async () => {
    const files: WrittenFile[] = []
    const owner = { uid: 51_001, gid: 51_002 }
    await startWriter({ directory: folder, digests, detectors: detectors(), owner }, (message) => {
      if (message.type === 'written') files.push(message.file)
    }).done
    for (const name of [...files.map((file) => file.name), 'a', 'a/b', 'c']) {
      const { uid, gid } = statSync(join(folder, name))
      assert.deepEqual({ uid, gid }, owner, name)
    }
    assert.ok(files.every(({ uid, gid }) => uid === owner.uid && gid === owner.gid))
  })

  it('completes the series that is under way when it is stopped, and begins no other', async () => {
    const files: WrittenFile[] = []
    const [lysozyme] = detectors(20)
    assert.ok(lysozyme !== undefined)
    const writer = startWriter({ directory: folder, digests, detectors: [lysozyme] }, (message) => {
      if (message.type === 'written') files.push(message.file)
      writer.stop()
    })
    await writer.done
    assert.deepEqual(
      files.map(({ name }) => name),
      ['a/b/lyso_1_master.h5', 'a/b/lyso_1_data_000001.h5', 'a/b/lyso_1_data_000002.h5'],
    )
  })

  it('ends at once when it is closed, and may be closed again', async () => {
    const writer = startWriter({ directory: folder, digests, detectors: detectors(0.01) }, () => {})
    await writer.close()
    await writer.close()
    await writer.done
  })

  it('rejects when a file exists already, and leaves that file alone', async () => {
    const run = detectors()
    await startWriter({ directory: folder, digests, detectors: run }, () => {}).done
    const before = digestOf(await readFile(join(folder, 'a/b/lyso_1_master.h5')))
    await assert.rejects(startWriter({ directory: folder, digests, detectors: run }, () => {}).done, { code: 'EEXIST' })
    assert.equal(digestOf(await readFile(join(folder, 'a/b/lyso_1_master.h5'))), before)
  })

  it('computes the digests that xxhsum does', { skip: hasXxhsum() ? false : 'xxhsum is not installed' }, async () => {
    const files: WrittenFile[] = []
    await startWriter({ directory: folder, digests, detectors: detectors() }, (message) => {
      if (message.type === 'written') files.push(message.file)
    }).done
    for (const { name, digest } of files) {
      const stdio: StdioOptions = ['ignore', 'pipe', 'ignore']
      const line = execFileSync('xxhsum', ['-H2', join(folder, name)], { encoding: 'utf8', stdio })
      assert.equal(line.slice(0, 32), digest)
    }
  })
})

function hasXxhsum(): boolean {
  try {
    execFileSync('xxhsum', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
