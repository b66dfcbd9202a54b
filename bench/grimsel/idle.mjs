/** An open Grimsel with two storages and nothing to do:  node idle.mjs BUFFER TARGET JOURNAL OTHER_TARGET SECONDS */

import { writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { openGrimsel, tell } from './world.mjs'

const [, , buffer = '', target = '', journal = '', other = '', seconds = ''] = process.argv
const { grimsel, counts } = await openGrimsel(
  { buffer, target, journal },
  {
    storages: [
      { id: 'disk', type: 'internal', target },
      { id: 'other', type: 'optional', target: other },
    ],
  },
)
// Not one that has never done anything.
writeFileSync(`${buffer}/first.cbf`, 'first')
await grimsel.add(`${buffer}/first.cbf`)
await grimsel.idle()
if (counts.copied !== 2) throw new Error(`${counts.copied} of 2 copies were made`)
await sleep(2000)

// A histogram of the event loop would wake it a thousand times a second: it isn't watched here.
const cpu = process.cpuUsage()
const start = performance.now()
await sleep(Number(seconds) * 1000)
const wall = (performance.now() - start) / 1000
const used = process.cpuUsage(cpu)
const peakRssBytes = process.memoryUsage.rss()
await grimsel.close()
await rm(journal, { recursive: true })
tell({ seconds: wall, cpuSeconds: (used.user + used.system) / 1e6, peakRssBytes })
