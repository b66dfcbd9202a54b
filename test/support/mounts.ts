/** File systems made for a test: tmpfs, and ext4, XFS and btrfs on loop devices. Gone with the test, come what may. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type FileSystem = 'tmpfs' | 'ext4' | 'xfs' | 'btrfs'
export const fileSystems: readonly FileSystem[] = ['tmpfs', 'ext4', 'xfs', 'btrfs']

const MiB = 1024 * 1024
const prefix = 'susten-mounts-'
const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

/** The smallest that each is made with. */
const smallest: Record<FileSystem, number> = { tmpfs: MiB, ext4: 8 * MiB, xfs: 300 * MiB, btrfs: 114 * MiB }

/** What is left to the background otherwise would go on during the test. */
const make: Record<Exclude<FileSystem, 'tmpfs'>, readonly string[]> = {
  ext4: ['mkfs.ext4', '-q', '-F', '-m', '0', '-E', 'lazy_itable_init=0,lazy_journal_init=0,nodiscard'],
  xfs: ['mkfs.xfs', '-q', '-f', '-K', '-m', 'reflink=1'],
  btrfs: ['mkfs.btrfs', '-q', '-f', '-K'],
}

/** Why a file system can't be made here; undefined if it can. For `skip`. */
export function whyNot(kind: FileSystem): string | undefined {
  if (process.geteuid?.() !== 0) return `${kind} needs root to mount`
  if (kind === 'tmpfs') return undefined
  const [tool = ''] = make[kind]
  if (!finds(tool)) return `needs ${tool}`
  if (!existsSync('/dev/loop-control')) return 'needs loop devices'
  return undefined
}

/** Whether a command is there. */
export function finds(tool: string): boolean {
  return spawnSync('sh', ['-c', `PATH="$PATH:/usr/sbin:/sbin" command -v ${tool}`]).status === 0
}

/** A mounted file system. */
export interface Mount {
  readonly kind: FileSystem
  /** Where it is mounted. Root may write there, and everybody else too. */
  readonly path: string
  /** The file behind its loop device; not for tmpfs. */
  readonly image: string
  /** Writes everything out, drops every cache of it, and mounts it again. */
  remount(): void
  /** Cuts it off from its device, as a power cut does: what wasn't synced is lost. Then mounts it again. */
  powerCut(): void
  unmount(): void
}

const mounted = new Set<Mount>()
let folder: string | undefined

/** Runs a command or throws what it said. */
export function command(name: string, ...args: string[]): string {
  const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` }
  const { status, stdout, stderr, error } = spawnSync(name, args, { encoding: 'utf8', env })
  if (status !== 0) throw new Error(`${[name, ...args].join(' ')}: ${error?.message ?? stderr}`)
  return stdout
}

/**
 * Mounts a new file system.
 * @param size In bytes; what the kind needs at least, if that is more.
 * @param options Of mount(8).
 * @param making Of mkfs(8).
 */
export function mount(
  kind: FileSystem,
  size = 0,
  options: readonly string[] = [],
  making: readonly string[] = [],
): Mount {
  folder ??= newFolder()
  const at = mkdtempSync(join(folder, `${kind}-`))
  const path = join(at, 'mnt')
  const image = join(at, 'image')
  const bytes = Math.max(size, smallest[kind])
  mkdirSync(path)
  const attach = (): void => {
    const source =
      kind === 'tmpfs'
        ? ['-o', [`size=${bytes}`, ...options].join(), 'tmpfs']
        : ['-o', ['loop', ...options].join(), image]
    command('mount', '-t', kind, ...source, path)
  }
  if (kind !== 'tmpfs') {
    writeFileSync(image, '')
    truncateSync(image, bytes)
    const [tool = '', ...args] = make[kind]
    command(tool, ...args, ...making, image)
  }
  attach()
  command('chmod', '1777', path)
  const self: Mount = {
    kind,
    path,
    image,
    remount() {
      command('umount', path)
      attach()
    },
    powerCut() {
      // The ioctl behind it is XFS_IOC_GOINGDOWN, which ext4 has too; without -f nothing is flushed.
      command('xfs_io', '-x', '-c', 'shutdown', path)
      self.remount()
    },
    unmount() {
      mounted.delete(self)
      if (spawnSync('umount', [path]).status !== 0) spawnSync('umount', ['-l', path])
      rmSync(at, { recursive: true, force: true })
    },
  }
  mounted.add(self)
  return self
}

function newFolder(): string {
  sweep()
  process.once('exit', () => {
    for (const each of [...mounted]) each.unmount()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })
  return mkdtempSync(join(base, `${prefix}${process.pid}-`))
}

/** What a test process left that was killed. */
function sweep(): void {
  for (const name of readdirSync(base)) {
    if (!name.startsWith(prefix)) continue
    const pid = Number.parseInt(name.slice(prefix.length), 10)
    if (existsSync(`/proc/${pid}`)) continue
    const left = join(base, name)
    for (const each of readdirSync(left)) spawnSync('umount', ['-l', join(left, each, 'mnt')])
    rmSync(left, { recursive: true, force: true })
  }
}
