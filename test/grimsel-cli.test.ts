import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { callControl, watchControl } from '#lib/control/index.js'
import { daemonWorld, type Status, whyNoDaemon } from './support/grimsel-daemon.js'
import { until } from './support/pipe-world.js'

const options = { skip: whyNoDaemon() ?? false }

test('start, status and stop end with the codes of init scripts', options, async (t) => {
  const { grimsel, status, socket, pid, lines } = await daemonWorld(t, 'licensekey abc')
  const stopped = await grimsel('status')
  assert.deepEqual([stopped.code, stopped.out], [3, "grimsel isn't running\n"])
  assert.equal((await grimsel('add', '/x')).code, 7)
  assert.equal((await grimsel('start', 'what')).code, 2)

  const started = await grimsel('start')
  assert.match(started.out, /^grimsel is running \(process \d+\)\n$/)
  assert.match(started.err, /licensekey is ignored/)
  assert.equal(started.code, 0)
  const first = await status()
  assert.deepEqual([first.phase, first.pid], ['running', pid()])

  const again = await grimsel('start')
  assert.deepEqual([again.code, again.out], [0, 'grimsel is running already\n'])
  const second = await grimsel('run')
  assert.equal(second.code, 1)
  assert.match(
    second.err,
    /^grimsel: \S+\/grimsel\.conf: control_socket: .*control.* is in use: process \d+ has it open\n$/,
  )

  const shown = await grimsel('status')
  assert.equal(shown.code, 0)
  assert.match(shown.out, /^grimsel \S+ is running \(process \d+, since [\d: -]+\)\n/)
  assert.match(shown.out, /^disk +internal +up /m)
  assert.match(shown.out, /^über:2 +optional +up /m)

  const stop = await grimsel('stop')
  assert.deepEqual([stop.code, stop.out, stop.err], [0, 'grimsel has stopped\n', ''])
  assert.equal((await grimsel('status')).code, 3)
  assert.ok(!existsSync(socket) && pid() === undefined)
  const nothing = await grimsel('stop')
  assert.deepEqual([nothing.code, nothing.out], [0, "grimsel isn't running\n"])
  assert.deepEqual(
    lines()
      .map(({ event }) => event)
      .filter((event) => event !== 'message'),
    ['start', 'config', 'ready', 'stop', 'end'],
  )
})

test('a daemon that was killed is told apart from one that was stopped, and starts again', options, async (t) => {
  const { grimsel, pid } = await daemonWorld(t)
  assert.equal((await grimsel('start')).code, 0)
  const dead = pid() ?? 0
  process.kill(dead, 'SIGKILL')
  await until(() => !existsSync(`/proc/${dead}/fd/0`))
  const status = await grimsel('status')
  assert.deepEqual([status.code, status.out], [1, `grimsel is dead: process ${dead} didn't end as it should\n`])
  assert.equal((await grimsel('start')).code, 0)
  assert.notEqual(pid(), dead)
  assert.equal((await grimsel('stop', '--now')).code, 0)
})

test('a storage that is missing keeps nothing else from running', options, async (t) => {
  const { grimsel, status, buffer, disk, other } = await daemonWorld(t)
  rmdirSync(other)
  assert.equal((await grimsel('start')).code, 0)
  const shown = (await grimsel('status')).out
  assert.match(shown, /^über:2 +optional +down ENOENT/m)
  assert.match(shown, /^über:2: no such file or directory \(ENOENT, \w+\)$/m)
  const { grimsel: figures } = JSON.parse((await grimsel('status', '--json')).out) as Status
  assert.match(figures.storages[1]?.reasonText ?? '', /^no such file or directory \(ENOENT, \w+\)$/)
  writeFileSync(join(buffer, 'file'), 'x')
  assert.equal((await grimsel('add', join(buffer, 'file'))).code, 0)
  await until(() => existsSync(join(disk, 'file')))
  mkdirSync(other)
  await until(() => existsSync(join(other, 'file')))
  assert.deepEqual(
    (await status()).grimsel.storages.map(({ state }) => state),
    ['up', 'up'],
  )
})

