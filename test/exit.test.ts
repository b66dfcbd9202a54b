/** A process may end at any step of an engine's life: no crash, no hang, no partial file. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Step, steps, type Way, ways } from './fixtures/lifecycle-steps.js'
import { type Mount, mount, whyNot } from './support/mounts.js'
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
      // A watcher keeps its process alive until it is closed.
      if ((step === 'watching' || step === 'everything') && (way === 'natural' || way === 'worker')) continue
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

/** What has a final name is whole. */
function checkFiles(root: string, step: Step): void {
  const names = existsSync(join(root, 'dest')) ? readdirSync(join(root, 'dest')) : []
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue
    assert.ok(readFileSync(join(root, 'dest', name)).equals(Buffer.alloc(100_000, Number(name))), name)
  }
  if (step === 'closed') assert.equal(names.length, 40)
}
