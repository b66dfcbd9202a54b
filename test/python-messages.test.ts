import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { connect, type Socket } from 'node:net'
import {
  type Message,
  type MessagePublisher,
  messageCodes,
  openMessagePort,
  openStatusPort,
} from '#lib/grimsel/ports/index.js'
import { besideExamples, oddServer, runPython, startProgram, startPython, testPython } from './support/python.js'

const message = (name: Message['name'], shortmessage: string | Uint8Array, longmessage = 'A sentence.'): Message => ({
  name,
  shortmessage,
  longmessage,
})

/** Resolves when a port has so many clients. */
async function clientsOf(port: MessagePublisher, count: number): Promise<void> {
  while (port.connections !== count) await new Promise((resolve) => setTimeout(resolve, 5))
}

/**
 * In the manual's style: `__init__` passes over that of the class it derives from, each code has a method of its own,
 * and there is no answer to a code that the manual doesn't know.
 */
const dispatcher = `
class MessageClient(DAbstractMessageClient.DAbstractMessageClient):
    def __init__(self):
        super(DAbstractMessageClient.DAbstractMessageClient, self).__init__()
        self.setHost("localhost")
        self.setPort(int(sys.argv[1]))
        self.setTimeout(10)

    def filled(self, short):
        print("filled " + short)
    def soon(self, short):
        print("soon " + short)
    def over(self, short):
        print("over " + short)
    def copy(self, short):
        print("copy " + " to ".join(short.split(":")))
    def link(self, short):
        print("link " + short)
    def delete(self, short):
        print("delete " + short)
        sys.exit(7)

    def processMessage(self, errcode, shortMessage, longMessage):
        print("Told: " + longMessage)
        methods = {
            DAbstractMessageClient.FILLSTATE_LIMIT: self.filled,
            DAbstractMessageClient.ALMOST_OVERFLOW: self.soon,
            DAbstractMessageClient.DISK_OVERFLOW: self.over,
            DAbstractMessageClient.COPY_ERROR: self.copy,
            DAbstractMessageClient.LINK_ERROR: self.link,
            DAbstractMessageClient.DEL_ERROR: self.delete,
        }
        methods[errcode](shortMessage)

client = MessageClient()
client.connect()
`

testPython(
  'a program that imports from the package reacts to messages, as does one beside the examples',
  async (t, python) => {
    await using port = await openMessagePort({ port: 0 })
    const packaged = startProgram(
      t,
      python,
      `import sys\nfrom dectris.grimsel import DAbstractMessageClient\n${dispatcher}`,
      [port.port],
    )
    const beside = `import sys\nsys.path.append(sys.path[0] + "/../")\nimport DAbstractMessageClient\n${dispatcher}`
    const file = await besideExamples(t, beside)
    const alone = startPython(t, python, [file, String(port.port)], { path: '' })
    await clientsOf(port, 2)
    // A client counts as soon as it is accepted; what it asks for may be on its way. It gets all that follows either way.
    port.publish(message('FILLSTATE_LIMIT', '/ramdisk'))
    port.publish(message('STORAGE_UNAVAILABLE', '/gpfs'))
    port.publish(message('ALMOST_OVERFLOW', '/ramdisk'))
    port.publish(message('COLLISION', '/data/a.cbf'))
    port.publish(message('DISK_OVERFLOW', '/ramdisk'))
    port.publish(message('COPY_ERROR', '/ramdisk/a:/data/a'))
    port.publish(message('LINK_ERROR', Buffer.from('/ramdisk/\xff\n\x1b', 'latin1')))
    port.publish(message('DEL_ERROR', '/ramdisk/größe'))
    for (const running of [packaged, alone]) {
      const { code, stdout, stderr } = await running.ended
      assert.equal(stderr, '')
      assert.equal(code, 7)
      const told = ['filled /ramdisk', 'soon /ramdisk', 'over /ramdisk', 'copy /ramdisk/a to /data/a']
      told.push('link /ramdisk/\\xff\\x0a\\x1b', 'delete /ramdisk/größe')
      assert.deepEqual(
        stdout.trimEnd().split('\n'),
        told.flatMap((line) => ['Told: A sentence.', line]),
      )
    }
  },
)

/** Prints each message as a line, and says when it can be told some. */
const printer = `
from __future__ import print_function
import sys
from dectris.grimsel import DAbstractMessageClient, DClientSocket

class Printer(DAbstractMessageClient.DAbstractMessageClient):
    def processMessage(self, errcode, shortmessage, longmessage):
        print("%d %s" % (errcode, shortmessage))
        if shortmessage == "end":
            sys.exit(0)
    def messagesLost(self, count):
        print("lost %d" % count)
    def connectionLost(self, error):
        print(type(error).__name__)
`

