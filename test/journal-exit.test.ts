import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { openJournal } from '#lib/journal/index.js'
import { temporary } from './support/journal-records.js'

const fixture = new URL('./fixtures/journal-exit.js', import.meta.url)
const steps = ['opening', 'opened', 'applied', 'applying', 'cleaning', 'reading', 'closing', 'closed']

for (const step of steps) {
  for (const way of ['', '-and-end']) {
    const how = way === '' ? 'by process.exit()' : 'by having nothing more to do'
    test(`a process ends cleanly ${how} while its journal is ${step}`, async (t) => {
      const directory = temporary(t)
      const child = spawn(process.execPath, [fixture.pathname, directory, step + way], { stdio: 'inherit' })
      assert.deepEqual(await once(child, 'close'), [0, null])
      const journal = await openJournal({ directory })
      if (step !== 'opening') assert.ok(journal.stats().records >= 5)
      await journal.close()
    })
  }
}

test('worker threads end at every step of their journals without a trace', async (t) => {
  const directory = temporary(t)
  const workers = Array.from({ length: 24 }, (_, i) => {
    const workerData = [join(directory, String(i)), steps[i % steps.length]]
    return once(new Worker(fixture, { workerData }), 'exit')
  })
  for (const [code] of await Promise.all(workers)) assert.equal(code, 0)
  for (let i = 0; i < 24; i++) await (await openJournal({ directory: join(directory, String(i)) })).close()
})

test('a worker thread that is terminated while it writes gives its journal back', async (t) => {
  const directory = temporary(t)
  for (let round = 0, next = 1; round < 10; round++) {
    const argv = [directory, String(next)]
    const worker = new Worker(new URL('./fixtures/journal-writer.js', import.meta.url), { argv })
    let reported = 0
    for (let messages = 0; messages <= round * 7; messages++) [reported] = (await once(worker, 'message')) as [number]
    await worker.terminate()
    const journal = await openJournal({ directory })
    const batch = journal.value('batch')
    assert.ok(typeof batch === 'number' && batch >= reported, `${batch} after ${reported}`)
    await journal.close()
    next = batch + 1
  }
})
