import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { usualFile } from '#lib/cli/daemon/place.js'
import { callControl, watchControl } from '#lib/control/index.js'
import type { DaemonStatus } from '#lib/furka/daemon/index.js'
import type { Ended } from './support/daemon-process.js'
import { eventually } from './support/dcu-world.js'
import { furkaWorld } from './support/furka-daemon.js'
import { whyNoDaemon } from './support/grimsel-daemon.js'
import { command } from './support/mounts.js'
import { openRoot, until } from './support/pipe-world.js'

const options = { skip: whyNoDaemon() ?? false }

/** A command that has nothing to complain of. */
async function succeeds(command: Promise<Ended>): Promise<void> {
  const { code, err } = await command
  assert.deepEqual([code, err], [0, ''])
}

/** A file's content and whose it is. */
const look = (path: string): { content: string; uid: number; gid: number } => {
  const { uid, gid } = statSync(path)
  return { content: readFileSync(path, 'utf8'), uid, gid }
}

test('start, status and stop end with the codes of init scripts', options, async (t) => {
  const { furka, status, socket, pid, lines, figures, config } = await furkaWorld(t)
  const stopped = await furka('status')
  assert.deepEqual([stopped.code, stopped.out], [3, "furka isn't running\n"])
  assert.equal((await furka('user')).code, 7)
  assert.equal((await furka('user', '-u', '1')).code, 7)
  assert.equal((await furka('start', 'what')).code, 2)

  const started = await furka('start')
  assert.match(started.out, /^furka is running \(process \d+\)\n$/)
  assert.deepEqual([started.code, started.err], [0, ''])
  const first = await status()
  assert.deepEqual([first.phase, first.pid, first.detectors], ['running', pid(), []])

  const again = await furka('start')
  assert.deepEqual([again.code, again.out], [0, 'furka is running already\n'])
  const other = await furka('start', '-u', '7:8')
  assert.equal(other.code, 1, 'it would not be the user')
  assert.match(other.err, /^furka: it is running already, and goes on as before; 'furka user -u …' changes the user/)
  assert.equal((await figures()).user.uid, 500)
  const second = await furka('run')
  assert.equal(second.code, 1)
  assert.match(
    second.err,
    /^furka: \S+\/furka\.json: CONTROL_SOCKET: .*control.* is in use: process \d+ has it open\n$/,
  )

  const shown = await furka('status')
  assert.equal(shown.code, 0)
  assert.match(shown.out, /^furka \S+ is running \(process \d+, since [\d: -]+\)\n/)
  assert.match(shown.out, /^user: uid 500, gid 501, no directory, since [\d: -]+\nGrimsel: none$/m)
  assert.match(shown.out, /^EIGER +0 +0 +0 +0 +0 +0 +0 +0 B/m)

  const stop = await furka('stop')
  assert.deepEqual([stop.code, stop.out, stop.err], [0, 'furka has stopped\n', ''])
  assert.equal((await furka('status')).code, 3)
  assert.ok(!existsSync(socket) && pid() === undefined)
  const nothing = await furka('stop')
  assert.deepEqual([nothing.code, nothing.out], [0, "furka isn't running\n"])
  const events = lines().map(({ event }) => event)
  assert.deepEqual(
    events.filter((event) => event !== 'message' && event !== 'userChanged'),
    ['start', 'ready', 'stop', 'end'],
  )
  const ready = lines().find(({ event }) => event === 'ready')
  assert.equal(ready?.['journal'], (JSON.parse(readFileSync(config, 'utf8')) as Record<string, unknown>)['JOURNAL_DIR'])
})

