/** A process may end at any step of an engine's life: no crash, no hang, no partial file. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Step, steps, type Way, ways } from './fixtures/lifecycle-steps.js'
import { type Mount, mount, whyNot } from './support/mounts.js'
import { bytes, openRaw, same } from './support/raw-engine.js'
import { scratch } from './support/tree.js'

interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a fixture to its end; a hang ends with SIGKILL. */
function run(fixture: string, args: readonly string[], flags: readonly string[] = []): Promise<Ended> {
  const file = fileURLToPath(new URL(`./fixtures/${fixture}.js`, import.meta.url))
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...flags, file, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    const killer = setTimeout(() => child.kill('SIGKILL'), 60_000)
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (text) => (stdout += text))
    child.stderr.on('data', (text) => (stderr += text))
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(killer)
      resolve({ code, signal, stdout, stderr })
    })
  })
}

/** What the process says and how it ends, if all is well. */
const expected: Record<Way, Partial<Ended>> = {
  natural: { code: 0, signal: null, stdout: 'reached\n', stderr: '' },
  exit: { code: 7, signal: null, stdout: 'reached\n', stderr: '' },
  throw: { code: 1, signal: null, stdout: 'reached\n' },
  sigterm: { code: null, signal: 'SIGTERM', stdout: 'reached\n', stderr: '' },
  worker: { code: 0, signal: null, stdout: 'worker 0\n', stderr: '' },
  'worker exit': { code: 0, signal: null, stdout: 'worker 7\n', stderr: '' },
  'worker throw': { code: 0, signal: null, stdout: 'worker 1 on purpose\n', stderr: '' },
  'worker terminate': { code: 0, signal: null, stdout: 'worker 1\n', stderr: '' },
}

describe('a process ends:', { concurrency: availableParallelism() }, () => {
  // A disk on which there is something to sync, if there can be one.
  let disk: Mount | undefined
  before(() => {
    if (whyNot('ext4') === undefined) disk = mount('ext4', 256 << 20)
  })
  after(() => disk?.unmount())

  for (const step of steps) {
    for (const way of ways) {
      // A watch keeps its process alive until it is closed.
      const isWatch = step === 'watching' || step === 'pipe watched' || step === 'everything'
      if (isWatch && (way === 'natural' || way === 'worker')) continue
      test(`${step}, ${way}`, async (t) => {
        const root = await scratch(t, disk?.path)
        const ended = await run('lifecycle', [step, way, root])
        for (const [name, value] of Object.entries(expected[way])) {
          assert.equal(ended[name as keyof Ended], value, `${name}; stderr: ${ended.stderr}`)
        }
        if (way === 'throw') assert.match(ended.stderr, /Error: on purpose/)
        checkFiles(root, step)
      })
    }
  }
})

interface Threads {
  readonly during: number
  readonly after: number
}

/** What has a final name is whole. */
function checkFiles(root: string, step: Step): void {
  const names = existsSync(join(root, 'dest')) ? readdirSync(join(root, 'dest')) : []
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue
    assert.ok(readFileSync(join(root, 'dest', name)).equals(Buffer.alloc(100_000, Number(name))), name)
  }
  if (step === 'closed') assert.equal(names.length, 40)
}

test('a hundred workers open an engine, copy and end', async (t) => {
  const root = await scratch(t)
  const ended = await run('crowd', ['100', root])
  assert.deepEqual(ended, { code: 0, signal: null, stdout: '100 workers, 0 failed\n', stderr: '' })
  for (let i = 0; i < 100; ++i) {
    for (const name of ['a', 'b', 'c']) {
      assert.equal(readFileSync(join(root, `${i}`, name), 'latin1'), name.repeat(10_000))
    }
  }
})

test('engines that nobody holds any more end their threads', async (t) => {
  const ended = await run('forgotten', [await scratch(t)], ['--expose-gc'])
  assert.deepEqual([ended.code, ended.signal, ended.stderr], [0, null, ''])
  for (const { during, after: left } of Object.values(JSON.parse(ended.stdout) as Record<string, Threads>)) {
    assert.ok(during > 0)
    assert.equal(left, 0, ended.stdout)
  }
})

test('engines of one thread share nothing', async (t) => {
  const root = await scratch(t)
  mkdirSync(join(root, 'src'))
  for (let i = 0; i < 50; ++i) writeFileSync(join(root, 'src', `${i}`), `${i}`)
  const files = Array.from({ length: 50 }, (_, i) => same(`${i}`))
  // The faults of one aren't those of another, nor is its end.
  const engines = Array.from({ length: 12 }, (_, i) =>
    openRaw({ threads: 1 + (i % 3), faults: i % 4 === 3 ? [{ call: 'futimens', effect: 'EIO', times: -1 }] : [] }),
  )
  const results = await Promise.all(
    engines.map(async (engine, i) => {
      mkdirSync(join(root, `${i}`))
      const { finished } = engine.startFiles({ srcRoot: bytes(`${root}/src`), destRoot: bytes(`${root}/${i}`), files })
      if (i % 4 === 2) await engine.close('cancel')
      return (await finished).files.filter(({ outcome }) => outcome === 'created').length
    }),
  )
  results.forEach((created, i) => {
    if (i % 4 === 2) assert.ok(created <= 50)
    else assert.equal(created, i % 4 === 3 ? 0 : 50)
    assert.equal(readdirSync(join(root, `${i}`)).length, created)
  })
  await Promise.all(engines.map((engine) => engine.close()))
  assert.deepEqual(
    engines.map((engine) => engine.threads()),
    engines.map(() => 0),
  )
})