testPython('a client outlives restarts, and is told what was told while it was away', async (t, python) => {
  const first = await openMessagePort({ port: 0 })
  const program = `${printer}\nPrinter("127.0.0.1", sys.argv[1], "0.2").connect()`
  const running = startProgram(t, python, program, [first.port])
  await clientsOf(first, 1)
  first.publish(message('DISK_OVERFLOW', 'first'))
  await running.printed('3 first')
  await first.close()
  await running.printed('DSocketNoConnect')
  for (const round of ['second', 'third']) {
    await using again = await openMessagePort({ port: first.port })
    // Before the client can be back: nobody is connected.
    again.publish(message('ALMOST_OVERFLOW', `early in the ${round}`))
    await running.printed(`2 early in the ${round}`)
    again.publish(message('LINK_ERROR', `later in the ${round}`))
    await running.printed(`5 later in the ${round}`)
  }
  await using last = await openMessagePort({ port: first.port })
  last.publish(message('DEL_ERROR', 'end'))
  const { code, stdout, stderr } = await running.ended
  assert.equal(stderr, '')
  assert.equal(code, 0)
  assert.deepEqual(
    stdout.split('\n').filter((line) => /^\d/.test(line)),
    [
      '3 first',
      '2 early in the second',
      '5 later in the second',
      '2 early in the third',
      '5 later in the third',
      '6 end',
    ],
  )
})

testPython(
  'a client waits for a port that is not there yet, or that is broken, silent or half dead',
  async (t, python) => {
    await using port = await openMessagePort({ port: 0 })
    const greeting = JSON.stringify({ protocol: 'grimsel-messages', version: 1, session: 'a', seq: 0, heartbeat: 0.01 })
    const subscribed = '{"type":"subscribed","codes":[]}'
    const odd = await oddServer(
      t,
      (socket) => socket.destroy(),
      (socket) => socket.end(greeting.slice(0, 30)),
      () => {},
      (socket) => socket.write(`${greeting}\n`),
      (socket) => socket.end(`${greeting}\n${subscribed}\n{"type":"mess`),
      (socket) => socket.end(`${greeting}\n${subscribed}\n\xff\xfe\n`),
      (socket) => socket.end(`${greeting}\n{"type":"error","code":"BUSY","message":"too many"}\n`),
      // Switched off: neither messages nor signs of life.
      (socket) => socket.write(`${greeting}\n${subscribed}\n{"type":"from the future"}\n`),
      (socket) => {
        const through: Socket = connect(port.port, '127.0.0.1')
        t.after(() => through.destroy())
        socket.pipe(through).pipe(socket)
      },
    )
    const program = `${printer}\nclient = Printer("127.0.0.1", sys.argv[1], 0.01)\nclient.connectTimeout = 1\nclient.connect()`
    const running = startProgram(t, python, program, [odd])
    await clientsOf(port, 1)
    port.publish(message('DISK_OVERFLOW', 'end'))
    const { code, stdout, stderr } = await running.ended
    assert.equal(stderr, '')
    assert.equal(code, 0)
    const lines = stdout.trimEnd().split('\n')
    assert.equal(lines.at(-1), '3 end')
    const [broken, silent] = ['DSocketNoConnect', 'DSocketNoAnswer']
    for (const [at, expected] of [broken, broken, silent, silent, broken, broken, broken, silent].entries()) {
      // On a busy machine each of them may be late.
      assert.ok(lines[at] === expected || lines[at] === silent, `${at}: ${lines[at]}`)
    }
  },
)

