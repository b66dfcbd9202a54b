/** The unit under a real systemd: the file pipe is held over crashes and restarts. */
import assert from 'node:assert/strict'
import { closeSync, constants, existsSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { daemonWorld, whyNoDaemon } from './support/grimsel-daemon.js'
import { until } from './support/pipe-world.js'
import { startSystemd, whyNoSystemd } from './support/systemd.js'

const home = dirname(createRequire(import.meta.url).resolve('susten/package.json'))
const options = { skip: whyNoDaemon() ?? whyNoSystemd() ?? false }

test('under systemd a writer comes to know of no crash and no restart, and no line is lost', options, async (t) => {
  const world = await daemonWorld(t)
  // Beside the world's own: the numbers of processes are others there, and mustn't be taken for ours.
  const config = join(world.root, 'systemd.conf')
  const text = readFileSync(world.config, 'utf8').replace(/^control_socket .*$/m, `control_socket ${world.root}/inner`)
  writeFileSync(config, text, { mode: 0o600 })
  const unit = readFileSync(join(home, 'packaging/systemd/grimsel.service'), 'utf8')
    .replace(/^ExecStart=.*$/m, `ExecStart=${process.execPath} ${home}/dist/cli/grimsel.js run --config ${config}`)
    .replace(/^\[Unit\]$/m, '[Unit]\nDefaultDependencies=no')
    .replace(/^After=.*$/m, '')
    .replace(/^RestartSec=.*$/m, 'RestartSec=0.1')
  const { ctl } = await startSystemd(t, world.root, { 'grimsel.service': unit })
  const runs = (): number =>
    existsSync(world.log) ? readFileSync(world.log, 'utf8').split('"event":"ready"').length - 1 : 0
  const held = async (): Promise<string> => ctl('show', '--property=NFileDescriptorStore', '--value', 'grimsel')

  await ctl('start', 'grimsel')
  const names: string[] = []
  const fd = openSync(world.pipe, constants.O_WRONLY | constants.O_NONBLOCK)
  let over = false
  async function write(): Promise<void> {
    while (!over) {
      const name = `file-${names.length}`
      writeFileSync(join(world.buffer, name), name)
      try {
        writeSync(fd, `${join(world.buffer, name)}\n`)
        names.push(name)
      } catch (error) {
        assert.match(String(error), /EAGAIN/)
      }
      await sleep(2)
    }
  }
  const writing = write()
  for (let round = 1; round <= 4; round++) {
    await sleep(200)
    if (round % 2 === 0) await ctl('restart', 'grimsel')
    else await ctl('kill', '--signal=KILL', 'grimsel')
    await until(() => runs() === round + 1)
    assert.equal(await held(), '1')
  }
  over = true
  await writing
  closeSync(fd)
  await until(() => names.every((name) => existsSync(join(world.disk, name))))
  t.diagnostic(`${names.length} files`)
  await ctl('stop', 'grimsel')
  // Kept over a stop since version 254.
  const version = Number(/systemd (\d+)/.exec(await ctl('--version'))?.[1])
  assert.equal(await held(), version >= 254 ? '1' : '0')
})