test('what is wrong at the start is told in one line, and nothing is left running', options, async (t) => {
  const { config, grimsel, begin, statusPort, pid, socket } = await daemonWorld(t)
  const none = begin(['start', '--config', '/none/such.conf'])
  assert.deepEqual(await once(none, 'close'), [6, null])
  const good = readFileSync(config, 'utf8')

  appendFileSync(config, 'n_copy_proceses 3\nmountpoint nowhere\n')
  const wrong = await grimsel('start')
  assert.equal(wrong.code, 6)
  const [first, second, ...more] = wrong.err.trimEnd().split('\n')
  assert.match(first ?? '', /^grimsel: .*grimsel\.conf:\d+: .*n_copy_proceses.*n_copy_processes/)
  assert.match(second ?? '', /^grimsel: .*grimsel\.conf:\d+: storage 'über:2': mountpoint must be/)
  assert.deepEqual(more, [])
  assert.equal((await grimsel('status')).code, 4)

  writeFileSync(config, good.replace(`message_port ${statusPort}`, '').replace(/^message_port .*$/m, 'message_port 1'))
  const other = createServer().listen(statusPort, '127.0.0.1')
  t.after(() => other.close())
  const taken = await grimsel('start')
  assert.equal(taken.code, 1)
  assert.match(
    taken.err,
    new RegExp(`^grimsel: \\S+/grimsel\\.conf: status_port: can't listen at 127.0.0.1 port ${statusPort}: EADDRINUSE`),
  )

  writeFileSync(config, good.replace(/^logfile .*$/m, 'logfile /none/log'))
  const logless = await grimsel('start')
  assert.equal(logless.code, 1)
  assert.match(logless.err, /^grimsel: \S+\/grimsel\.conf: logfile '\/none\/log': there is no directory '\/none'/)
  assert.ok(pid() === undefined && !existsSync(socket))
})

test(
  'files are announced by add and by the pipe; what is wrong is told and counted, and stops nothing',
  options,
  async (t) => {
    const { grimsel, fed, status, buffer, disk, other, pipe, lines } = await daemonWorld(t)
    assert.equal((await grimsel('start')).code, 0)
    const names = ['a', 'b', 'c', 'd', 'größe', 'e']
    for (const name of names) writeFileSync(join(buffer, name), name)
    const raw = Buffer.from(`${buffer}/\xff`, 'latin1')
    writeFileSync(raw, 'odd')

    const some = await grimsel('add', join(buffer, 'a'), '/etc/passwd', join(buffer, 'b'))
    assert.equal(some.code, 1)
    assert.equal(some.out, '2 files announced\n')
    assert.match(some.err, /^grimsel: The announced path '\/etc\/passwd' is not below the buffer /)
    const missing = await grimsel('add', join(buffer, 'nothere'), join(buffer, 'a/below'), join(buffer, 'a'))
    assert.deepEqual([missing.code, missing.out], [1, '1 file announced\n'])
    assert.equal(
      missing.err,
      ['nothere', 'a/below']
        .map((name) => `grimsel: ${join(buffer, name)}: there is no such file; it was not announced\n`)
        .join(''),
    )
    const more = await fed(`${buffer}/./c\n\n${buffer}/d`, 'add', '-')
    assert.deepEqual([more.code, more.out, more.err], [0, '2 files announced\n', ''])
    const odd = await fed(Buffer.concat([raw, Buffer.from(`\0${buffer}/größe\0`)]), 'add', '-0', '-')
    assert.deepEqual([odd.code, odd.out], [0, '2 files announced\n'])
    appendFileSync(pipe, `relative\n/etc/passwd\n${buffer}/../x\n${buffer}/e\n`)

    await until(() => names.every((name) => existsSync(join(disk, name)) && existsSync(join(other, name))))
    await until(() => existsSync(Buffer.from(`${other}/\xff`, 'latin1')))
    let counts = (await status()).pipe
    // They are counted a moment after they were journaled.
    while (counts.announced === 0) counts = (await status()).pipe
    assert.deepEqual([counts.announced, counts.refused, counts.bad['relative']], [1, 2, 1])
    assert.match((await grimsel('status')).out, /^file pipe: 2 paths were refused\nfile pipe: bad lines: 1 relative$/m)
    const events = lines().filter(({ event }) => event === 'refused' || event === 'bad-lines')
    assert.deepEqual(
      events.map(({ event, count }) => [event, count]),
      [
        ['bad-lines', 1],
        ['refused', 2],
      ],
    )
  },
)

