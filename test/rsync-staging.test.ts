/** The directory that rsync's files are fetched into: private, made again when it is gone, never where others could swap it. */
import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { FileOffer } from '#lib/source/files.js'
import { eventually } from './support/dcu-world.js'
import { furkaWorld } from './support/furka-daemon.js'
import { whyNoDaemon } from './support/grimsel-daemon.js'
import { command, mount, whyNot } from './support/mounts.js'
import { until } from './support/pipe-world.js'
import { type RsyncWorld, rsyncWorld, whyNoRsync } from './support/rsync-world.js'
import { removed, type Watched } from './support/source-world.js'

const skip = whyNoRsync ?? false
const mounting = { skip: whyNoRsync ?? whyNot('tmpfs') ?? false }
const asRoot = { skip: whyNoRsync ?? (process.geteuid?.() === 0 ? false : 'needs root') }

const NOBODY = 65_534

async function fetched({ source }: Watched, file: FileOffer): Promise<string> {
  const place = await source.locate?.(file)
  assert.ok(place?.type === 'path')
  const content = readFileSync(join(String(place.root), String(place.name)), 'utf8')
  await source.release?.(file)
  return content
}

/** A new file of the daemon, offered. */
async function added(world: RsyncWorld, watched: Watched, name: string): Promise<FileOffer> {
  writeFileSync(join(world.served, name), `content of ${name}`)
  return await watched.offer(name)
}

test(
  'a RAM disk that is mounted anew gets its staging directory anew; while it is away nothing is made',
  mounting,
  async (t) => {
    const world = await rsyncWorld(t)
    const ramdisk = mount('tmpfs')
    t.after(() => ramdisk.unmount())
    chmodSync(ramdisk.path, 0o755)
    const staging = join(ramdisk.path, '.furka')
    const watched = world.watch({ staging, requiredMount: ramdisk.path })
    assert.equal(await fetched(watched, await added(world, watched, 'a')), 'content of a')
    command('umount', '-l', ramdisk.path)
    const b = await added(world, watched, 'b')
    await assert.rejects(fetched(watched, b), {
      code: 'ERR_SUSTEN_STORAGE',
      message: /nothing is mounted at '.*\/mnt'/,
    })
    await assert.rejects(watched.source.remove(b), { code: 'ERR_SUSTEN_STORAGE' })
    assert.deepEqual(readdirSync(ramdisk.path), [])
    // Nor is one used that is there.
    mkdirSync(staging, { mode: 0o700 })
    await assert.rejects(fetched(watched, b), { code: 'ERR_SUSTEN_STORAGE' })
    assert.deepEqual(readdirSync(staging), [])
    assert.equal(watched.state?.available, true, 'the daemon is listed all the time')
    command('mount', '-t', 'tmpfs', 'tmpfs', ramdisk.path)
    assert.equal(await fetched(watched, b), 'content of b')
    assert.equal(statSync(staging).mode & 0o777, 0o700)
    assert.equal(await removed(watched.source, b), 'removed')
    // Mounted over, and uncovered again.
    command('mount', '-t', 'tmpfs', 'tmpfs', ramdisk.path)
    const c = await added(world, watched, 'c')
    assert.equal(await fetched(watched, c), 'content of c')
    command('umount', '-l', ramdisk.path)
    assert.equal(await removed(watched.source, c), 'removed')
    assert.equal(await fetched(watched, await added(world, watched, 'd')), 'content of d')
    await watched.source.close()
    assert.deepEqual(
      readdirSync(staging).filter((name) => !name.endsWith('.lock')),
      [],
    )
  },
)

test('a staging directory that somebody cleared away is made again, and nobody else gets its lock', {
  skip,
}, async (t) => {
  const world = await rsyncWorld(t)
  const watched = world.watch({ id: 'one' })
  await fetched(watched, await added(world, watched, 'a'))
  rmSync(world.staging, { recursive: true })
  assert.equal(await fetched(watched, await added(world, watched, 'b')), 'content of b')
  assert.equal(statSync(world.staging).mode & 0o777, 0o700)
  const rival = world.watch({ id: 'one' })
  await eventually(() => rival.state?.failure?.code === 'ERR_SUSTEN_LOCKED', 'the same source twice is refused')
  rmSync(world.staging, { recursive: true })
  const [a] = watched.offers
  assert.ok(a !== undefined)
  assert.equal(await removed(watched.source, a), 'removed')
})

