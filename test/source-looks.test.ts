import assert from 'node:assert/strict'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ByteString, bytesOfText } from '#lib/bytes.js'
import type { CoreEvent, FileRecord, Fingerprint } from '#lib/core/index.js'
import { type EngineOptions, openEngine } from '#lib/engine/index.js'
import { openDirectory, openSweep } from '#lib/source/index.js'
import { createNameFilter } from '#lib/source/name-filter.js'
import { createSettling, type SeenFile, type Verdict } from '#lib/source/settling.js'
import { fingerprintOf } from './support/core-world.js'
import { until } from './support/mirror-world.js'
import { scratch } from './support/tree.js'

const path = (name: string): ByteString => bytesOfText(name)

interface Looks {
  /** What a look finds. */
  readonly files: Map<string, Fingerprint>
  readonly quiet: SeenFile[]
  readonly settling: ReturnType<typeof createSettling>
  readonly looks: string[]
}

function settle(t: TestContext, verdict: Verdict = 'young', limit = 10): Looks {
  const files = new Map<string, Fingerprint>()
  const quiet: SeenFile[] = []
  const looks: string[] = []
  const settling = createSettling({
    settle: 30,
    limit,
    async look(name) {
      looks.push(name)
      return files.get(name)
    },
    judge: () => verdict,
    async onQuiet(found) {
      quiet.push(...found)
    },
    onEmpty() {},
  })
  t.after(() => settling.close())
  return { files, quiet, settling, looks }
}

test('a file that was seen is quiet when the next look finds it unchanged', async (t) => {
  const { files, quiet, settling } = settle(t)
  files.set('a', fingerprintOf(1))
  settling.add(path('a'), undefined)
  await until(() => settling.size === 0, 'it has settled')
  assert.deepEqual(quiet, [{ path: 'a', fingerprint: fingerprintOf(1) }])
})

test('a file that changes at every look is waited for', async (t) => {
  const { files, quiet, settling, looks } = settle(t)
  files.set('a', fingerprintOf(1))
  settling.add(path('a'), undefined)
  for (let version = 2; version < 6; version++) {
    const before = looks.length
    await until(() => looks.length > before, 'another look')
    assert.deepEqual(quiet, [])
    files.set('a', fingerprintOf(version))
  }
  await until(() => quiet.length === 1, 'it is quiet')
  assert.equal(quiet[0]?.fingerprint.size, 5)
})

test('a file that goes while it is waited for is let go', async (t) => {
  const { quiet, settling } = settle(t)
  settling.add(path('a'), fingerprintOf(1))
  await until(() => settling.size === 0, 'it is let go')
  assert.deepEqual(quiet, [])
})

test('the first look is enough for a file that is known, or that nobody touched for long', async (t) => {
  for (const [verdict, found] of [
    ['known', 0],
    ['quiet', 1],
  ] as const) {
    const { files, quiet, settling, looks } = settle(t, verdict)
    files.set('a', fingerprintOf(1))
    settling.add(path('a'), undefined)
    await until(() => settling.size === 0, 'it has settled')
    assert.deepEqual([quiet.length, looks], [found, ['a']])
  }
})

test('a file that was announced otherwise is not waited for', async (t) => {
  const { files, quiet, settling } = settle(t)
  files.set('a', fingerprintOf(1))
  settling.add(path('a'), fingerprintOf(1))
  settling.delete(path('a'))
  await sleep(60)
  assert.deepEqual([quiet, settling.size], [[], 0])
})

test('no more files are kept in mind than the limit', (t) => {
  const { settling } = settle(t, 'young', 2)
  const taken = ['a', 'b', 'c', 'a'].map((name) => settling.add(path(name), fingerprintOf(1)))
  assert.deepEqual(taken, [true, true, false, true])
})

test('a name filter has every name that was added, and few others', () => {
  for (const seed of [0, 1, 77]) {
    const filter = createNameFilter(10_000, seed)
    for (let i = 0; i < 10_000; i++) filter.add(`run/file_${i}`)
    let wrong = 0
    for (let i = 0; i < 10_000; i++) {
      assert.ok(filter.mayHave(`run/file_${i}`))
      if (filter.mayHave(`run/other_${i}`)) wrong += 1
    }
    assert.ok(wrong < 50, `${wrong} of 10,000 taken for added`)
  }
})

