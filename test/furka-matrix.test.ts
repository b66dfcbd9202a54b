/** Each fault of a server, with each version of its API, for EIGER's files and for CBF. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { apiVersions, type Fault } from '#lib/simulate/dcu/index.js'
import { smallPilatus, startDcu } from './support/dcu-world.js'
import { createFurkaPlace, openFurkaFor, openGrimselFor, sha256 } from './support/furka-world.js'
import { filesBelow, until } from './support/mirror-world.js'
import { leftovers } from './support/tree.js'

const faults: Readonly<Record<string, Fault>> = {
  slow: { kind: 'slow', bytesPerSecond: 200_000, on: 'data', times: 3 },
  stall: { kind: 'stall', after: 100, on: 'data', times: 2 },
  cut: { kind: 'cut', after: 1000, on: 'data', times: 4 },
  'too long a length': { kind: 'length', by: 7, on: 'data', times: 4 },
  'too short a length': { kind: 'length', by: -7, on: 'data', times: 4 },
  'everything 404': { kind: 'status', status: 404, on: 'any', times: 30 },
  'everything 500': { kind: 'status', status: 500, on: 'any', times: 30 },
  reset: { kind: 'reset', on: 'any', chance: 0.2, times: 20 },
  'removals without an answer': { kind: 'reset', on: 'data', methods: ['DELETE'], times: 3 },
  'lists of nothing': { kind: 'body', text: '[]', type: 'application/json', on: 'list', times: 4 },
  'lists that are pages': { kind: 'body', text: '<html>', type: 'text/html', on: 'list', times: 4 },
  'lists that lag': { kind: 'list-late', ms: 60 },
  'lists of what is gone': { kind: 'list-stale', ms: 60 },
  chunked: { kind: 'chunked', on: 'data', chance: 0.5 },
  gzip: { kind: 'gzip', on: 'data', chance: 0.5 },
  'growing files': { kind: 'growing', steps: 3 },
  'late files': { kind: 'late', ms: 50 },
  'ranges ignored': { kind: 'ignore-range', on: 'data' },
}

/** Those that meet requests for certain; the others change what there is. */
const isCounted = ({ kind, chance }: Fault): boolean =>
  chance === undefined && !['list-late', 'list-stale', 'growing', 'late', 'ignore-range'].includes(kind)

for (const version of apiVersions) {
  for (const format of ['EIGER', 'CBF'] as const) {
    test(`with ${format} files by API ${version}, every file arrives once, whole, and is removed only then`, async (t) => {
      const place = await createFurkaPlace(t)
      const grimsel = await openGrimselFor(t, place)
      for (const [index, [name, fault]] of Object.entries(faults).entries()) {
        const detector = format === 'CBF' ? { detector: smallPilatus } : {}
        await using dcu = await startDcu(t, { version, namePattern: `f${index}_$id`, ...detector })
        const early: string[] = []
        dcu.on('gone', ({ name: gone, digest, state }) => {
          const copy = join(place.disk, gone)
          const isThere = existsSync(copy) && sha256(readFileSync(copy)) === digest
          if (state === 'deleted' && !isThere) early.push(gone)
        })
        const { furka, told } = await openFurkaFor(t, place, dcu, { grimsel, source: { stallTimeout: 150 } })
        const handle = dcu.fault(fault)
        await dcu.acquire({ images: 4, imagesPerFile: 2 })
        // A server that hides its files is idle as far as anyone can know.
        const { truth } = dcu
        const isDone = (): boolean =>
          truth.completed.length > 0 && truth.files.every(({ state }) => state === 'deleted')
        await until(isDone, `${name}: all is removed`)
        await furka.idle()
        assert.deepEqual([early, told.errors], [[], []], name)
        if (isCounted(fault)) assert.ok(handle.hits > 0, `${name}: it came up`)
        for (const { name: file, digest } of truth.completed) {
          assert.equal(sha256(readFileSync(join(place.buffer, file))), digest, `${name}: ${file}`)
        }
        const worse = ['LOST', 'OVERWRITTEN', 'COLLISION', 'NOT_CONFIRMED', 'KEPT', 'RECEIVED_AGAIN']
        assert.deepEqual(
          told.messages.filter(({ code }) => worse.includes(code)),
          [],
          name,
        )
        assert.deepEqual(
          filesBelow(place.buffer).filter((file) => file.startsWith(`f${index}_`)),
          truth.completed.map(({ name: file }) => file).sort(),
          name,
        )
        await furka.close()
      }
      assert.deepEqual(await leftovers(place.buffer), [])
    })
  }
}
