import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { SustenError } from 'susten'
import { type Journal, openJournal } from '#lib/journal/index.js'
import { type MemoryDisk, memoryDisk, settle } from './support/journal-disk.js'
import {
  applied,
  checkLive,
  checkLookups,
  contentOf,
  emptyModel,
  isSame,
  type Model,
  randomOps,
} from './support/journal-model.js'
import { createRandom, type Random } from './support/random.js'

/** One journal's life on a disk that fails and loses power; `base`, then what each call of `apply` made of it. */
interface Life {
  readonly random: Random
  readonly paths: number
  readonly segmentBytes: number
  disk: MemoryDisk
  journal: Journal
  /** What the journal was asked to hold, call by call. */
  states: Model[]
  /** How many of them are durable for certain. */
  durable: number
  /** Seqs that it has put durably. */
  announced: Set<number>
  failed: number
  readonly seqs: { last: number }
}

async function begin(seed: number): Promise<Life> {
  const random = createRandom(seed)
  const disk = memoryDisk(random)
  const segmentBytes = random.pick([1024, 2048, 16384])
  const journal = await settle(disk, openJournal({ directory: '/memory', files: disk, segmentBytes }))
  const paths = random.pick([3, 20, 200])
  const states = [emptyModel]
  return {
    random,
    paths,
    segmentBytes,
    disk,
    journal,
    states,
    durable: 0,
    announced: new Set(),
    failed: 0,
    seqs: { last: 0 },
  }
}

function apply(life: Life): void {
  const { states, random } = life
  const before = states.at(-1) ?? emptyModel
  const ops = randomOps(random, before, life.seqs, life.paths)
  states.push(applied(before, ops))
  const index = states.length - 1
  life.journal.apply(ops).then(
    () => {
      if (life.states === states) {
        assert.equal(index, life.durable + 1, 'calls become durable in their order')
        life.durable = index
        for (const op of ops) if (op.type === 'put') life.announced.add(op.record.seq)
      }
    },
    (error: SustenError) => {
      assert.ok(['ENOSPC', 'EIO'].includes(error.code), error.message)
      life.failed += 1
    },
  )
}

/** Opens what is left on a disk; it must be what some call left, and none that was durable may be missing. */
async function reopen(life: Life, disk: MemoryDisk): Promise<void> {
  life.disk = disk
  life.journal = await settle(disk, openJournal({ directory: '/memory', files: disk, segmentBytes: life.segmentBytes }))
  const found = await contentOf(life.journal)
  const possible = life.states.slice(life.durable)
  const at = possible.findIndex((state) => isSame(state, found))
  if (at === -1) assert.deepStrictEqual(found, possible[0], `none of ${possible.length} states`)
  life.states = [found]
  life.durable = 0
  life.announced = new Set([...found.files.values()].map((record) => record.seq))
  life.failed = 0
  checkLookups(life.journal, found)
}

async function step(life: Life): Promise<void> {
  const { random } = life
  const dice = random.below(100)
  if (dice < 45) apply(life)
  else if (dice < 94) for (let i = random.below(12); i > 0 && life.disk.advance(); i--) await setImmediate()
  else if (dice < 96) await reopen(life, life.disk.cut())
  else if (dice < 97) {
    if (life.disk.fail(random.pick(['ENOSPC', 'EIO']))) await setImmediate()
  } else if (dice < 98) {
    await settle(life.disk, life.journal.close())
    if (life.failed === 0) assert.equal(life.durable, life.states.length - 1, 'closing waits for everything')
    await reopen(life, life.disk)
  } else if (life.failed === 0) checkLive(life.journal, life.states.at(-1) ?? emptyModel, life.announced)
  await setImmediate()
}

async function live(seed: number, steps: number): Promise<number> {
  const life = await begin(seed)
  try {
    for (let i = 0; i < steps; i++) await step(life)
    await settle(life.disk, life.journal.close())
    await reopen(life, life.disk)
    return [...life.disk.content.keys()].filter((name) => name !== '0000000001.journal').length
  } catch (cause) {
    throw new Error(`seed ${seed}`, { cause })
  }
}

test('a journal holds every call of apply that resolved, and none by half, after any power cut or failed write', async () => {
  let rotated = 0
  for (let seed = 1; seed <= 150; seed++) rotated += await live(seed, 250)
  assert.ok(rotated > 100, 'segments were begun and cleaned')
})
