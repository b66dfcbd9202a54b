/** The daemon `furka` as its users have it: a simulated detector server, a configuration, the program, maybe a Grimsel. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { DaemonStatus } from '#lib/furka/daemon/index.js'
import type { FurkaStatus } from '#lib/furka/types.js'
import type { Dcu, DcuOptions } from '#lib/simulate/dcu/index.js'
import { type DaemonProcess, daemonProcess, type Ended, endWith } from './daemon-process.js'
import { startDcu } from './dcu-world.js'
import { type DaemonWorld, daemonWorld } from './grimsel-daemon.js'
import { mount } from './mounts.js'
import { openRoot } from './pipe-world.js'

export interface FurkaWorld extends DaemonProcess<DaemonStatus> {
  readonly root: string
  readonly dcu: Dcu
  /** Where files go. */
  readonly target: string
  /** Runs the program with `--config`, to its end. */
  furka(...args: string[]): Promise<Ended>
  /** Its figures; it must be running. */
  figures(): Promise<FurkaStatus>
  /** Waits until its figures are so. */
  until(isSo: (figures: FurkaStatus) => boolean, what: string): Promise<FurkaStatus>
}

export interface FurkaWorldOptions {
  readonly dcu?: DcuOptions
  /** More keys of the JSON form. */
  readonly more?: Readonly<Record<string, unknown>>
  /** The lines form instead; `world` has what belongs in it. */
  readonly lines?: (world: { readonly port: number; readonly ramdisk: string }) => string
}

/** A configuration for one detector, in a directory of its own. Nobody hears of its files. */
export const furkaWorld = (t: TestContext, options: FurkaWorldOptions = {}): Promise<FurkaWorld> =>
  create(t, options, () => {
    const ramdisk = mount('tmpfs', 128 << 20)
    t.after(() => ramdisk.unmount())
    const target = join(ramdisk.path, 'buffer')
    mkdirSync(target)
    return { target, more: { GRIMSEL: 'NONE' } }
  })

/** The same with a Grimsel, which isn't started: its buffer is where files go. */
export async function worldWithGrimsel(
  t: TestContext,
  options: FurkaWorldOptions = {},
): Promise<{ readonly furka: FurkaWorld; readonly grimsel: DaemonWorld }> {
  let grimsel: DaemonWorld | undefined
  const furka = await create(t, options, async () => {
    grimsel = await daemonWorld(t)
    return { target: grimsel.buffer, more: { GRIMSEL: 'CONTROL', GRIMSEL_SOCKET: grimsel.socket } }
  })
  if (grimsel === undefined) throw new Error('no Grimsel')
  return { furka, grimsel }
}

interface Surroundings {
  readonly target: string
  readonly more: Readonly<Record<string, unknown>>
}

async function create(
  t: TestContext,
  options: FurkaWorldOptions,
  surround: () => Surroundings | Promise<Surroundings>,
): Promise<FurkaWorld> {
  let socket = ''
  // Before what it writes to goes.
  endWith(t, () => socket)
  const { target, more } = await surround()
  const root = await openRoot(t)
  const dcu = await startDcu(t, options.dcu)
  socket = join(root, 'furka-control')
  const [log, journal] = [join(root, 'furka-log'), join(root, 'furka-journal')]
  const ramdisk = dirname(target)
  const config = join(root, options.lines === undefined ? 'furka.json' : 'furka.conf')
  const json = {
    EIGER_HOST: `127.0.0.1:${dcu.port}`,
    TARGET_DIR: target,
    REQUIRED_MOUNT: ramdisk,
    LOG_FILE: log,
    JOURNAL_DIR: journal,
    CONTROL_SOCKET: socket,
    UID: 500,
    GID: 501,
    POLL_ARRIVING: 10,
    POLL_ACQUIRING: 10,
    POLL_IDLE: 20,
    ...more,
    ...options.more,
  }
  const lines = options.lines?.({ port: dcu.port, ramdisk })
  const places = `logfile ${log}\njournal_directory ${journal}\ncontrol_socket ${socket}\ngrimsel NONE\n`
  writeFileSync(config, lines === undefined ? JSON.stringify(json) : `${places}${lines}`, { mode: 0o600 })
  const daemon = daemonProcess<DaemonStatus>(t, 'furka', { config, socket, log })

  async function figures(): Promise<FurkaStatus> {
    const { furka } = await daemon.status()
    if (furka === undefined) throw new Error('it is starting')
    return furka
  }

  return {
    ...daemon,
    root,
    dcu,
    target,
    furka: (...args) => daemon.fed('', ...args),
    figures,
    async until(isSo, what) {
      // Removals at rsync daemons take seconds, and machines may be slow.
      for (let tries = 0; tries < 3000; tries++) {
        const found = await figures()
        if (isSo(found)) return found
        await sleep(20)
      }
      throw new Error(`never came true: ${what}`)
    },
  }
}
