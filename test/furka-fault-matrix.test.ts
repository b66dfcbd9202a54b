/** Each fault of a detector server × each version of its API × EIGER and CBF: nothing lost, nothing twice, no hurry. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Grimsel } from 'susten'
import { liveThrough, matrixFaults, matrixServers } from './support/furka-matrix.js'
import { scratch } from './support/tree.js'

test('whatever goes wrong at a detector server', { concurrency: 8 }, async (t) => {
  const root = await scratch(t)
  const [buffer, disk] = [join(root, 'buffer'), join(root, 'disk')]
  for (const path of [buffer, disk]) mkdirSync(path)
  // One for all: a Furka of its own for each case makes hundreds already.
  const grimsel = await Grimsel.open({
    buffer: { directory: buffer },
    storages: [{ id: 'disk', type: 'internal', target: disk, concurrency: 64 }],
    // A copy takes longer than it takes to be sure that a file is whole: who doesn't wait for it is caught.
    engines: { disk: { faults: [{ call: 'futimens', effect: 'delay', delay: 200, times: -1 }] } },
    journal: join(root, 'journal'),
  })
  t.after(() => grimsel.close('stop'))
  const cases = matrixFaults.flatMap((fault) => matrixServers.map((server) => ({ fault, server })))
  await Promise.all(
    cases.map(({ fault, server }) =>
      t.test(
        `${fault.name} (${server.name}): every file ends on the storage, whole and once, before it is removed`,
        (t) => liveThrough(t, { grimsel, buffer, disk, root }, fault, server),
      ),
    ),
  )
})
