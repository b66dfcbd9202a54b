import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chownSync, lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { callControl } from '#lib/control/index.js'
import { daemonWorld, whyNoDaemon } from './support/grimsel-daemon.js'
import { contentOf } from './support/mirror-victim.js'
import { filesBelow } from './support/mirror-world.js'
import { createRandom } from './support/random.js'

interface Figures {
  readonly phase: string
  readonly grimsel: {
    readonly storages: readonly { readonly id: string; readonly pending: number; readonly failed: number }[]
    readonly tiers: readonly { readonly held: number; readonly links: number }[]
    readonly shifts: readonly unknown[]
  }
}

test('a daemon that is killed 50 times under load copies every announced file, whole, once, with its owner', async (t) => {
  if (whyNoDaemon() !== undefined) return t.skip(whyNoDaemon())
  // Space is short all the time, so that releases are under way too.
  const world = await daemonWorld(t, 'fillstate_limit 4%\nfillstate_low_water 2%')
  const random = createRandom(50)
  const promised: string[] = []
  let shifts = 0
  let over = false

  /** Asks the daemon until it has answered; what it may have done without being able to say so is done again. */
  async function ask(method: string, params: object): Promise<void> {
    while (!over) {
      try {
        await callControl(world.socket, method, params)
        return
      } catch {
        await sleep(5)
      }
    }
  }

  async function announce(): Promise<void> {
    for (let number = 0; !over; number++) {
      const name = `run${Math.floor(number / 50)}/f${number}`
      const path = join(world.buffer, name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, contentOf(name))
      chownSync(path, 20_000 + (number % 7), 30_000 + (number % 5))
      await ask('add', { paths: [path] })
      if (over) return
      promised.push(name)
      if (number % 400 !== 399) continue
      await ask('shift', { uid: number, gid: number })
      shifts += 1
    }
  }

  const announcing = announce()
  let reached = 0
  for (let round = 0; round < 50; round++) {
    const child = world.begin(['run', '--config', world.config])
    const closed = once(child, 'close')
    const before = promised.length
    const end = performance.now() + 20_000
    // Now and then while it opens; else in the middle of its work.
    if (random.chance(0.2)) await sleep(random.below(700))
    else while (promised.length < before + 20 && performance.now() < end) await sleep(5)
    await sleep(random.below(60))
    if (promised.length > before) reached += 1
    child.kill('SIGKILL')
    await closed
  }
  assert.ok(reached > 25, `it was at work in ${reached} rounds`)

  world.begin(['run', '--config', world.config])
  const figures = async (): Promise<Figures> => (await callControl(world.socket, 'status')) as Figures
  const isDone = async (): Promise<boolean> => {
    const { phase, grimsel } = await figures()
    return phase === 'running' && grimsel.storages.every(({ pending }) => pending === 0)
  }
  await ask('version', {})
  over = true
  await announcing
  const end = performance.now() + 60_000
  while (!(await isDone())) {
    assert.ok(performance.now() < end, 'all is copied in the end')
    await sleep(20)
  }

  const [buffer] = (await figures()).grimsel.tiers
  assert.ok(buffer !== undefined && buffer.held < promised.length, 'files were released')
  t.diagnostic(`${promised.length} files promised, ${shifts} user changes`)
  const { grimsel } = await figures()
  assert.deepEqual(
    grimsel.storages.map(({ failed }) => failed),
    [0, 0],
  )
  for (const storage of [world.disk, world.other]) {
    const copies = filesBelow(storage)
    assert.deepEqual(
      copies.filter((name) => /~\d+~$|\.susten-/.test(name)),
      [],
      'once, and without litter',
    )
    for (const [number, name] of promised.entries()) {
      const path = join(storage, name)
      const { uid, gid } = lstatSync(path)
      assert.deepEqual([uid, gid], [20_000 + (number % 7), 30_000 + (number % 5)], path)
      assert.ok(readFileSync(path).equals(contentOf(name)), path)
    }
  }
  const litter = readdirSync(world.buffer, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.susten-/.test(name),
  )
  assert.deepEqual(litter, [])
})
