import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Mirror } from 'susten'
import { contentOf, victimOptions } from './support/mirror-victim.js'
import { figures, filesBelow, listen } from './support/mirror-world.js'
import { createRandom } from './support/random.js'
import { scratch } from './support/tree.js'

const victim = fileURLToPath(new URL('./fixtures/mirror-victim.js', import.meta.url))
const kept = /\.~\d+~$/

/** Starts the victim and kills it some milliseconds after it has printed so many lines; what it printed, but the first. */
async function killed(root: string, first: number, lines: number, delay: number): Promise<string[]> {
  const child = spawn(process.execPath, [victim, root, String(first)], { stdio: ['ignore', 'pipe', 'pipe'] })
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
  if (lines > 0) await reached
  await sleep(delay)
  child.kill('SIGKILL')
  const [code, signal] = await closed
  assert.equal(signal, 'SIGKILL', `exit code ${code}: ${complaint}`)
  return text.split('\n').slice(1, -1)
}

test('a Mirror that is killed 50 times under load loses nothing, and leaves nothing behind', async (t) => {
  const root = await scratch(t)
  for (const name of ['source', 'disk', 'gpfs']) mkdirSync(join(root, name))
  const random = createRandom(50)
  const promised: string[] = []
  let next = 0
  let leftBehind = 0
  for (let round = 0; round < 50; round++) {
    // Now and then while it opens; else once it has announced some.
    const lines = random.chance(0.15) ? random.below(2) : 1 + 4 * (1 + random.below(4))
    const printed = await killed(root, next, lines, random.below(lines > 0 ? 40 : 250))
    promised.push(...printed)
    // What was begun last may be there by half: it isn't written again, and must be copied as it is.
    next += printed.length + 8
    leftBehind += filesBelow(join(root, 'gpfs')).filter((name) => name.includes('.susten-')).length
  }
  t.diagnostic(`${promised.length} files promised, ${leftBehind} temp files met after kills`)
  assert.ok(promised.length > 50, `${promised.length} files`)

  await using mirror = await Mirror.open(victimOptions(root))
  const told = listen(mirror)
  await mirror.idle()
  assert.deepEqual(told.failed, [])
  assert.deepEqual(told.errors, [])
  const files = filesBelow(join(root, 'source'))
  for (const name of promised) {
    assert.ok(readFileSync(join(root, 'source', name)).equals(contentOf(name)), `the source has ${name}`)
  }
  for (const storage of ['disk', 'gpfs']) {
    const copies = filesBelow(join(root, storage))
    assert.deepEqual(
      copies.filter((name) => !kept.test(name)),
      files,
      `${storage} has every file, and no other`,
    )
    for (const name of files) {
      const [source, copy] = [join(root, 'source', name), join(root, storage, name)].map((path) => readFileSync(path))
      assert.ok(source && copy?.equals(source), `${storage} has all of ${name}`)
    }
    // A copy that was made and not journaled before its file was rewritten is taken for another's, and kept.
    for (const name of copies.filter((one) => kept.test(one))) assert.match(name, /\/grown\d+\.~1~$/)
    const { pending, copied, failed, copying } = figures(mirror, storage)
    assert.deepEqual({ pending, copied, failed, copying }, { pending: 0, copied: files.length, failed: 0, copying: 0 })
  }
  assert.equal(mirror.status().journal.records, files.length)
  assert.deepEqual(
    readdirSync(root).filter((name) => name.includes('.susten-')),
    [],
  )
})
