/** A real rsync daemon, with modules that can be written to and one that can't. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { openRsync, type RsyncOptions } from '#lib/source/rsync/index.js'
import { eventually } from './dcu-world.js'
import { finds } from './mounts.js'
import { type Watched, watch } from './source-world.js'

/** Why there can be no daemon here; undefined if there can. For `skip`. */
export const whyNoRsync: string | undefined = finds('rsync') ? undefined : 'needs rsync'

export interface RsyncWorld {
  /** What the modules `ramdisk` and `readonly` serve. */
  readonly served: string
  readonly staging: string
  readonly port: number
  /** A source, not read yet; closed with the test. */
  source(options?: Partial<RsyncOptions>): ReturnType<typeof openRsync>
  /** A source that is read. */
  watch(options?: Partial<RsyncOptions>): Watched
  /** The daemon ends, as by a crash. */
  stop(): Promise<void>
  start(): Promise<void>
}

/** Waits so short that tests are quick. */
const quick = { minPause: 1, idlePause: 20, interrunPause: 0, settle: 10, sure: 60, stallTimeout: 5000 }

/** @param more Lines for the module `ramdisk`. */
export async function rsyncWorld(t: TestContext, more: readonly string[] = []): Promise<RsyncWorld> {
  const base = mkdtempSync(join(tmpdir(), 'susten-rsync-'))
  const [served, staging, config] = [join(base, 'served'), join(base, 'staging'), join(base, 'rsyncd.conf')]
  mkdirSync(served)
  const port = await freePort()
  const as = process.geteuid?.() === 0 ? ['uid = root', 'gid = root'] : []
  const lines = [
    'address = 127.0.0.1',
    `port = ${port}`,
    'use chroot = no',
    ...as,
    `log file = ${join(base, 'log')}`,
    '[ramdisk]',
    `path = ${served}`,
    'read only = no',
    ...more,
    '[readonly]',
    `path = ${served}`,
    'read only = yes',
    '[keeps]',
    `path = ${served}`,
    'read only = no',
    'refuse options = delete',
  ]
  writeFileSync(config, `${lines.join('\n')}\n`)
  let daemon: ChildProcess | undefined
  const world: RsyncWorld = {
    served,
    staging,
    port,
    source(options = {}) {
      const source = openRsync({ host: '127.0.0.1', port, staging, ...quick, ...options })
      t.after(() => source.close())
      return source
    },
    watch: (options = {}) => watch(t, openRsync({ host: '127.0.0.1', port, staging, ...quick, ...options })),
    async stop() {
      if (daemon === undefined) return
      const ended = once(daemon, 'exit')
      daemon.kill('SIGKILL')
      daemon = undefined
      await ended
    },
    async start() {
      daemon = spawn('rsync', ['--daemon', '--no-detach', `--config=${config}`], { stdio: 'ignore' })
      await eventually(() => answers(port), 'the daemon answers')
    },
  }
  t.after(async () => {
    await world.stop()
    rmSync(base, { recursive: true, force: true })
  })
  await world.start()
  return world
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('connect', () => resolve(true))
    socket.on('error', () => resolve(false))
    socket.on('close', () => socket.destroy())
    socket.on('connect', () => socket.end())
  })
}