test('files of a series are received, given to the user, and removed at the server', options, async (t) => {
  const {
    furka,
    dcu,
    target,
    until: figuresAre,
    lines,
    begin,
    config,
  } = await furkaWorld(t, { dcu: { imagesPerFile: 2 } })
  await succeeds(furka('start', '--user=700:701:visit1'))
  await dcu.acquire({ images: 4 })
  const names = dcu.truth.completed.map(({ name }) => name)
  assert.equal(names.length, 3)
  const [found] = (await figuresAre(({ sources }) => sources[0]?.removed === 3, 'three files removed')).sources
  assert.deepEqual([found?.received, found?.waiting, found?.failing, found?.available], [3, 0, 0, true])
  for (const name of names) {
    const { uid, gid, size } = statSync(join(target, 'visit1', name))
    const real = dcu.truth.completed.find((file) => file.name === name)
    assert.deepEqual([uid, gid, size], [700, 701, real?.size])
  }
  assert.deepEqual([...new Set(dcu.truth.files.map(({ state }) => state))], ['deleted'])

  const shown = (await furka('status')).out
  assert.match(shown, /^user: uid 700, gid 701, directory visit1, since/m)
  assert.match(shown, /^EIGER +up +\S+ +[\d.]+ [MG]B +\S+.* detector idle.* filewriter ready/m)
  assert.match(shown, /^EIGER +0 +0 +0 +0 +0 +0 +3 +[\d.]+ [kM]B +[\d.]+ \S+ +\d+ ms +\d+ ms$/m)
  const watcher = begin(['status', '--config', config, '--watch', '--json'])
  const output = once(watcher, 'close')
  const [line] = (await once(watcher.stdout?.setEncoding('utf8') ?? watcher, 'data')) as [string]
  assert.equal((JSON.parse(line) as DaemonStatus).furka?.sources[0]?.received, 3)
  assert.equal((await furka('stop')).code, 0)
  // The stream ends with the daemon.
  assert.deepEqual(await output, [0, null])
  const figures = lines().find(({ event }) => event === 'figures')
  assert.deepEqual([figures?.['source'], figures?.['received'], figures?.['removed']], ['EIGER', 3, 3])
})

test('a user change needs no restart, and a restart no user', options, async (t) => {
  const { furka, dcu, target, lines, socket, figures, pid } = await furkaWorld(t, { more: { USER_DIR: '$UID_$GID' } })
  await succeeds(furka('start'))
  assert.equal((await furka('user')).out, 'uid 500, gid 501, directory 500_501\n')
  const arrives = async (name: string, path: string): Promise<ReturnType<typeof look>> => {
    await dcu.add(name, Buffer.from(name))
    await until(() => existsSync(path))
    return look(path)
  }
  assert.deepEqual(await arrives('one', join(target, '500_501/one')), { content: 'one', uid: 500, gid: 501 })

  const changed = await furka('user', '-u', '1000::$UID/visit')
  assert.deepEqual([changed.code, changed.out], [0, 'uid 1000, gid 501, directory 1000/visit\n'])
  assert.deepEqual(await arrives('two', join(target, '1000/visit/two')), { content: 'two', uid: 1000, gid: 501 })
  const asked = JSON.parse((await furka('user', '--json')).out) as Record<string, unknown>
  assert.deepEqual([asked['uid'], asked['gid'], asked['userDirectory']], [1000, 501, '1000/visit'])
  const noted = lines().find(({ event }) => event === 'user')
  assert.deepEqual([noted?.['by'], noted?.['uid']], [process.getuid?.(), 1000])

  for (const [text, why] of [
    ['::/abs', /must be relative/],
    ['::../up', /'\.\.'/],
    [':', /names nobody/],
    ['me', /must be a number/],
    ['-1:1000', /the uid must be a number, not '-1'/],
    ['::a/.susten-foo', /must have no name that begins with '\.susten-'/],
  ] as const) {
    const refused = await furka('user', `--user=${text}`)
    assert.deepEqual([refused.code, why.test(refused.err)], [2, true], `${text}: ${refused.err}`)
  }
  const dashed = await furka('user', '-u', '-1:1000')
  assert.equal(dashed.code, 2)
  assert.match(
    dashed.err,
    /^furka: option '-u' needs a value, and '-1:1000' looks like an option; .*'--user=-1:1000'; see/,
  )
  const told = { code: 'ERR_SUSTEN_OPTION' }
  await assert.rejects(callControl(socket, 'user', {}), told)
  await assert.rejects(callControl(socket, 'user', { uid: '1' }), told)
  await assert.rejects(callControl(socket, 'user', { user: 1 }), told)
  await assert.rejects(callControl(socket, 'user', { userDirectory: '/x' }), told)
  assert.equal((await figures()).user.uid, 1000)

  const before = pid()
  await succeeds(furka('restart'))
  assert.notEqual(pid(), before)
  assert.deepEqual(await arrives('three', join(target, '1000/visit/three')), { content: 'three', uid: 1000, gid: 501 })
  await succeeds(furka('restart', '-u', '7:8:.'))
  assert.deepEqual(await arrives('four', join(target, 'four')), { content: 'four', uid: 7, gid: 8 })
  await succeeds(furka('user', '-u', '9'))
  assert.equal((await furka('user')).out, 'uid 9, gid 501, directory 9_501\n')
  await succeeds(furka('restart', '-u', '7:8:.'))
  // Not even a stop makes it somebody else's turn.
  assert.equal((await furka('stop')).code, 0)
  await succeeds(furka('start'))
  assert.equal((await furka('user')).out, 'uid 7, gid 8, no directory\n')
})