test('name filters of different seeds err on different names', () => {
  const [one, two] = [createNameFilter(1000, 1), createNameFilter(1000, 2)]
  // Thrice as many as they are made for, so that they err often.
  for (let i = 0; i < 3000; i++) {
    one.add(`f${i}`)
    two.add(`f${i}`)
  }
  let both = 0
  let either = 0
  for (let i = 0; i < 20_000; i++) {
    const wrong = [one.mayHave(`g${i}`), two.mayHave(`g${i}`)]
    if (wrong.some(Boolean)) either += 1
    if (wrong.every(Boolean)) both += 1
  }
  assert.ok(either > 100 && both < either / 2, `${both} of ${either}`)
})

const record = (name: string, state: 'copied' | 'pending'): FileRecord => ({
  seq: 1,
  path: path(name),
  cut: 0,
  shift: 0,
  announced: 0,
  copies: [{ storage: 'disk', state, attempts: 0 }],
})

test('a sweep forgets files that are copied and gone, again and again', async (t) => {
  const root = await scratch(t)
  writeFileSync(join(root, 'there'), '')
  const records = [record('there', 'copied'), record('gone', 'copied'), record('waiting', 'pending')]
  const vanished: string[] = []
  const sweep = openSweep({
    source: path(root),
    interval: 5,
    async *records() {
      yield* records
    },
    vanished: (name) => vanished.push(name),
  })
  t.after(() => sweep.close())
  await until(() => vanished.length >= 2, 'two sweeps')
  assert.deepEqual(new Set(vanished), new Set(['gone']))
  await sweep.close()
  const told = vanished.length
  await sleep(20)
  assert.equal(vanished.length, told)
})

async function directory(t: TestContext, root: string, engineOptions: EngineOptions = {}) {
  const announced: string[] = []
  const reported: CoreEvent[] = []
  const engine = openEngine({ threads: 1, ...engineOptions })
  const watched = openDirectory({
    source: path(root),
    engine,
    settle: 20,
    interval: 3_600_000,
    wants: () => true,
    knows: () => false,
    async announce(files) {
      announced.push(...files.map((file) => file.path))
    },
    vanished() {},
    async *records() {},
    recordCount: () => 0,
    report: (event) => reported.push(event),
    now: Date.now,
    onQuiet() {},
    onError: (error) => assert.fail(String(error)),
  })
  t.after(async () => {
    await watched.close()
    await engine.close('cancel')
  })
  const codes = (): string[] => reported.flatMap((event) => (event.type === 'observed' ? event.code : event.type))
  return { watched, announced, codes }
}

test('what a scan can not read is reported; the rest is found', async (t) => {
  const root = await scratch(t)
  mkdirSync(join(root, 'bad'))
  writeFileSync(join(root, 'image'), '')
  writeFileSync(join(root, 'bad', 'image'), '')
  const faults = [{ call: 'getdents64', effect: 'EIO', at: 3, times: -1 }]
  const { watched, codes } = await directory(t, root, { faults })
  watched.present(true)
  await watched.scan()
  assert.ok(codes().includes('SCAN_ERROR'), codes().join())
})

test('a source that comes back is watched and scanned again', async (t) => {
  const root = join(await scratch(t), 'source')
  mkdirSync(root)
  const { watched, announced, codes } = await directory(t, root)
  watched.present(true)
  await watched.scan()
  renameSync(root, `${root}-away`)
  await until(() => codes().includes('source'), 'it is missed')
  mkdirSync(root)
  writeFileSync(join(root, 'early'), '')
  watched.present(true)
  await until(() => announced.includes('early'), 'the scan finds a file')
  writeFileSync(join(root, 'late'), '')
  await until(() => announced.includes('late'), 'a notification tells of a file')
  rmSync(`${root}-away`, { recursive: true })
})
