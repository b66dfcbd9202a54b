import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { spawnSync } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { furkaWorld, worldWithGrimsel } from './support/furka-daemon.js'
import { whyNoDaemon } from './support/grimsel-daemon.js'
import { openRoot, until } from './support/pipe-world.js'
import { supervisor } from './support/supervisor.js'

const options = { skip: whyNoDaemon() ?? false }

test('Furka starts without Grimsel, which hears of everything when it comes, and of each user', options, async (t) => {
  const { furka: world, grimsel: other } = await worldWithGrimsel(t)
  const { furka, dcu, target, until: figuresAre, lines } = world
  assert.equal((await furka('start', '-u', '700:701:first')).code, 0)
  await dcu.add('one', Buffer.from('1'))
  await figuresAre(({ sources }) => sources[0]?.unannounced === 1, 'one received')
  assert.equal((await furka('user', '-u', '800:801:second')).code, 0)
  await dcu.add('two', Buffer.from('2'))
  await until(() => existsSync(join(target, 'second/two')))
  const waiting = await figuresAre(({ sources }) => sources[0]?.unannounced === 2, 'two received')
  assert.deepEqual([waiting.user.told, waiting.grimsel.available, waiting.confirm], [false, false, 'internal'])
  assert.match((await furka('status')).out, /; Grimsel doesn't know yet\nGrimsel: .* not there: .*nobody listens/)
  assert.ok(lines().some(({ code }) => code === 'GRIMSEL_UNAVAILABLE'))
  assert.ok(dcu.truth.deletes.length === 0, 'nothing is safe')

  assert.equal((await other.grimsel('start')).code, 0)
  await until(() => existsSync(join(other.disk, 'first/one')) && existsSync(join(other.disk, 'second/two')))
  await figuresAre(({ sources, user }) => sources[0]?.removed === 2 && user.told, 'all removed')
  assert.deepEqual(
    ['first/one', 'second/two'].map((name) => statSync(join(other.disk, name)).uid),
    [700, 800],
  )
  const { shifts } = (await other.status()).grimsel
  assert.deepEqual(
    shifts.slice(0, 2).map(({ uid, gid }) => [uid, gid]),
    [
      [800, 801],
      [700, 701],
    ],
  )
  assert.match((await furka('status')).out, /^Grimsel: by its control socket \S+, there$/m)
})

test('Furka goes on while Grimsel is restarted', options, async (t) => {
  const { furka: world, grimsel: other } = await worldWithGrimsel(t)
  const { furka, dcu, target, until: figuresAre, pid } = world
  assert.equal((await other.grimsel('start')).code, 0)
  assert.equal((await furka('start')).code, 0)
  const running = pid()
  await dcu.add('before', Buffer.from('1'))
  await until(() => existsSync(join(other.disk, 'before')))
  assert.equal((await other.grimsel('stop')).code, 0)
  await dcu.add('meanwhile', Buffer.from('2'))
  await until(() => existsSync(join(target, 'meanwhile')))
  assert.equal((await other.grimsel('start')).code, 0)
  await until(() => existsSync(join(other.disk, 'meanwhile')))
  await dcu.add('after', Buffer.from('3'))
  await figuresAre(({ sources }) => sources[0]?.removed === 3, 'three removed')
  assert.equal(readFileSync(join(other.disk, 'after'), 'utf8'), '3')
  assert.equal(pid(), running)
  assert.equal((await furka('stop')).code, 0)
})

test('two Furkas hand over to one Grimsel, whose shift is that of the user told last', options, async (t) => {
  const { furka: one, grimsel: other } = await worldWithGrimsel(t)
  const two = await furkaWorld(t, {
    more: {
      TARGET_DIR: `${one.target}/./two`,
      REQUIRED_MOUNT: dirname(one.target),
      GRIMSEL: 'CONTROL',
      GRIMSEL_SOCKET: other.socket,
    },
  })
  const running = async (): Promise<number | undefined> => (await other.status()).grimsel.shifts[0]?.uid
  assert.equal((await other.grimsel('start')).code, 0)
  assert.equal((await one.furka('start', '-u', '700:701:first')).code, 0)
  await one.until(({ user }) => user.told, 'Grimsel knows the first user')
  await one.dcu.add('a', Buffer.from('a'))
  await one.until(({ sources }) => sources[0]?.removed === 1, 'removed')
  assert.ok(existsSync(join(one.target, 'first/a')))
  assert.equal(await running(), 700)

  assert.equal((await two.furka('start', '-u', '800:801:second')).code, 0)
  await two.until(({ user }) => user.told, 'Grimsel knows the second user')
  assert.equal(await running(), 800)
  await until(() => !existsSync(join(one.target, 'first/a')))
  for (const world of [one, two]) await world.dcu.add('b', Buffer.from('b'))
  await one.until(({ sources }) => sources[0]?.removed === 2, 'removed by the first')
  await two.until(({ sources }) => sources[0]?.removed === 1, 'removed by the second')
  assert.deepEqual(
    ['first/a', 'first/b', 'two/second/b'].map((name) => statSync(join(other.disk, name)).uid),
    [700, 700, 800],
  )
  assert.equal(await running(), 800)
})

test('a supervisor is told what becomes of Furka', options, async (t) => {
  const { furka: world } = await worldWithGrimsel(t)
  const address = join(world.root, 'notify')
  const told = await supervisor(t, address)
  const child = world.begin(['run', '--config', world.config], { NOTIFY_SOCKET: address, WATCHDOG_USEC: '100000' })
  await until(() => told().includes('READY=1') && /STATUS=0 files to receive;.*Grimsel isn't there/.test(told()))
  await until(() => told().split('WATCHDOG=1').length > 4)
  const restart = await world.furka('restart')
  assert.equal(restart.code, 1)
  assert.match(restart.err, /systemctl restart furka/)
  child.kill('SIGTERM')
  await until(() => child.exitCode === 0)
  await until(() => told().includes('STOPPING=1'))
})

const unitOf = (name: string): string =>
  readFileSync(new URL(`../../packaging/systemd/${name}.service`, import.meta.url), 'utf8')

/** The value of a unit's key; empty if it isn't there. */
const valueIn = (unit: string, key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(unit)?.[1] ?? ''

test('what its unit leaves of root is enough for Furka', options, async (t) => {
  const { furka: world, grimsel: other } = await worldWithGrimsel(t)
  const { dcu, target, until: figuresAre, begin, config, log } = world
  assert.equal((await other.grimsel('start')).code, 0)
  // A user's directory, which only some of root's privileges write to.
  mkdirSync(join(target, 'visit'), { mode: 0o700 })
  chownSync(join(target, 'visit'), 700, 701)
  const left = valueIn(unitOf('furka'), 'CapabilityBoundingSet').toLowerCase().replaceAll('cap_', '').split(' ')
  const bounds = `--bounding-set=-all,${left.map((name) => `+${name}`).join(',')}`
  const by = ['setpriv', '--no-new-privs', '--inh-caps=-all', bounds]
  const child = begin(['run', '--config', config, '-u', '700:701:visit'], {}, by)
  await until(() => existsSync(log) && readFileSync(log, 'utf8').includes('"event":"ready"'))
  assert.match(readFileSync(`/proc/${world.pid()}/status`, 'utf8'), /^CapEff:\t00000000[0-9a-f]{8}\n/m)
  await dcu.add('one', Buffer.from('1'))
  await figuresAre(({ sources }) => sources[0]?.removed === 1, 'one removed')
  const { uid, gid } = statSync(join(target, 'visit/one'))
  assert.deepEqual([uid, gid], [700, 701])
  child.kill('SIGTERM')
  await until(() => child.exitCode === 0)
})

const analyze = { skip: spawnSync('systemd-analyze', ['--version']).status === 0 ? false : 'needs systemd-analyze' }

test('systemd takes the two units as they are', analyze, async (t) => {
  const root = await openRoot(t)
  const files = ['furka', 'grimsel'].map((name) => {
    const file = join(root, `${name}.service`)
    // The program's place is the machine's own affair.
    writeFileSync(file, unitOf(name).replace(`/usr/bin/${name}`, '/bin/true'))
    return file
  })
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...files], { encoding: 'utf8' })
  // Known since version 254.
  const isNew = /Unknown key (name )?'FileDescriptorStorePreserve' in section/
  const notes = stderr.split('\n').filter((line) => /furka|grimsel/.test(line) && !isNew.test(line))
  assert.deepEqual([status, notes], [0, []])
  // Of 100, as systemd counts what a service might still do.
  for (const file of files) {
    const { status, stdout } = spawnSync('systemd-analyze', ['security', '--offline=yes', '--threshold=35', file], {
      encoding: 'utf8',
    })
    assert.equal(status, 0, stdout)
  }
})

test('Furka comes after Grimsel and goes before it, and neither ends with the other', () => {
  const unit = unitOf('furka')
  assert.match(valueIn(unit, 'After'), /grimsel\.service/)
  assert.match(valueIn(unit, 'Wants'), /grimsel\.service/)
  for (const key of ['Requires', 'BindsTo', 'PartOf', 'Requisite']) assert.equal(valueIn(unit, key), '')
})
