import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { type Journal, openJournal } from '#lib/journal/index.js'
import { type SimDisk, simDisk } from './sim/disk.js'
import { put } from './support/journal-records.js'
import { createRandom, type Random } from './support/random.js'

async function settle<T>(disk: SimDisk, random: Random, work: Promise<T>): Promise<T> {
  let isDone = false
  const end = (): void => {
    isDone = true
  }
  work.then(end, end)
  while (!isDone) {
    disk.advance(random)
    await setImmediate()
  }
  return work
}

function open(disk: SimDisk, random: Random): Promise<Journal> {
  return settle(disk, random, openJournal({ directory: '/journal', files: disk.files, segmentBytes: 1024 }))
}

async function seqs(journal: Journal): Promise<number[]> {
  const found: number[] = []
  for await (const { seq } of journal.files()) found.push(seq)
  return found
}

test('what a killed process had written and not synced is durable once a journal was opened on it', async () => {
  for (let seed = 1; seed <= 150; seed++) {
    const random = createRandom(seed)
    let disk = simDisk()
    let journal = await open(disk, random)
    for (let seq = 1; seq <= 20; seq++) {
      journal.apply([put(seq, `run/${'n'.repeat(50)}${seq}`)]).catch(() => {})
      await setImmediate()
      for (let steps = random.below(5); steps > 0; steps--) {
        disk.advance(random)
        await setImmediate()
      }
    }
    disk = disk.killed(random)
    journal = await open(disk, random)
    const seen = await seqs(journal)
    await settle(disk, random, journal.apply([put(100, 'later')]))
    disk = disk.cut(random)
    journal = await open(disk, random)
    assert.deepEqual(await seqs(journal), [...seen, 100], `seed ${seed}`)
  }
})
