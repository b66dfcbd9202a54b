import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import type { DaemonProcess, Ended } from './support/daemon-process.js'
import { furkaWorld } from './support/furka-daemon.js'
import { daemonWorld, whyNoDaemon } from './support/grimsel-daemon.js'
import { command } from './support/mounts.js'

const options = { skip: whyNoDaemon() ?? false }

/** What a program says, without its name. */
const said = ({ err }: Ended): string[] =>
  err
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/^(furka|grimsel): /, ''))

/** Runs a program without `--config`. */
async function alone({ begin }: Pick<DaemonProcess<unknown>, 'begin'>, ...args: string[]): Promise<Ended> {
  const child = begin(args)
  let err = ''
  child.stderr?.setEncoding('utf8').on('data', (some: string) => {
    err += some
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out: '', err }
}

test(
  'Furka tells which key of which file names a place that is missing, and leaves nothing behind',
  options,
  async (t) => {
    const { furka, config, target, root, lines } = await furkaWorld(t)
    const ramdisk = dirname(target)
    const before = readdirSync(root)
    renameSync(target, `${target}-away`)
    for (const verb of ['start', 'run']) {
      const { code, err } = await furka(verb)
      assert.equal(code, 1)
      assert.equal(
        err,
        `furka: ${config}: TARGET_DIR '${target}' isn't there: make the directory, or correct the key\n`,
      )
    }
    writeFileSync(target, 'a file')
    assert.match(
      (await furka('start')).err,
      /: TARGET_DIR '\S+' is no directory: make the directory, or correct the key\n$/,
    )
    command('umount', ramdisk)
    const unmounted = `${config}: nothing is mounted at REQUIRED_MOUNT '${ramdisk}': mount it, or correct the key`
    assert.deepEqual(said(await furka('start')), [unmounted])
    assert.deepEqual(
      lines().map(({ level, event, msg }) => [level, event, msg]),
      new Array(4).fill(['error', 'failure', "Furka didn't start"]),
    )
    assert.match(JSON.stringify(lines().at(-1)), /REQUIRED_MOUNT/)
    assert.deepEqual(readdirSync(root).sort(), [...before, 'furka-log'].sort())
    command('mount', '-t', 'tmpfs', 'tmpfs', ramdisk)
  },
)

test('Furka tells all places of the lines that are missing, with their detectors', options, async (t) => {
  const { furka, config } = await furkaWorld(t, {
    lines: ({ port, ramdisk }) => `required_mount ${ramdisk}
detectorID 16M
protocol FILEWRITER
remoteIP 127.0.0.1
port ${port}
target ${ramdisk}/buffer
detectorID 1M
protocol FILEWRITER
remoteIP 127.0.0.2
port ${port}
target ${ramdisk}/none/./1m
`,
  })
  const ramdisk = /required_mount (.*)/.exec(readFileSync(config, 'utf8'))?.[1]
  const missing = (what: string): string => `isn't there: make the directory, or correct ${what}`
  const first = `${config}: detector '1M': target '${ramdisk}/none' ${missing('the key')}`
  assert.deepEqual(said(await furka('start')), [first])
  const given = `${config}: detector '16M': target '${ramdisk}/also', as -d gives it, ${missing('-d')}`
  assert.deepEqual(said(await furka('start', '-d', `16M::${ramdisk}/also`)), [given, first])
})

test(
  'Grimsel tells which key of which file names a place that is missing, and leaves nothing behind',
  options,
  async (t) => {
    const { grimsel, config, buffer, root } = await daemonWorld(t)
    const ramdisk = dirname(buffer)
    const before = readdirSync(root)
    const good = readFileSync(config, 'utf8')
    renameSync(buffer, `${buffer}-away`)
    const bufferless = `${config}: buffer_directory '${buffer}' isn't there: make the directory, or correct the key`
    for (const verb of ['start', 'run']) {
      const ended = await grimsel(verb)
      assert.deepEqual([ended.code, said(ended)], [1, [bufferless]])
    }
    writeFileSync(
      config,
      good.replace(/^buffer_directory .*$/m, '').replace(/^(ramdisk_mountpoint) .*$/m, '$1 /none/such'),
    )
    assert.deepEqual(said(await grimsel('start')), [
      `${config}: ramdisk_mountpoint '/none/such' isn't there: make the directory and mount the RAM disk there, or correct the key`,
    ])
    writeFileSync(config, good)
    command('umount', ramdisk)
    assert.deepEqual(said(await grimsel('start')), [
      `${config}: nothing is mounted at ramdisk_mountpoint '${ramdisk}': mount it, or correct the key`,
    ])
    assert.deepEqual(readdirSync(root).sort(), [...before, 'log'].sort())
    command('mount', '-t', 'tmpfs', 'tmpfs', ramdisk)
  },
)

test('a file that can have no place is told with its key before anything is made', options, async (t) => {
  const { grimsel, config, root } = await daemonWorld(t)
  const before = readdirSync(root)
  const good = readFileSync(config, 'utf8')
  writeFileSync(
    config,
    good.replace(/^logfile .*$/m, 'logfile /none/log').replace(/^(file_pipe) .*$/m, '$1 /nowhere/p'),
  )
  assert.deepEqual(said(await grimsel('start')), [
    `${config}: logfile '/none/log': there is no directory '/none'; make it, or correct the key`,
    `${config}: file_pipe '/nowhere/p': there is no directory '/nowhere'; make it, or correct the key`,
  ])
  assert.deepEqual(readdirSync(root), before)
})

test('where there is no configuration, it is said where one should be', options, async (t) => {
  const furka = await furkaWorld(t)
  const grimsel = await daemonWorld(t)
  for (const world of [furka, grimsel]) {
    for (const verb of ['start', 'restart', 'run', 'stop']) {
      const ended = await alone(world, verb, '-c', '/none/such')
      assert.deepEqual(
        [ended.code, said(ended)[0]],
        [6, "there is no configuration file '/none/such'; write it, or correct -c"],
        verb,
      )
    }
  }
})

test('a restart that cannot succeed leaves Furka running, and says so', options, async (t) => {
  const { furka, config, target, pid } = await furkaWorld(t)
  assert.equal((await furka('start')).code, 0)
  const running = pid()
  const good = readFileSync(config, 'utf8')
  const still = async (first: RegExp, code: number): Promise<void> => {
    const ended = await furka('restart')
    const [why, ...rest] = said(ended)
    assert.match(why ?? '', first)
    assert.deepEqual([ended.code, rest], [code, ['nothing was stopped']])
    assert.deepEqual([pid(), (await furka('status')).code], [running, 0])
  }
  writeFileSync(config, good.replace(target, `${target}-elsewhere`))
  await still(/: TARGET_DIR '\S+-elsewhere' isn't there: /, 1)
  writeFileSync(config, good.replace('"TARGET_DIR"', '"TARGET"'))
  const wrong = await furka('restart')
  assert.deepEqual([wrong.code, said(wrong).at(-1), pid()], [6, 'nothing was stopped', running])
  writeFileSync(config, good)
  const given = await furka('restart', '-d', `EIGER::${target}/none`)
  assert.match(said(given)[0] ?? '', /: TARGET_DIR '\S+\/none', as -d gives it, isn't there: /)
  assert.deepEqual([given.code, pid()], [1, running])
  mkdirSync(`${target}/none`)
  assert.equal((await furka('restart', '-d', `EIGER::${target}/none`)).code, 0)
  assert.notEqual(pid(), running)
})

test('a restart that cannot succeed leaves Grimsel running, and says so', options, async (t) => {
  const { grimsel, config, buffer, root, pid } = await daemonWorld(t)
  assert.equal((await grimsel('start')).code, 0)
  const running = pid()
  const good = readFileSync(config, 'utf8')
  writeFileSync(config, good.replace(`buffer_directory ${buffer}`, `buffer_directory ${buffer}/none`))
  const bufferless = await grimsel('restart')
  assert.match(said(bufferless)[0] ?? '', /: buffer_directory '\S+\/none' isn't there: /)
  assert.deepEqual([bufferless.code, said(bufferless)[1], pid()], [1, 'nothing was stopped', running])
  writeFileSync(
    config,
    good.replace(/^buffer_directory .*$/m, '').replace(/^(ramdisk_mountpoint) .*$/m, `$1 ${join(root, 'b')}`),
  )
  mkdirSync(join(root, 'b'))
  const unmounted = await grimsel('restart')
  assert.match(said(unmounted)[0] ?? '', /: nothing is mounted at ramdisk_mountpoint '\S+\/b': /)
  assert.deepEqual([unmounted.code, pid()], [1, running])
  writeFileSync(config, good)
  assert.equal((await grimsel('restart')).code, 0)
  assert.notEqual(pid(), running)
})
