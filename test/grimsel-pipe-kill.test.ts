/** Lines of the file pipe outlive the daemon's death, where its FIFO is held open. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { closeSync, constants, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { callControl } from '#lib/control/index.js'
import { daemonWorld, whyNoDaemon } from './support/grimsel-daemon.js'
import { contentOf } from './support/mirror-victim.js'
import { until } from './support/pipe-world.js'
import { createRandom } from './support/random.js'

interface Figures {
  readonly phase: string
  readonly grimsel: {
    readonly storages: readonly { readonly pending: number; readonly failed: number; readonly copied: number }[]
  }
}

test('a daemon that is killed 40 times copies every file that was written to its pipe meanwhile', async (t) => {
  if (whyNoDaemon() !== undefined) return t.skip(whyNoDaemon())
  const world = await daemonWorld(t)
  const random = createRandom(40)
  const run = async (): Promise<() => Promise<void>> => {
    const child = world.begin(['run', '--config', world.config])
    const closed = once(child, 'close')
    return async () => {
      child.kill('SIGKILL')
      await closed
    }
  }
  const figures = async (): Promise<Figures | undefined> =>
    (await callControl(world.socket, 'status').catch(() => undefined)) as Figures | undefined

  let kill = await run()
  await until(async () => (await figures())?.phase === 'running')
  // As a service manager would.
  const held = openSync(world.pipe, constants.O_RDONLY | constants.O_NONBLOCK)
  t.after(() => closeSync(held))

  const written: string[] = []
  let over = false
  /** A writer that never comes to know of any of it. */
  async function write(writer: number): Promise<void> {
    const fd = openSync(world.pipe, constants.O_WRONLY | constants.O_NONBLOCK)
    for (let number = 0; !over; number++) {
      const name = `writer${writer}/${Math.floor(number / 50)}/${number}`
      const path = join(world.buffer, name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, contentOf(name).subarray(0, 500))
      while (!tryWrite(fd, `${path}\n`)) await sleep(2)
      written.push(name)
      if (random.chance(0.2)) await sleep(random.below(4))
    }
    closeSync(fd)
  }
  const writers = Promise.all([0, 1, 2].map(write))

  for (let round = 0; round < 40; round++) {
    // While it opens, at its first lines, in the middle of its work.
    await sleep(random.chance(0.2) ? random.below(300) : 250 + random.below(150))
    await kill()
    kill = await run()
  }
  over = true
  await writers
  const isDone = async (): Promise<boolean> => {
    const now = await figures()
    return now?.phase === 'running' && now.grimsel.storages.every(({ pending, copied }) => pending === 0 && copied > 0)
  }
  const end = performance.now() + 60_000
  const count = async (): Promise<number> =>
    ((await figures())?.grimsel.storages ?? []).reduce((n, s) => n + s.copied, 0)
  for (let before = -1; !(await isDone()) || before !== (await count()); ) {
    assert.ok(performance.now() < end, 'all is copied in the end')
    before = await count()
    await sleep(300)
  }
  t.diagnostic(`${written.length} files written to the pipe`)
  for (const storage of [world.disk, world.other]) {
    const missing = written.filter((name) => !isCopy(join(storage, name), name))
    assert.deepEqual([missing.length, missing.slice(0, 5)], [0, []])
  }
  assert.deepEqual(
    (await figures())?.grimsel.storages.map(({ failed }) => failed),
    [0, 0],
  )
})

function isCopy(path: string, name: string): boolean {
  try {
    return readFileSync(path).equals(contentOf(name).subarray(0, 500))
  } catch {
    return false
  }
}

function tryWrite(fd: number, line: string): boolean {
  try {
    return writeSync(fd, line) > 0
  } catch (error) {
    assert.match(String(error), /EAGAIN/)
    return false
  }
}
