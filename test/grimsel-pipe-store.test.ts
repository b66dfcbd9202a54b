/** Lines of the file pipe outlive the daemon with a service manager that keeps the pipe open. */
import assert from 'node:assert/strict'
import { closeSync, constants, existsSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type DaemonWorld, daemonWorld, whyNoDaemon } from './support/grimsel-daemon.js'
import { until } from './support/pipe-world.js'
import { createRandom } from './support/random.js'
import { type ServiceManager, serviceManager, whyNoManager } from './support/service-manager.js'

const options = { skip: whyNoDaemon() ?? whyNoManager() ?? false }
const program = join(dirname(createRequire(import.meta.url).resolve('susten/package.json')), 'dist/cli/grimsel.js')

interface Writer {
  /** Of files whose line could be written. */
  readonly names: string[]
  /** What it was told in the end, if it was. */
  readonly error: unknown
  stop(): Promise<void>
}

/** Writes files and their lines, by a pipe that it opens once. */
function startWriter(world: DaemonWorld): Writer {
  const names: string[] = []
  const fd = openSync(world.pipe, constants.O_WRONLY | constants.O_NONBLOCK)
  let failure: unknown
  let over = false
  async function write(): Promise<void> {
    while (!over) {
      const name = `file-${names.length}`
      writeFileSync(join(world.buffer, name), `content of ${name}`)
      try {
        writeSync(fd, `${join(world.buffer, name)}\n`)
        names.push(name)
      } catch (error) {
        if (!/EAGAIN/.test(String(error))) {
          failure = error
          return
        }
      }
      await sleep(3)
    }
  }
  const writing = write()
  return {
    names,
    get error() {
      return failure
    },
    async stop() {
      over = true
      await writing
      closeSync(fd)
    },
  }
}

async function managed(t: TestContext, env: Readonly<Record<string, string>>): Promise<[DaemonWorld, ServiceManager]> {
  const world = await daemonWorld(t)
  const command = [process.execPath, program, 'run', '--config', world.config]
  return [world, await serviceManager(t, join(world.root, 'notify'), env, command)]
}

const isRunning = async (world: DaemonWorld): Promise<boolean> =>
  (await world.status().catch(() => undefined))?.phase === 'running'

function isCopied(world: DaemonWorld, name: string): boolean {
  const path = join(world.disk, name)
  return existsSync(path) && readFileSync(path, 'utf8') === `content of ${name}`
}

test(
  'a daemon whose pipe is kept loses no line, and its writers are told nothing, however it ends',
  options,
  async (t) => {
    const [world, manager] = await managed(t, { FDSTORE: '1' })
    const random = createRandom(23)
    manager.start()
    await until(() => isRunning(world))
    const writer = startWriter(world)
    for (let round = 0; round < 8; round++) {
      if (random.chance(0.7)) await until(() => isRunning(world))
      await sleep(random.below(200))
      const isKill = random.chance(0.6)
      const code = await manager.end(isKill ? 'SIGKILL' : 'SIGTERM')
      // One that hasn't yet begun to listen is ended by any signal.
      assert.ok(isKill ? code === -9 : code === 0 || code === -15, `ended with ${code}`)
      await sleep(random.below(50))
      manager.start()
    }
    await until(() => isRunning(world))
    await writer.stop()
    assert.equal(writer.error, undefined)
    t.diagnostic(`${writer.names.length} files`)
    const end = performance.now() + 30_000
    await until(() => writer.names.every((name) => isCopied(world, name)) || performance.now() > end)
    assert.deepEqual(writer.names.filter((name) => !isCopied(world, name)).slice(0, 5), [])
    assert.equal(manager.said().match(/FDSTORE /g)?.length, 1, 'the same one is kept all the time')
    assert.doesNotMatch(manager.said(), /FDSTOREREMOVE .*stored 1/)
  },
)

test(
  'a daemon that is stopped, its pipe not being kept over that, takes all that could be written',
  options,
  async (t) => {
    const [world, manager] = await managed(t, {})
    manager.start()
    await until(() => isRunning(world))
    const writer = startWriter(world)
    await until(() => writer.names.length > 100)
    assert.equal(await manager.end('SIGKILL'), -9)
    manager.start()
    await until(() => isRunning(world))
    assert.equal(writer.error, undefined)
    assert.equal(await manager.end('SIGTERM'), 0)
    await until(() => writer.error !== undefined)
    assert.match(String(writer.error), /EPIPE/)
    assert.match(manager.said(), /FDSTOREREMOVE FDNAME stored 0\n.*ended 0\n$/s)
    manager.start()
    const end = performance.now() + 30_000
    await until(() => writer.names.every((name) => isCopied(world, name)) || performance.now() > end)
    assert.deepEqual(writer.names.filter((name) => !isCopied(world, name)).slice(0, 5), [])
    await writer.stop()
  },
)
