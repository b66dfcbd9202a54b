import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bugs } from './bugs.js'
import { drawHistory, type Failed, live, shorten } from './history.js'
import { soundParts, type World } from './world.js'

/** More of them: `SUSTEN_HISTORIES=100000`. */
const histories = Number(process.env['SUSTEN_HISTORIES'] ?? 1000)
const steps = 500
/** In so many histories a planted bug must have shown. */
const most = 150

async function report(seed: number, { error, at }: Failed): Promise<never> {
  const short = await shorten(drawHistory(seed, steps), at)
  const again = await live(short)
  const what = again?.world.log.join('\n') ?? ''
  const message = `npm run sim -- --seed ${seed}\n${JSON.stringify(short.setup)}\n${what}`
  throw new Error(message, { cause: again?.error ?? error })
}

test('whatever happens, nothing is lost, and everything comes to rest where it belongs', async () => {
  const seen = new Set<string>()
  const collect = (world: World): void => {
    for (const what of world.seen) seen.add(what)
  }
  for (let seed = 1; seed <= histories; seed++) {
    const failed = await live(drawHistory(seed, steps), soundParts, collect)
    if (failed !== undefined) await report(seed, failed)
  }
  // Else it would say little.
  for (const by of ['link', 'delete', 'clear']) assert.ok(seen.has(`released ${by}`), by)
  for (const outcome of ['already', 'absent', 'changed', 'busy', 'missing', 'failed', 'kept']) {
    assert.ok(
      [...seen].some((one) => one.startsWith(`${outcome} `)),
      outcome,
    )
  }
  for (const outcome of ['created', 'replaced', 'unchanged', 'versioned']) assert.ok(seen.has(`copied ${outcome}`))
  for (const what of ['copied from a storage', 'returned', 'failed', 'told copied', 'told failed']) {
    assert.ok(seen.has(what), what)
  }
  for (const code of [
    'COPY_ERROR',
    'COLLISION',
    'STORAGE_UNAVAILABLE',
    'STORAGE_BACK',
    'STORAGE_ACCEPTED',
    'SOURCE_UNAVAILABLE',
    'SOURCE_BACK',
    'POLICY',
    'FILLSTATE_LIMIT',
    'ALMOST_OVERFLOW',
    'LINK_ERROR',
    'DEL_ERROR',
    'SHIFT_CLEARED',
  ]) {
    assert.ok(seen.has(code), code)
  }
})

test('one seed is one history', async () => {
  for (const seed of [3, 17, 99]) {
    const logs: string[][] = []
    for (let times = 0; times < 2; times++) {
      await live(drawHistory(seed, steps), soundParts, ({ log }) => logs.push(log))
    }
    assert.equal(logs.length, 2)
    assert.deepEqual(logs[0], logs[1])
  }
})

for (const { name, parts } of bugs) {
  test(`the simulation finds ${name}`, async () => {
    for (let seed = 1; seed <= most; seed++) {
      if ((await live(drawHistory(seed, steps), { ...soundParts, ...parts })) !== undefined) return
    }
    assert.fail(`not found in ${most} histories`)
  })
}