test(
  "a user change in the middle of a series parts it: what was complete before is the former user's",
  options,
  async (t) => {
    const { furka, dcu, target, until: figuresAre } = await furkaWorld(t, { dcu: { imagesPerFile: 1 } })
    await succeeds(furka('start', '-u', '700:701:first'))
    const series = dcu.acquire({ images: 60, frameTime: 0.03 })
    await until(() => dcu.truth.completed.length >= 10)
    const before = Date.now()
    await succeeds(furka('user', '-u', '800:801:second'))
    const after = Date.now()
    await series
    // However long the change took.
    await dcu.acquire({ images: 5, frameTime: 0.03 })
    const files = dcu.truth.completed
    await figuresAre(({ sources }) => sources[0]?.removed === files.length, `${files.length} files removed`)
    const first: readonly string[] = readdirSync(join(target, 'first'))
    const second: readonly string[] = readdirSync(join(target, 'second'))
    assert.ok(first.length >= 10 && second.length > 0)
    assert.deepEqual([...first, ...second].sort(), files.map(({ name }) => name).sort(), 'each once')
    for (const { name, completed = 0 } of files) {
      const isFirst = first.includes(name)
      const owner: number = statSync(join(target, isFirst ? 'first' : 'second', name)).uid
      assert.equal(owner, isFirst ? 700 : 800, name)
      if (completed < before) assert.ok(isFirst, `${name} was complete before`)
      if (completed > after) assert.ok(!isFirst, `${name} was complete after`)
    }
  },
)

test('a restart keeps what -d said, also of one that was killed; a stop and a start do not', options, async (t) => {
  const { furka, dcu, target, status, pid } = await furkaWorld(t, {
    lines: ({ port, ramdisk }) => `required_mount ${ramdisk}
usrdir
detectorID 16M
protocol FILEWRITER
remoteIP 127.0.0.1
port ${port}
poll_arriving 10
poll_acquiring 10
poll_idle 20
target ${ramdisk}/buffer
`,
  })
  const other = join(dirname(target), 'other')
  mkdirSync(other)
  await succeeds(furka('start', '-d', `16M::${other}/./16m`))
  const detectors = [`16M::${other}/./16m`]
  assert.deepEqual((await status()).detectors, detectors)
  assert.match((await furka('status')).out, /^started with -d 16M::\S+other\/\.\/16m$/m)
  await dcu.add('one', Buffer.from('one'))
  await until(() => existsSync(join(other, '16m/one')))

  await succeeds(furka('restart'))
  assert.deepEqual((await status()).detectors, detectors)
  const dead = pid() ?? 0
  process.kill(dead, 'SIGKILL')
  await until(() => !existsSync(`/proc/${dead}/fd/0`))
  assert.deepEqual((await furka('status')).code, 1)
  await succeeds(furka('restart'))
  assert.deepEqual((await status()).detectors, detectors)
  await dcu.add('two', Buffer.from('two'))
  await until(() => existsSync(join(other, '16m/two')))

  // What is wrong stops nothing.
  for (const wrong of ['16M', '1MF::/ramdisk', '16M:/source:', `16M::${other}/../x`, '16M::/elsewhere']) {
    const refused = await furka('restart', '-d', wrong)
    assert.equal(refused.code, 2, `${wrong}: ${refused.err}`)
  }
  assert.deepEqual((await status()).detectors, detectors)

  assert.equal((await furka('stop')).code, 0)
  await succeeds(furka('start'))
  assert.deepEqual((await status()).detectors, [])
  await dcu.add('three', Buffer.from('three'))
  await until(() => existsSync(join(target, 'three')))
})

test('what is wrong at the start is told in one line, and nothing is left running', options, async (t) => {
  const { furka, config, begin, pid, socket } = await furkaWorld(t)
  const none = begin(['start', '--config', '/none/such.json'])
  assert.deepEqual(await once(none, 'close'), [6, null])
  const good = JSON.parse(readFileSync(config, 'utf8')) as Record<string, unknown>
  const write = (more: object): void => writeFileSync(config, JSON.stringify({ ...good, ...more }))

  write({ UIDD: 3, CONFIRM: 'INTERNAL' })
  const wrong = await furka('start')
  assert.equal(wrong.code, 6)
  const [first, second, ...more] = wrong.err.trimEnd().split('\n')
  assert.match(
    `${first}\n${second}`,
    /^furka: .*furka\.json:\d+:.*UIDD.*\nfurka: .*CONFIRM INTERNAL needs GRIMSEL CONTROL/s,
  )
  assert.deepEqual(more, [])
  assert.equal((await furka('status')).code, 4)

  write({ LOG_FILE: '/none/log' })
  const logless = await furka('start')
  assert.equal(logless.code, 1)
  assert.match(logless.err, /^furka: \S+\/furka\.json: LOG_FILE '\/none\/log': there is no directory '\/none'/)
  assert.ok(pid() === undefined && !existsSync(socket))

  write({ JOURNAL_DIR: `${config}/journal` })
  const journalless = await furka('start')
  assert.equal(journalless.code, 1)
  assert.match(
    journalless.err,
    /^furka: \S+\/furka\.json: JOURNAL_DIR: the journal '\S+' must be a directory, but .* is a file; name another place/,
  )
  assert.ok(pid() === undefined && !existsSync(socket))
  write({})
  await succeeds(furka('start'))
})

