import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { furkaWorld } from './support/furka-daemon.js'
import { whyNoDaemon } from './support/grimsel-daemon.js'
import { openRoot, until } from './support/pipe-world.js'
import { rsyncWorld, whyNoRsync } from './support/rsync-world.js'

test('one Furka fetches from a filewriter, two rsync daemons and a directory, each to its own target', {
  skip: whyNoDaemon() ?? whyNoRsync ?? false,
}, async (t) => {
  const [one, two] = [await rsyncWorld(t), await rsyncWorld(t)]
  const incoming = join(await openRoot(t), 'incoming')
  mkdirSync(incoming)
  const {
    furka,
    dcu,
    target,
    until: figuresAre,
    lines,
  } = await furkaWorld(t, {
    lines: ({ port, ramdisk }) => `required_mount ${ramdisk}
uid 700
gid 701
detectorID 16M
protocol FILEWRITER
remoteIP 127.0.0.1
port ${port}
target ${ramdisk}/buffer/./16m
detectorID 1MF
remoteIP 127.0.0.1
port ${one.port}
minpause 1
interrun_pause 0
staging ${ramdisk}/staging
target ${ramdisk}/buffer/./1mf
detectorID 2M
remoteIP 127.0.0.1
port ${two.port}
source /run7
interrun_pause 0
staging ${ramdisk}/staging
target ${ramdisk}/buffer/./2m
detectorID nfs
protocol DIRECTORY
source ${incoming}
settle 50
scan_interval 100
target ${ramdisk}/buffer/./nfs
`,
  })
  chmodSync(dirname(target), 0o755)
  mkdirSync(join(two.served, 'run7/deep'), { recursive: true })
  const started = await furka('start')
  assert.deepEqual([started.code, started.err], [0, ''])
  assert.match((await furka('status')).out, /^16M .*\n1MF .*\n2M .*\nnfs .*\n/m)

  await dcu.acquire({ images: 1 })
  writeFileSync(join(one.served, 'a.cbf'), 'one')
  writeFileSync(join(two.served, 'run7/deep/b.cbf'), 'two')
  writeFileSync(join(two.served, 'elsewhere'), 'not asked for')
  writeFileSync(join(incoming, '.c.part'), 'three')
  renameSync(join(incoming, '.c.part'), join(incoming, 'c.cbf'))
  await figuresAre(({ sources }) => sources.every(({ removed }) => removed >= 1), 'each has removed one')

  const user = '700_701'
  for (const [path, content] of [
    [`1mf/${user}/a.cbf`, 'one'],
    [`2m/${user}/deep/b.cbf`, 'two'],
    [`nfs/${user}/c.cbf`, 'three'],
  ] as const) {
    const { uid, gid } = statSync(join(target, path))
    assert.deepEqual([readFileSync(join(target, path), 'utf8'), uid, gid], [content, 700, 701], path)
  }
  assert.deepEqual(readdirSync(join(target, '16m', user)).sort(), dcu.truth.completed.map(({ name }) => name).sort())
  assert.deepEqual(readdirSync(incoming), [])
  assert.ok(!existsSync(join(one.served, 'a.cbf')) && existsSync(join(two.served, 'elsewhere')))

  // Another user, and another place for one of them: what is there by then is the new one's.
  const restarted = await furka('restart', '-u', '800:801:.', '-d', `1MF::${target}/./moved`)
  assert.deepEqual([restarted.code, restarted.err], [0, ''])
  writeFileSync(join(one.served, 'd.cbf'), 'four')
  await until(() => existsSync(join(target, 'moved/d.cbf')))
  assert.equal(statSync(join(target, 'moved/d.cbf')).uid, 800)
  // A daemon that goes away is told, and waited for.
  await one.stop()
  await figuresAre(({ sources }) => sources[1]?.available === false, '1MF is down')
  assert.ok(lines().some(({ code, source }) => code === 'SOURCE_UNAVAILABLE' && source === '1MF'))
  await one.start()
  writeFileSync(join(one.served, 'e.cbf'), 'five')
  await until(() => existsSync(join(target, 'moved/e.cbf')))

  assert.equal((await furka('stop')).code, 0)
  assert.equal((await furka('status')).code, 3)
})
