import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openJournal } from '#lib/journal/index.js'
import { temporary } from './support/journal-records.js'
import { createRandom } from './support/random.js'

const writer = fileURLToPath(new URL('./fixtures/journal-writer.js', import.meta.url))

/** Starts the writer, kills it after so many lines and a little more; the number of the last batch that it reported. */
async function killed(directory: string, first: number, lines: number, delay: number): Promise<number> {
  const child = spawn(process.execPath, [writer, directory, String(first)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  let isShot = false
  child.stdout.setEncoding('latin1').on('data', (some: string) => {
    text += some
    if (isShot || text.split('\n').length <= lines) return
    isShot = true
    for (const end = performance.now() + delay; performance.now() < end; );
    child.kill('SIGKILL')
  })
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  assert.equal(signal, 'SIGKILL', `exit code ${code}`)
  const reported = text.split('\n').slice(0, -1).map(Number)
  reported.forEach((number, i) => {
    assert.equal(number, first + i, 'batches become durable in their order')
  })
  return reported.at(-1) ?? first - 1
}

test('a journal whose process is killed holds every batch that was durable, and none by half', async (t) => {
  const directory = temporary(t)
  const random = createRandom(9)
  let next = 1
  for (let round = 0; round < 20; round++) {
    const reported = await killed(directory, next, 1 + random.below(200), random.next() * 3)
    const journal = await openJournal({ directory })
    const batch = journal.value('batch')
    assert.ok(typeof batch === 'number' && batch >= reported, `${batch} after ${reported}`)
    const found = new Map<number, number>()
    for await (const { seq, shift, path } of journal.files()) {
      assert.match(path, new RegExp(`${shift}_${seq - shift * 4}$`))
      found.set(shift, (found.get(shift) ?? 0) + 1)
    }
    const newest = [batch - 2, batch - 1, batch].filter((number) => number > 0)
    assert.deepEqual(
      [...found].sort(([a], [b]) => a - b),
      newest.map((number) => [number, 4]),
    )
    await journal.close()
    next = batch + 1
  }
  assert.ok(next > 500, `${next} batches`)
  const size = readdirSync(directory).reduce((sum, name) => sum + readFileSync(join(directory, name)).length, 0)
  assert.ok(size < 20 * 16 * 1024, `the log was cleaned: ${size} bytes`)
})

test('a journal that another process has open is refused, and told which process', async (t) => {
  const directory = temporary(t)
  const child = spawn(process.execPath, [writer, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const locked = { code: 'ERR_SUSTEN_LOCKED', message: new RegExp(`process ${child.pid} has it open`) }
  await assert.rejects(openJournal({ directory }), locked)
  child.kill('SIGKILL')
  await once(child, 'close')
  await (await openJournal({ directory })).close()
})