test('a restart keeps the shift and what is pending, and writers of the pipe wait for it', options, async (t) => {
  const { grimsel, status, buffer, disk, pipe, pid } = await daemonWorld(t)
  assert.equal((await grimsel('start')).code, 0)
  const nobody = await grimsel('shift', '-u', '::')
  assert.equal(nobody.code, 2)
  assert.match(nobody.err, /names nobody/)
  assert.equal((await grimsel('shift', '-u', '500:501:../up')).code, 2)
  const shift = await grimsel('shift', '-u', '1234:567:visit/2')
  assert.equal(shift.code, 0)
  assert.match(shift.out, /^shift \d+ has begun\n$/)
  const shifts = async () =>
    (await status()).grimsel.shifts.map(({ uid, gid, userDirectory }) => [uid, gid, userDirectory])
  assert.deepEqual((await shifts())[0], [1234, 567, 'visit/2'])
  for (const [user, expected] of [
    [':568', [1234, 568, 'visit/2']],
    ['1235', [1235, 568, undefined]],
    ['::Hello', [1235, 568, 'Hello']],
    ['500::$UID', [500, 568, '500']],
    ['::.', [500, 568, undefined]],
    ['1234:567', [1234, 567, undefined]],
  ] as const) {
    assert.equal((await grimsel('shift', '-u', user)).code, 0, user)
    assert.deepEqual((await shifts())[0], expected, user)
  }
  assert.match((await grimsel('status')).out, /^and 3 earlier shifts: --json shows all$/m)
  const [running] = (await status()).grimsel.shifts

  assert.equal((await grimsel('pause', 'disk')).code, 0)
  writeFileSync(join(buffer, 'waits'), 'x')
  assert.equal((await grimsel('add', join(buffer, 'waits'))).code, 0)
  const before = pid()
  const restarted = grimsel('restart')
  await until(() => pid() === undefined)
  writeFileSync(join(buffer, 'meanwhile'), 'y')
  // In a process of its own: it waits until the pipe is read again.
  const writer = spawn('sh', ['-c', 'echo "$1" > "$2"', 'sh', join(buffer, 'meanwhile'), pipe], { stdio: 'inherit' })
  t.after(() => writer.kill('SIGKILL'))
  assert.equal((await restarted).code, 0)
  assert.notEqual(pid(), before)
  await until(() => existsSync(join(disk, 'waits')) && existsSync(join(disk, 'meanwhile')))
  const [kept] = (await status()).grimsel.shifts
  assert.deepEqual([kept?.number, kept?.uid], [running?.number, 1234])
})

test('failures are listed, retried and dismissed', options, async (t) => {
  const { grimsel, buffer, disk, lines, status } = await daemonWorld(t)
  assert.equal((await grimsel('start')).code, 0)
  const path = join(buffer, 'directory')
  mkdirSync(path)
  assert.equal((await grimsel('add', path)).code, 0)
  const failed = (): number => lines().filter(({ event }) => event === 'failed').length
  await until(() => failed() === 2)
  const listed = await grimsel('failures', '-s', 'disk')
  assert.match(listed.out, /^disk: .*directory: ERR_SUSTEN_NOT_REGULAR: .* \(1 attempt\)\n$/)
  const [item] = (await grimsel('failures', '--json', '-s', 'über:2')).out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual([item.path, item.error.code], [path, 'ERR_SUSTEN_NOT_REGULAR'])
  assert.equal((await grimsel('failures', '-s', 'none')).code, 1)
  rmdirSync(path)
  writeFileSync(path, 'a file now')
  assert.equal((await grimsel('retry', '-s', 'disk')).out, '1 retried\n')
  await until(() => existsSync(join(disk, 'directory')))
  assert.equal((await grimsel('dismiss')).out, '1 dismissed\n')
  const { storages } = (await status()).grimsel
  assert.deepEqual(
    storages.map(({ copied }) => copied),
    [1, 0],
  )
})

test('the control socket refuses what it does not know, and lets a status be watched', options, async (t) => {
  const { grimsel, begin, config, socket, pid } = await daemonWorld(t)
  assert.equal((await grimsel('start')).code, 0)
  const wrong: readonly [string, unknown][] = [
    ['nothing', {}],
    ['status', { what: 1 }],
    ['add', {}],
    ['add', { paths: [1] }],
    ['add', { paths: [''], path: '' }],
    ['shift', { uid: '1', gid: 1 }],
    ['shift', {}],
    ['shift', { uid: 1, name: 'x' }],
    ['shift', { uid: 1, gid: 1, userDirectory: 7 }],
    ['shift', { uid: 1, gid: 1, userDirectory: 'a\nb' }],
    ['shift', { uid: 1, gid: 1, userDirectory: '../up' }],
    ['watch', { interval: 1 }],
    ['failures', { storage: 'none' }],
    ['retry', { storage: 7 }],
    ['pause', { storage: 'none' }],
    ['accept', {}],
    ['stop', { now: 'yes' }],
  ]
  for (const [method, params] of wrong) {
    const asked = method === 'watch' || method === 'failures' ? first(watchControl(socket, method, params)) : undefined
    const told = { code: 'ERR_SUSTEN_OPTION' }
    await assert.rejects(asked ?? callControl(socket, method, params), told, `${method} ${JSON.stringify(params)}`)
  }
  const phases: unknown[] = []
  for await (const status of watchControl(socket, 'watch', { interval: 100 })) {
    phases.push((status as Status).phase)
    if (phases.length === 3) break
  }
  assert.deepEqual(phases, ['running', 'running', 'running'])
  const watcher = begin(['status', '--config', config, '--watch', '--json'])
  const output = once(watcher, 'close')
  const [line] = (await once(watcher.stdout?.setEncoding('utf8') ?? watcher, 'data')) as [string]
  assert.equal((JSON.parse(line) as Status).phase, 'running')
  const running = pid()
  assert.deepEqual(await callControl(socket, 'stop', { now: true }), { pid: running })
  // The stream ends with the daemon.
  assert.deepEqual(await output, [0, null])
})

async function first(values: AsyncIterable<unknown>): Promise<unknown> {
  for await (const value of values) return value
  return undefined
}
