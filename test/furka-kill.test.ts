import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { startDcu } from './support/dcu-world.js'
import { openVictim } from './support/furka-victim.js'
import { listenTo, sha256 } from './support/furka-world.js'
import { filesBelow } from './support/mirror-world.js'
import { createRandom } from './support/random.js'
import { scratch } from './support/tree.js'

const victim = fileURLToPath(new URL('./fixtures/furka-victim.js', import.meta.url))

/** Starts the victim and kills it some milliseconds after it has printed so many lines. */
async function killed(root: string, url: string, lines: number, delay: number): Promise<void> {
  const child = spawn(process.execPath, [victim, root, url], { stdio: ['ignore', 'pipe', 'pipe'] })
  let [text, complaint] = ['', '']
  child.stderr.setEncoding('utf8').on('data', (some: string) => {
    complaint += some
  })
  const reached = new Promise<void>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (some: string) => {
      text += some
      if (text.split('\n').length > lines) resolve()
    })
    child.once('close', () => resolve())
  })
  const closed = once(child, 'close') as Promise<[number | null, string | null]>
  await reached
  await sleep(delay)
  child.kill('SIGKILL')
  const [code, signal] = await closed
  assert.equal(signal, 'SIGKILL', `exit code ${code}: ${complaint}`)
}

test('a Furka that is killed 20 times under load loses nothing, and has every file once', async (t) => {
  const root = await scratch(t)
  for (const name of ['buffer', 'disk']) mkdirSync(join(root, name))
  const dcu = await startDcu(t)
  const random = createRandom(20)
  const early: string[] = []
  dcu.on('gone', ({ name, digest }) => {
    try {
      if (sha256(readFileSync(join(root, 'disk/eiger', name))) === digest) return
    } catch {
      // Told below.
    }
    early.push(name)
  })
  let next = 0
  for (let round = 0; round < 20; round++) {
    for (const end = next + 12; next < end; next++) {
      const content = Buffer.alloc(1000 + random.below(200_000), `${next} `)
      assert.ok(await dcu.add(`run${next % 3}/f${next}.bin`, content))
    }
    await killed(root, dcu.url, random.chance(0.2) ? 0 : 1 + random.below(20), random.below(40))
  }
  const { furka, grimsel } = await openVictim(root, dcu.url)
  t.after(() => Promise.all([furka.close('stop'), grimsel.close('stop')]))
  const told = listenTo(furka)
  await furka.idle()
  await grimsel.idle()
  assert.deepEqual([early, told.errors, told.messages], [[], [], []])
  const names = dcu.truth.completed.map(({ name }) => name).sort()
  assert.equal(names.length, 240)
  assert.ok(dcu.truth.completed.every(({ state }) => state === 'deleted'))
  for (const where of ['buffer/eiger', 'disk/eiger']) {
    assert.deepEqual(filesBelow(join(root, where)), names, `${where} has every file once, and nothing else`)
    for (const { name, digest } of dcu.truth.completed) {
      assert.equal(sha256(readFileSync(join(root, where, name))), digest, `${where}: ${name}`)
    }
  }
})