test('what takes the place of the staging directory is looked at anew', { skip }, async (t) => {
  const world = await rsyncWorld(t)
  const watched = world.watch()
  const a = await added(world, watched, 'a')
  await fetched(watched, a)
  const refused = { code: 'ERR_SUSTEN_OPTION', message: /^staging '.*\/staging' must be a directory of this user's/ }
  renameSync(world.staging, `${world.staging}-away`)
  const takers: (() => void)[] = [
    () => mkdirSync(world.staging, { mode: 0o755 }),
    () => symlinkSync(`${world.staging}-away`, world.staging),
    () => writeFileSync(world.staging, ''),
  ]
  if (process.geteuid?.() === 0) {
    takers.push(() => {
      mkdirSync(world.staging, { mode: 0o700 })
      chownSync(world.staging, NOBODY, NOBODY)
    })
  }
  for (const take of takers) {
    take()
    await assert.rejects(fetched(watched, a), refused)
    rmSync(world.staging, { recursive: true })
  }
  assert.equal(await fetched(watched, a), 'content of a')
})

/** A directory with a mode, below the world's own. */
function placeFor(world: RsyncWorld, mode: number): string {
  const parent = join(dirname(world.served), `parent-${mode.toString(8)}`)
  mkdirSync(parent)
  chmodSync(parent, mode)
  return parent
}

async function isRefused(world: RsyncWorld, staging: string, message: RegExp): Promise<void> {
  const watched = world.watch({ staging })
  await eventually(() => watched.state?.failure?.code === 'ERR_SUSTEN_OPTION', `${staging} is refused`)
  assert.match(watched.state?.failure?.message ?? '', message)
  await watched.source.close()
}

test('where others may write, a staging directory is refused, unless nobody but its owner can take it away', {
  skip,
}, async (t) => {
  const world = await rsyncWorld(t)
  for (const mode of [0o777, 0o775, 0o2770]) {
    const parent = placeFor(world, mode)
    const shown = mode.toString(8)
    const said = new RegExp(`^staging '${parent}/\\.furka': others may write to '${parent}' \\(mode ${shown}\\).*chmod`)
    await isRefused(world, join(parent, '.furka'), said)
    assert.deepEqual(readdirSync(parent), [])
    // Whoever may rename a directory further up can exchange all that is below it.
    mkdirSync(join(parent, 'inner'), { mode: 0o755 })
    await isRefused(world, join(parent, 'inner', '.furka'), /others may write to/)
    const link = `${parent}-link`
    symlinkSync(join(parent, 'inner'), link)
    await isRefused(world, join(link, '.furka'), /others may write to/)
    chmodSync(parent, mode | 0o1000)
    for (const place of [join(parent, '.furka'), join(link, '.furka')]) {
      const watched = world.watch({ staging: place })
      assert.equal(await fetched(watched, await added(world, watched, 'a')), 'content of a')
      chmodSync(parent, mode)
      await assert.rejects(fetched(watched, await watched.offer('a')), { code: 'ERR_SUSTEN_OPTION' })
      chmodSync(parent, mode | 0o1000)
      assert.equal(await fetched(watched, await watched.offer('a')), 'content of a')
      await watched.source.close()
    }
  }
})

test('what another user owns on the way to the staging directory is refused', asRoot, async (t) => {
  const world = await rsyncWorld(t)
  const parent = placeFor(world, 0o1755)
  chownSync(parent, NOBODY, NOBODY)
  await isRefused(world, join(parent, '.furka'), /'.*\/parent-1755' belongs to user 65534/)
  const open = placeFor(world, 0o1777)
  const link = join(open, 'link')
  mkdirSync(join(open, 'ours'), { mode: 0o755 })
  symlinkSync('ours', link)
  lchownSync(link, NOBODY, NOBODY)
  await isRefused(world, join(link, '.furka'), /'.*\/link' belongs to user 65534/)
  lchownSync(link, 0, 0)
  const watched = world.watch({ staging: join(link, '.furka') })
  assert.equal(await fetched(watched, await added(world, watched, 'a')), 'content of a')
})

test('a staging directory whose place is missing is told', { skip }, async (t: TestContext) => {
  const world = await rsyncWorld(t)
  const watched = world.watch({ staging: join(dirname(world.served), 'none/such/.furka') })
  await eventually(() => watched.state?.failure !== undefined, 'it is said')
  const { code, message = '' } = watched.state?.failure ?? {}
  assert.equal(code, 'ERR_SUSTEN_STORAGE')
  assert.match(message, /^staging '.*\/none\/such\/\.furka' can't be made: there is no directory '.*\/none'/)
})

test('Furka goes on when a RAM disk that its staging directory lies on is mounted anew', {
  skip: whyNoDaemon() ?? whyNoRsync ?? false,
}, async (t) => {
  const world = await rsyncWorld(t)
  const {
    furka,
    target,
    until: figuresAre,
    lines,
  } = await furkaWorld(t, {
    lines: ({ ramdisk }) => `required_mount ${ramdisk}
usrdir
detectorID 1MF
remoteIP 127.0.0.1
port ${world.port}
minpause 1
interrun_pause 0
staging ${ramdisk}/.furka
target ${ramdisk}/buffer
`,
  })
  const ramdisk = dirname(target)
  const started = await furka('start')
  assert.deepEqual([started.code, started.err], [0, ''])
  writeFileSync(join(world.served, 'a.cbf'), 'one')
  await figuresAre(({ sources }) => sources[0]?.removed === 1, 'one is removed')
  command('umount', '-l', ramdisk)
  await figuresAre(({ sources }) => sources[0]?.blocked !== undefined, 'blocked')
  writeFileSync(join(world.served, 'b.cbf'), 'two')
  await figuresAre(({ sources }) => sources[0]?.waiting === 1, 'a file that waits')
  assert.deepEqual(readdirSync(ramdisk), [])
  command('mount', '-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', ramdisk)
  mkdirSync(target)
  await until(() => existsSync(join(target, 'b.cbf')))
  await figuresAre(({ sources }) => sources[0]?.removed === 2, 'both are removed')
  assert.equal(readFileSync(join(target, 'b.cbf'), 'utf8'), 'two')
  assert.equal(statSync(join(ramdisk, '.furka')).mode & 0o777, 0o700)
  assert.ok(!lines().some(({ code }) => code === 'SOURCE_UNAVAILABLE'))
})

test('Furka doesn’t start with a staging directory that others could exchange, and says which', {
  skip: whyNoDaemon() ?? whyNoRsync ?? false,
}, async (t) => {
  const world = await rsyncWorld(t)
  const parent = placeFor(world, 0o777)
  const { furka, config } = await furkaWorld(t, {
    lines: ({ ramdisk }) => `required_mount ${ramdisk}
detectorID 1MF
remoteIP 127.0.0.1
port ${world.port}
staging ${parent}/.furka
target ${ramdisk}/buffer
detectorID 2M
remoteIP 127.0.0.2
staging ${parent}/none/.furka
target ${ramdisk}/buffer
`,
  })
  const { code, err } = await furka('start')
  assert.equal(code, 1)
  const [first = '', second = ''] = err.split('\n')
  assert.ok(
    first.startsWith(`furka: ${config}: detector '1MF': staging '${parent}/.furka': others may write to`),
    first,
  )
  assert.ok(second.includes(`detector '2M': staging '${parent}/none/.furka'`), second)
  assert.deepEqual(readdirSync(parent), [])
  chmodSync(parent, 0o755)
  mkdirSync(join(parent, 'none'), { mode: 0o755 })
  mkdirSync(join(parent, '.furka'), { mode: 0o755 })
  const also = await furka('start')
  assert.match(also.err, /: detector '1MF': staging '\S+' must be a directory of this user's, with mode 700\n$/)
  chmodSync(join(parent, '.furka'), 0o700)
  assert.equal((await furka('start')).code, 0)
})
