/** The beamline of a soak: a RAM disk, a directory on a disk, and a file system of its own on a loop device. */
import {
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from '../support/grimsel-daemon.js'
import { command } from '../support/mounts.js'

const MiB = 1024 * 1024

export interface Place extends Disposable {
  readonly root: string
  /** Mount point of the RAM disk. */
  readonly ramdisk: string
  readonly buffer: string
  /** The confirm tier: a plain directory. */
  readonly internal: string
  /** A mount point: ext4. */
  readonly external: string
  /** Grimsel's configuration. */
  readonly config: string
  readonly control: string
  /** Names of storages that can go away, and come back. */
  takeAway(storage: 'internal' | 'external'): void
  bringBack(storage: 'internal' | 'external'): Promise<void>
  /** Takes all that is left of the RAM disk, again and again, until what it returns is called. */
  fillUp(): () => void
}

/** Gone with the process, come what may. @param gigabytes Of the storage that is a file system of its own. */
export async function makePlace(root: string, gigabytes: number): Promise<Place> {
  const [statusPort, messagePort] = await freePorts()
  const [ramdisk, internal, external] = ['ramdisk', 'internal', 'external'].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ]
  for (const directory of [ramdisk, internal, external]) mkdirSync(directory, { recursive: true })
  const image = join(root, 'image')
  writeFileSync(image, '')
  truncateSync(image, gigabytes * 1024 * MiB)
  command('mkfs.ext4', '-q', '-F', '-m', '0', image)
  const device = command('losetup', '-f', '--show', image).trim()
  const undo: (() => void)[] = [() => command('losetup', '-d', device)]
  command('mount', '-t', 'tmpfs', '-o', 'size=192m', 'tmpfs', ramdisk)
  undo.push(() => command('umount', '-l', ramdisk))
  command('mount', device, external)
  undo.push(() => command('umount', '-l', external))
  process.once('exit', end)
  const buffer = join(ramdisk, 'buffer')
  mkdirSync(buffer)
  const [config, control] = [join(root, 'grimsel.conf'), join(root, 'control')]
  writeFileSync(
    config,
    `logfile ${join(root, 'grimsel.log')}
fillstate_limit 60%
ramdisk_mountpoint ${ramdisk}
buffer_directory ${buffer}
journal_directory ${join(root, 'grimsel-journal')}
file_pipe ${join(root, 'files')}
control_socket ${control}
status_port ${statusPort}
message_port ${messagePort}
storageID internal
type INTERNAL
target ${internal}
n_copy_processes 4
storageID external
type EXTERNAL
target ${external}
required_mount ${external}
n_copy_processes 4
`,
    { mode: 0o600 },
  )

  return {
    root,
    ramdisk,
    buffer,
    internal,
    external,
    config,
    control,
    takeAway(storage) {
      if (storage === 'internal') renameSync(internal, `${internal}.away`)
      // Whoever has it open keeps it: it is one file system on one device, however often it is mounted.
      else command('umount', '-l', external)
    },
    async bringBack(storage) {
      if (storage === 'internal') {
        renameSync(`${internal}.away`, internal)
        return
      }
      for (let tries = 1; ; tries++) {
        try {
          command('mount', device, external)
          return
        } catch (error) {
          if (tries === 20) throw error
          await sleep(500)
        }
      }
    },
    fillUp() {
      const path = join(ramdisk, 'filler')
      const file = openSync(path, 'w')
      const block = Buffer.alloc(MiB)
      const fill = (): void => {
        try {
          const { bavail, bsize } = statfsSync(ramdisk)
          for (let left = bavail * bsize; left > 0; left -= block.length) writeSync(file, block)
        } catch {
          // It is full.
        }
      }
      fill()
      const filling = setInterval(fill, 300)
      return () => {
        clearInterval(filling)
        closeSync(file)
        rmSync(path)
      }
    },
    [Symbol.dispose]: end,
  }

  function end(): void {
    process.removeListener('exit', end)
    for (const step of undo.splice(0).reverse()) {
      try {
        step()
      } catch {
        // It may be gone already.
      }
    }
  }
}
