/** The daemon `grimsel` as its users have it: a configuration, the program, and what it does. */
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type DaemonProcess, daemonProcess, type Ended, endWith } from './daemon-process.js'
import { mount, whyNot } from './mounts.js'
import { openRoot } from './pipe-world.js'

/** Why there can't be a daemon here; undefined if there can. For `skip`. */
export const whyNoDaemon = (): string | undefined => whyNot('tmpfs')

export interface DaemonWorld extends DaemonProcess<Status> {
  readonly root: string
  /** Where files arrive. */
  readonly buffer: string
  /** Targets. */
  readonly disk: string
  readonly other: string
  readonly pipe: string
  readonly statusPort: number
  readonly messagePort: number
  /** Runs the program with `--config`, to its end. */
  grimsel(...args: string[]): Promise<Ended>
}

/** As much of a status as tests look at. */
export interface Status {
  readonly phase: string
  readonly pid: number
  readonly pipe: { readonly announced: number; readonly refused: number; readonly bad: Record<string, number> }
  readonly grimsel: {
    readonly storages: readonly {
      readonly id: string
      readonly state: string
      readonly reasonText?: string
      readonly copied: number
    }[]
    readonly shifts: readonly {
      readonly number: number
      readonly uid: number
      readonly gid: number
      readonly userDirectory?: string
    }[]
  }
}

/** A configuration of two storages in a directory of its own. `more`: further global lines. */
export async function daemonWorld(t: TestContext, more = ''): Promise<DaemonWorld> {
  let socket = ''
  // Before its directories go.
  endWith(t, () => socket)
  const root = await openRoot(t)
  const ramdisk = mount('tmpfs', 128 << 20)
  t.after(() => ramdisk.unmount())
  const buffer = join(ramdisk.path, 'buffer')
  const [disk, other] = [join(root, 'disk'), join(root, 'other')]
  for (const directory of [buffer, disk, other]) mkdirSync(directory)
  const [pipe, log] = [join(root, 'files'), join(root, 'log')]
  socket = join(root, 'control')
  const config = join(root, 'grimsel.conf')
  const [statusPort, messagePort] = await freePorts()
  writeFileSync(
    config,
    `${more}
logfile ${log}
ramdisk_mountpoint ${ramdisk.path}
buffer_directory ${buffer}
journal_directory ${join(root, 'journal')}
file_pipe ${pipe}
control_socket ${socket}
status_port ${statusPort}
message_port ${messagePort}
storageID disk
type INTERNAL
target ${disk}
n_copy_processes 2
storageID über:2
type OPTIONAL
target ${other}
n_copy_processes 2
`,
    { mode: 0o600 },
  )

  const daemon = daemonProcess<Status>(t, 'grimsel', { config, socket, log })
  const grimsel = (...args: string[]): Promise<Ended> => daemon.fed('', ...args)
  return { ...daemon, root, buffer, disk, other, pipe, statusPort, messagePort, grimsel }
}

/** Two ports that nobody has, as far as anyone can know. */
export async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()]
  const ports = await Promise.all(
    servers.map(async (server) => {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      return (server.address() as { port: number }).port
    }),
  )
  for (const server of servers) {
    server.close()
    await once(server, 'close')
  }
  return [ports[0] ?? 0, ports[1] ?? 0]
}