test('a server that is down is waited for, and the status says why', options, async (t) => {
  const { furka, dcu, until: figuresAre } = await furkaWorld(t)
  await dcu.close()
  await succeeds(furka('start'))
  await figuresAre(({ sources }) => sources[0]?.available === false && sources[0].failure !== undefined, 'down')
  assert.match((await furka('status')).out, /^EIGER +down ECONNREFUSED/m)
})

test('while the RAM disk is gone, files wait at the server, and the status says why', options, async (t) => {
  const { furka, dcu, target, until: figuresAre, lines } = await furkaWorld(t)
  await succeeds(furka('start'))
  const ramdisk = dirname(target)
  command('umount', '-l', ramdisk)
  await figuresAre(({ sources }) => sources[0]?.blocked !== undefined, 'blocked')
  await dcu.add('one', Buffer.from('1'))
  await figuresAre(({ sources }) => sources[0]?.waiting === 1, 'a file that waits')
  assert.match((await furka('status')).out, /^EIGER: nothing can be written, files wait: .+$/m)
  assert.ok(lines().some(({ code }) => code === 'TARGET_UNAVAILABLE'))
  assert.ok(!existsSync(target), 'nothing below the mount point')
  command('mount', '-t', 'tmpfs', 'tmpfs', ramdisk)
  mkdirSync(target)
  await figuresAre(({ sources }) => sources[0]?.removed === 1, 'received and removed')
  assert.equal(readFileSync(join(target, 'one'), 'utf8'), '1')
})

test('names that cannot be taken are told in the log and counted', options, async (t) => {
  const { furka, dcu, until: figuresAre, lines } = await furkaWorld(t)
  await succeeds(furka('start'))
  const hostile = await dcu.addHostile()
  await figuresAre(({ sources }) => (sources[0]?.refused ?? 0) > 0, 'refused names')
  await eventually(
    () => lines().some(({ event, code, level }) => event === 'message' && code === 'NAME_REFUSED' && level !== 'info'),
    `a line about one of ${hostile.length}`,
  )
  assert.match((await furka('status')).out, /^EIGER: \d+ names? (was|were) refused, since the start$/m)
})

test('the status can be watched by the control socket, and a stop ends that', options, async (t) => {
  const { furka, socket, pid } = await furkaWorld(t)
  await succeeds(furka('start'))
  const phases: unknown[] = []
  const running = pid()
  for await (const status of watchControl(socket, 'watch', { interval: 100 })) {
    phases.push((status as DaemonStatus).phase)
    if (phases.length === 3) assert.deepEqual(await callControl(socket, 'stop', { now: true }), { pid: running })
  }
  assert.deepEqual(phases.slice(0, 3), ['running', 'running', 'running'])
})

test('SIGTERM ends what moves, SIGHUP opens the log anew', options, async (t) => {
  const { config, begin, log, lines, furka } = await furkaWorld(t)
  const child = begin(['run', '--config', config])
  await until(() => existsSync(log) && readFileSync(log, 'utf8').includes('"event":"ready"'))
  renameSync(log, `${log}.moved`)
  child.kill('SIGHUP')
  await until(() => existsSync(log) && readFileSync(log, 'utf8').includes('"event":"reopen"'))
  child.kill('SIGTERM')
  assert.deepEqual(await once(child, 'close'), [0, null])
  assert.equal(lines().at(-1)?.['event'], 'end')
  assert.equal((await furka('status')).code, 3)
})

test('of two configurations in the usual places the first is taken, and that is told', async (t) => {
  const root = await openRoot(t)
  const [json, conf] = [join(root, 'f.json'), join(root, 'f.conf')]
  assert.deepEqual(usualFile([json, conf]), { file: json, notes: [] })
  writeFileSync(conf, '')
  assert.deepEqual(usualFile([json, conf]), { file: conf, notes: [] })
  writeFileSync(json, '')
  const text = `${json}: note: ${conf} is there too, and is not read`
  assert.deepEqual(usualFile([json, conf]), { file: json, notes: [{ position: undefined, text }] })
})