testPython('without a timeout a connection that cannot be opened, or breaks, is an exception', async (t, python) => {
  const port = await openMessagePort({ port: 0 })
  await using status = await openStatusPort({ port: 0, query: () => [] })
  const ssh = await oddServer(t, (socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'))
  const program = `${printer}
def connect(port, timeout):
    try:
        Printer("127.0.0.1", port, timeout).connect()
    except DClientSocket.DSocketNoConnect as error:
        print("raised", type(error).__name__)

connect(sys.argv[1], 0)
connect(sys.argv[1], 0)
# What isn't Grimsel will not become it.
connect(sys.argv[2], 10)
connect(sys.argv[3], 10)
`
  const running = startProgram(t, python, program, [port.port, status.port, ssh])
  await clientsOf(port, 1)
  port.publish(message('DISK_OVERFLOW', '/ramdisk'))
  await running.printed('3 /ramdisk')
  await port.close()
  const { stdout, stderr } = await running.ended
  assert.equal(stderr, '')
  assert.deepEqual(stdout.trimEnd().split('\n'), [
    '3 /ramdisk',
    'raised DSocketNoConnect',
    'raised DSocketNoConnect',
    'raised DSocketProtocolError',
    'raised DSocketProtocolError',
  ])
})

testPython('a client that asks for further codes is told them, with all that is known of each', async (t, python) => {
  await using port = await openMessagePort({ port: 0 })
  const program = `${printer}
import json
class Details(Printer):
    def processDetails(self, message):
        message["shortbytes"] = list(bytearray(message["shortbytes"]))
        print(json.dumps(message, sort_keys=True))
        Printer.processDetails(self, message)

client = Details("127.0.0.1", sys.argv[1], 10)
client.setCodes([DAbstractMessageClient.COLLISION, DAbstractMessageClient.STORAGE_BACK])
client.connect()
`
  const running = startProgram(t, python, program, [port.port])
  await clientsOf(port, 1)
  port.publish(message('DISK_OVERFLOW', '/ramdisk'))
  const time = Date.parse('2026-11-21T06:30:00Z')
  const bytes = Buffer.from('/data/\xff:\n', 'latin1')
  port.publish({ ...message('COLLISION', bytes, 'Two contents.'), time, count: 3, storage: 'gpfs' })
  port.publish(message('STORAGE_UNAVAILABLE', '/gpfs'))
  port.publish(message('STORAGE_BACK', 'end'))
  const { code, stdout, stderr } = await running.ended
  assert.equal(stderr, '')
  assert.equal(code, 0)
  const lines = stdout.trimEnd().split('\n')
  const { time: told, ...first } = JSON.parse(lines[0] ?? '')
  assert.equal(Date.parse(told), time)
  assert.deepEqual(first, {
    errcode: messageCodes.COLLISION,
    name: 'COLLISION',
    shortmessage: '/data/\\xff:\\x0a',
    shortbytes: [...bytes],
    longmessage: 'Two contents.',
    count: 3,
    storage: 'gpfs',
  })
  assert.equal(lines[1], '103 /data/\\xff:\\x0a')
  const { time: _, ...second } = JSON.parse(lines[2] ?? '')
  assert.deepEqual(second, {
    errcode: messageCodes.STORAGE_BACK,
    name: 'STORAGE_BACK',
    shortmessage: 'end',
    shortbytes: [...Buffer.from('end')],
    longmessage: 'A sentence.',
    count: 1,
    storage: null,
  })
  assert.equal(lines[3], '102 end')
  assert.equal(lines.length, 4)
})

testPython('a file name that is not UTF-8 is printed where the terminal knows ASCII only', async (t, python) => {
  await using port = await openMessagePort({ port: 0 })
  const program = `${printer}\nPrinter("127.0.0.1", sys.argv[1], 10).connect()`
  const running = startProgram(t, python, program, [port.port], { env: { LC_ALL: 'C', PYTHONIOENCODING: 'ascii' } })
  await clientsOf(port, 1)
  port.publish(message('LINK_ERROR', Buffer.from('/ramdisk/\xff\x80\u0007', 'latin1')))
  port.publish(message('DEL_ERROR', 'end'))
  const { stdout, stderr } = await running.ended
  assert.equal(stderr, '')
  assert.equal(stdout, '5 /ramdisk/\\xff\\x80\\x07\n6 end\n')
})

testPython('a program that takes long over a message misses some, is told how many, and goes on', async (t, python) => {
  await using port = await openMessagePort({ port: 0, history: 100 })
  const program = `${printer}
class Slow(Printer):
    told = 0
    lost = 0
    def processMessage(self, errcode, shortmessage, longmessage):
        self.told += 1
        if self.told == 1:
            print("busy")
            sys.stdin.readline()
        if shortmessage == "end":
            print("%d %d" % (self.told, self.lost))
            sys.exit(0)
    def messagesLost(self, count):
        self.lost += count

Slow("127.0.0.1", sys.argv[1], 0).connect()
`
  const running = startProgram(t, python, program, [port.port])
  await clientsOf(port, 1)
  const long = 'x'.repeat(10_000)
  port.publish(message('DISK_OVERFLOW', '/ramdisk', long))
  await running.printed('busy')
  for (let count = 0; count < 3000; count++) {
    port.publish(message('DISK_OVERFLOW', '/ramdisk', long))
    await new Promise((resolve) => setImmediate(resolve))
  }
  port.publish(message('DISK_OVERFLOW', 'end', long))
  running.tell('go on')
  const { code, stdout, stderr } = await running.ended
  assert.equal(stderr, '')
  assert.equal(code, 0)
  const [told = 0, lost = 0] = (stdout.split('\n')[1] ?? '').split(' ').map(Number)
  assert.equal(told + lost, 3002)
  assert.ok(lost > 0 && told > 100, stdout)
})

testPython(
  'what processMessage raises comes out of connect, and connecting again goes on after that message',
  async (t, python) => {
    await using port = await openMessagePort({ port: 0 })
    const program = `${printer}
class Failing(Printer):
    def processMessage(self, errcode, shortmessage, longmessage):
        Printer.processMessage(self, errcode, shortmessage, longmessage)
        if shortmessage == "odd":
            raise DClientSocket.DSocketNoConnect("a program's own")

client = Failing("127.0.0.1", sys.argv[1], 10)
for _ in range(2):
    try:
        client.connect()
    except DClientSocket.DSocketNoConnect as error:
        print(error)
        sys.stdin.readline()
client.connect()
`
    const running = startProgram(t, python, program, [port.port])
    await clientsOf(port, 1)
    port.publish(message('DISK_OVERFLOW', 'odd'))
    await running.printed('own')
    await clientsOf(port, 0)
    port.publish(message('DISK_OVERFLOW', 'while it was away'))
    port.publish(message('DISK_OVERFLOW', 'odd'))
    port.publish(message('DISK_OVERFLOW', 'end'))
    running.tell('')
    running.tell('')
    const { code, stdout, stderr } = await running.ended
    assert.equal(stderr, '')
    assert.equal(code, 0)
    assert.deepEqual(stdout.trimEnd().split('\n'), [
      ...['3 odd', "a program's own"],
      ...['3 while it was away', '3 odd', "a program's own"],
      '3 end',
    ])
  },
)

testPython('fifty clients are told every message', async (t, python) => {
  await using port = await openMessagePort({ port: 0 })
  const program = `${printer}
import threading
class Counter(DAbstractMessageClient.DAbstractMessageClient):
    told = 0
    def processMessage(self, errcode, shortmessage, longmessage):
        self.told += 1
        if shortmessage == "end":
            raise KeyboardInterrupt()

def count(client):
    try:
        client.connect()
    except KeyboardInterrupt:
        pass

clients = [Counter("127.0.0.1", sys.argv[1], 10) for _ in range(50)]
threads = [threading.Thread(target=count, args=(client,)) for client in clients]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sorted(set(client.told for client in clients)))
`
  const running = startProgram(t, python, program, [port.port])
  await clientsOf(port, 50)
  for (let count = 0; count < 200; count++) port.publish(message('DISK_OVERFLOW', '/ramdisk'))
  port.publish(message('DISK_OVERFLOW', 'end'))
  const { stdout, stderr } = await running.ended
  assert.equal(stderr, '')
  assert.equal(stdout.trim(), '[201]')
})

testPython('a client knows its host, port, timeout and codes, and refuses wrong ones', async (t, python) => {
  const program = `
import json
from dectris.grimsel import DAbstractMessageClient
client = DAbstractMessageClient.DAbstractMessageClient()
found = [client.host(), client.port(), client.timeout(), list(client.codes()) == [1, 2, 3, 4, 5, 6]]
client = DAbstractMessageClient.DAbstractMessageClient("grimsel", "47198", timeout=5)
found += [client.host(), client.port(), client.timeout()]
client.setHost("::1"); client.setPort(1); client.setTimeout(0.5); client.setCodes([101])
found += [client.host(), client.port(), client.timeout(), list(client.codes())]
def refused(function, *values):
    for value in values:
        try:
            function(value)
            found.append(value)
        except ValueError:
            pass
refused(client.setPort, "", 0, 65536, "x")
refused(client.setTimeout, -1, "soon", None, float("nan"), float("inf"))
refused(client.setCodes, [7], [1, "COLLISION"])
try:
    client.processMessage(1, "", "")
except NotImplementedError:
    found.append("abstract")
print(json.dumps([found, DAbstractMessageClient.NAMES]))
`
  const { stdout, stderr } = await runPython(t, python, program)
  assert.equal(stderr, '')
  const [found, names] = JSON.parse(stdout)
  assert.deepEqual(found, [...[null, null, 0, true], ...['grimsel', '47198', 5], ...['::1', 1, 0.5, [101]], 'abstract'])
  assert.deepEqual(names, Object.fromEntries(Object.entries(messageCodes).map(([name, code]) => [code, name])))
})
