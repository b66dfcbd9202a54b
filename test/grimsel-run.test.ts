import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { daemonWorld, whyNoDaemon } from './support/grimsel-daemon.js'
import { until } from './support/pipe-world.js'
import { rawClient } from './support/ports.js'
import { runPython, startProgram, testPython } from './support/python.js'
import { supervisor } from './support/supervisor.js'

const options = { skip: whyNoDaemon() ?? false }

async function endOf(child: ChildProcess): Promise<number | null> {
  const [code] = (await once(child, 'close')) as [number | null]
  return code
}

for (const kind of ['a path', 'an abstract name'] as const) {
  test(`a supervisor at ${kind} is told what becomes of the daemon`, options, async (t) => {
    const { root, config, begin } = await daemonWorld(t)
    const address = kind === 'a path' ? join(root, 'notify') : `@susten-test-${process.pid}`
    const told = await supervisor(t, address)
    const child = begin(['run', '--config', config], { NOTIFY_SOCKET: address, WATCHDOG_USEC: '100000' })
    await until(() => told().includes('READY=1') && /STATUS=0 copies to make/.test(told()))
    await until(() => told().split('WATCHDOG=1').length > 4)
    child.kill('SIGTERM')
    assert.equal(await endOf(child), 0)
    await until(() => told().includes('STOPPING=1'))
  })
}

test('SIGTERM copies what moves; SIGHUP opens the log anew', options, async (t) => {
  const { root, config, begin, grimsel, fed, buffer, disk, other, log, lines } = await daemonWorld(t)
  const child = begin(['run', '--config', config])
  await until(() => existsSync(log) && readFileSync(log, 'utf8').includes('"event":"ready"'))
  renameSync(log, `${log}.moved`)
  child.kill('SIGHUP')
  await until(() => existsSync(log) && readFileSync(log, 'utf8').includes('"event":"reopen"'))
  const names = Array.from({ length: 300 }, (_, index) => join(buffer, `file-${index}`))
  for (const name of names) writeFileSync(name, Buffer.alloc(100_000, 1))
  assert.equal((await fed(names.join('\n'), 'add', '-')).code, 0)
  child.kill('SIGTERM')
  assert.equal(await endOf(child), 0)
  for (const target of [disk, other]) {
    for (const name of names) assert.ok(existsSync(name.replace(buffer, target)), `${name} in ${target}`)
  }
  assert.equal(lines().at(-1)?.['event'], 'end')
  const before = readFileSync(`${log}.moved`, 'utf8').split('\n')
  const ready = JSON.parse(before.find((line) => line.includes('"event":"ready"')) ?? '{}')
  assert.equal(ready.journal, join(root, 'journal'))
  assert.equal((await grimsel('status')).code, 3)
})

test('a second signal ends it at once, and the next start goes on', options, async (t) => {
  const { config, begin, fed, buffer, disk, other, log } = await daemonWorld(t)
  const runs = (): number => (existsSync(log) ? readFileSync(log, 'utf8').split('"event":"ready"').length - 1 : 0)
  const first = begin(['run', '--config', config])
  await until(() => runs() === 1)
  const names = Array.from({ length: 500 }, (_, index) => `file-${index}`)
  for (const name of names) writeFileSync(join(buffer, name), Buffer.alloc(50_000, 2))
  assert.equal((await fed(names.map((name) => join(buffer, name)).join('\0'), 'add', '-0', '-')).code, 0)
  first.kill('SIGINT')
  first.kill('SIGTERM')
  assert.equal(await endOf(first), 0)
  const second = begin(['run', '--config', config])
  await until(() => runs() === 2)
  await until(() => names.every((name) => existsSync(join(disk, name)) && existsSync(join(other, name))))
  second.kill('SIGTERM')
  assert.equal(await endOf(second), 0)
})

testPython('the Python clients ask the running daemon, and are told its messages', async (t, python) => {
  if (whyNoDaemon() !== undefined) return t.skip(whyNoDaemon())
  const { grimsel, buffer, statusPort, messagePort, disk } = await daemonWorld(t, 'fillstate_limit 10%')
  assert.equal((await grimsel('start')).code, 0)
  assert.equal((await grimsel('shift', '-u', '1001:500')).code, 0)
  writeFileSync(join(buffer, 'file'), 'x')
  assert.equal((await grimsel('add', join(buffer, 'file'))).code, 0)
  await until(() => existsSync(join(disk, 'file')))
  // As the manual's program does it: a table of strings.
  const table = `
import sys
from dectris.grimsel import DQueryStatusClient
client = DQueryStatusClient.DQueryStatusClient("127.0.0.1", sys.argv[1])
keys = ["usertime", "uid", "gid", "storage", "pending", "copied", "failed"]
for entry in client.queryStatus(1):
    print(" | ".join(map(str, [entry[key] for key in keys])))
`
  const asked = await runPython(t, python, table, [statusPort])
  assert.equal(asked.stderr, '')
  assert.match(asked.stdout, /^[\dT:+-]+ \| 1001 \| 500 \| disk \| 0 \| 1 \| 0\n.* \| über:2 \| \d \| \d \| 0\n$/)
  const client = `
import sys
from dectris.grimsel import DAbstractMessageClient
class MessageClient(DAbstractMessageClient.DAbstractMessageClient):
    def __init__(self):
        super(DAbstractMessageClient.DAbstractMessageClient, self).__init__()
        self.setHost("localhost")
        self.setPort(int(sys.argv[1]))
        self.setTimeout(10)
    def processMessage(self, errcode, shortMessage, longMessage):
        names = {DAbstractMessageClient.COPY_ERROR: "copy", DAbstractMessageClient.FILLSTATE_LIMIT: "filled"}
        print(names[errcode] + " " + " to ".join(shortMessage.split(":")))
        print(longMessage)
MessageClient().connect()
`
  const running = startProgram(t, python, client, [messagePort])
  const raw = await rawClient(t, messagePort)
  raw.socket.write('{"subscribe":"all"}\n')
  await raw.upTo('subscribed')
  await until(() => clientsOf(messagePort) === 2)
  mkdirSync(join(buffer, 'di:rectory'))
  assert.equal((await grimsel('add', join(buffer, 'di:rectory'))).code, 0)
  await running.printed('/di\\x3arectory\nFailed to copy ')
  const [message] = await raw.upTo('message')
  assert.deepEqual([message?.['name'], message?.['count']], ['COPY_ERROR', 1])
  assert.match(String(message?.['shortmessage']), /^\/\S+\/buffer\/di\\x3arectory:\/\S+\/(disk|other)\/di\\x3arectory$/)
  // Files that nobody has announced count as well.
  writeFileSync(join(buffer, 'large'), Buffer.alloc(16 << 20))
  await running.printed(`filled ${dirname(buffer)}\n`)
})

/** Connections to a port of this computer, by the kernel's list. */
function clientsOf(port: number): number {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')} `
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n')
  return lines.filter((line) => /^ *\d+: \S+/.exec(line)?.[0].concat(' ').endsWith(local) && / 01 /.test(line)).length
}
