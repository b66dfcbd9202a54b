/** Whoever opens the final name gets a whole file. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import type { Existing } from '#lib/native.js'
import type { ReaderTask, Seen } from './fixtures/reader.js'
import { type Mount, mount, whyNot } from './support/mounts.js'
import { bytes, namedTemps, openRaw } from './support/raw-engine.js'

const generations = 8
/** So many reads are wanted; so many copies are made for it at most. */
const enough = 250
const most = 5000
// From a part of a page to many writes.
const sizes = Array.from(
  { length: generations },
  (_, i) => [17, 300_001, 4096, 70_000, 1, 1_500_000, 65_536, 200][i] ?? 0,
)

for (const kind of ['tmpfs', 'ext4'] as const) {
  describe(`a reader on ${kind} never sees a part:`, { skip: whyNot(kind) ?? false }, () => {
    let disk: Mount
    before(() => {
      disk = mount(kind, 64 << 20)
    })
    after(() => disk.unmount())

    for (const faults of [[], [namedTemps]]) {
      for (const existing of ['replace', 'version'] as const) {
        for (const strategy of ['readwrite', 'sendfile', 'copy_file_range'] as const) {
          const temp = faults.length === 0 ? 'unnamed' : 'named'
          test(`existing ${existing}, ${strategy}, ${temp} temp files`, async () => {
            const [src, dest] = [`${disk.path}/src`, `${disk.path}/dest`]
            for (const path of [src, dest]) {
              rmSync(path, { recursive: true, force: true })
              mkdirSync(path)
            }
            sizes.forEach((size, i) => {
              writeFileSync(`${src}/${i}`, Buffer.alloc(size, i))
              chownSync(`${src}/${i}`, 1234, 5678)
              chmodSync(`${src}/${i}`, 0o640)
            })
            const seen = await watched(`${dest}/f`, async (saw) => {
              await using engine = openRaw({ threads: 2, faults })
              const options = { strategy, verify: 'none', durability: 'batch' } as const
              for (let i = 0; i < most && !saw(); ++i) {
                const file = { src: bytes(`${i % generations}`), dest: bytes('f'), existing: existing as Existing }
                const job = { srcRoot: bytes(src), destRoot: bytes(dest), files: [file], options }
                const { files } = await engine.startFiles(job).finished
                assert.equal(files[0]?.error, undefined)
              }
            })
            assert.deepEqual(seen.wrong, [])
            assert.equal(seen.missing, 0, 'once there, the name never goes')
            assert.ok(seen.reads >= enough, `only ${seen.reads} reads`)
            assert.ok(seen.generations > 3, `only ${seen.generations} different contents seen`)
          })
        }
      }
    }
  })
}

/** Does something while another thread reads `path`, which is told whether that saw enough. */
async function watched(path: string, doing: (saw: () => boolean) => Promise<void>): Promise<Seen> {
  const shared = new SharedArrayBuffer(12)
  const board = new Int32Array(shared)
  const workerData: ReaderTask = { path, sizes, shared }
  const reader = new Worker(new URL('./fixtures/reader.js', import.meta.url), { workerData })
  await once(reader, 'message')
  try {
    await doing(() => Atomics.load(board, 1) >= enough && Atomics.load(board, 2) > 3)
  } finally {
    Atomics.store(board, 0, 1)
  }
  const [seen] = (await once(reader, 'message')) as [Seen]
  return seen
}
