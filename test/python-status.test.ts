import assert from 'node:assert/strict'
import { openMessagePort, openStatusPort, type StatusEntry } from '#lib/grimsel/ports/index.js'
import { besideExamples, oddServer, runPython, startPython, testPython } from './support/python.js'

const entry = (shift: number, storage: string): StatusEntry => ({
  usertime: Date.parse('2026-11-21T06:30:00Z') - shift * 28_800_000,
  uid: 1000 + shift,
  gid: 100,
  storage,
  pending: shift,
  copied: 20 + shift,
  failed: 0,
})

/** So many shifts, with one storage. */
const shifts = (count: number): StatusEntry[][] => Array.from({ length: count }, (_, at) => [entry(at, 'internal')])

/** What programs in the style of the manual do with the status, once the module is imported. */
const printRows = `
client = DQueryStatusClient.DQueryStatusClient("127.0.0.1", sys.argv[1])
names = ["usertime", "uid", "gid", "storage", "pending", "copied", "failed"]
rows = [names] + list(map(lambda entry: list(map(str, [entry[name] for name in names])), client.queryStatus(5)))
for row in rows:
    print(" | ".join(row))
`

testPython(
  'a program that imports from the package prints the status, as does one beside the examples',
  async (t, python) => {
    await using port = await openStatusPort({
      port: 0,
      // Five are asked for.
      query: () => [[entry(0, 'internal'), entry(0, 'gpfs')], [entry(1, 'größe')], [], [], [], [entry(5, 'internal')]],
    })
    const program = `import sys\nfrom dectris.grimsel import DQueryStatusClient\n${printRows}`
    const packaged = await runPython(t, python, program, [port.port])
    assert.equal(packaged.stderr, '')
    const lines = packaged.stdout.trimEnd().split('\n')
    assert.equal(lines[0], 'usertime | uid | gid | storage | pending | copied | failed')
    assert.match(lines[1] ?? '', /^2026-11-2\dT\d\d:\d\d:00[+-]\d\d:\d\d \| 1000 \| 100 \| internal \| 0 \| 20 \| 0$/)
    assert.match(lines[2] ?? '', / \| 1000 \| 100 \| gpfs \| 0 \| 20 \| 0$/)
    assert.match(lines[3] ?? '', / \| 1001 \| 100 \| größe \| 1 \| 21 \| 0$/)
    assert.equal(lines.length, 4)

    const beside = `import sys\nsys.path.append(sys.path[0] + "/../")\nimport DQueryStatusClient\n${printRows}`
    const file = await besideExamples(t, beside)
    const alone = await startPython(t, python, [file, String(port.port)], { path: '' }).ended
    assert.equal(alone.stderr, '')
    assert.equal(alone.stdout, packaged.stdout)
  },
)

testPython('a client knows its host and port, and takes numbers and strings', async (t, python) => {
  await using port = await openStatusPort({ port: 0, query: () => shifts(9) })
  const program = `
import json, sys
from dectris.grimsel import DQueryStatusClient
port = int(sys.argv[1])
client = DQueryStatusClient.DQueryStatusClient()
found = [client.host(), client.port()]
client.setHost("localhost"); client.setPort(port)
found += [client.host(), client.port() == port, client.queryStatus(7)[6:]]
client = DQueryStatusClient.DQueryStatusClient(host="::1", port=str(port))
found += [client.host(), client.port() == str(port), len(client.queryStatus()), len(client.queryStatus(nusers=2))]

class Bare(DQueryStatusClient.DQueryStatusClient):
    def __init__(self):
        pass

bare = Bare(); bare.setPort(port)
found += [bare.host(), len(bare.queryStatus())]
for wrong in ("", "ssh", 0, 65536, -1, 1.0e9, [], "47199x"):
    try:
        client.setPort(wrong)
        found.append(wrong)
    except ValueError:
        pass
for wrong in (-2, "many"):
    try:
        client.queryStatus(wrong)
        found.append(wrong)
    except ValueError:
        pass
print(json.dumps(found))
`
  const { stdout, stderr } = await runPython(t, python, program, [port.port])
  assert.equal(stderr, '')
  const usertime = expectString(JSON.parse(stdout)[4][0].usertime)
  assert.equal(Date.parse(usertime), entry(6, '').usertime)
  assert.deepEqual(JSON.parse(stdout), [
    ...[null, null],
    ...['localhost', true, [{ usertime, uid: 1006, gid: 100, storage: 'internal', pending: 6, copied: 26, failed: 0 }]],
    ...['::1', true, 9, 2],
    ...[null, 9],
  ])
})

function expectString(value: unknown): string {
  assert.equal(typeof value, 'string')
  return String(value)
}

testPython('a status of many shifts comes whole', async (t, python) => {
  const many = shifts(40_000)
  await using port = await openStatusPort({ port: 0, query: () => many })
  const program = `
import sys
from dectris.grimsel import DQueryStatusClient
entries = DQueryStatusClient.DQueryStatusClient("127.0.0.1", sys.argv[1]).queryStatus()
print("%d %d" % (len(entries), sum(entry["copied"] for entry in entries)))
`
  const { stdout, stderr } = await runPython(t, python, program, [port.port])
  assert.equal(stderr, '')
  assert.equal(stdout.trim(), `40000 ${many.flat().reduce((sum, { copied }) => sum + copied, 0)}`)
})

testPython('fifty clients at once get each its own answer', async (t, python) => {
  await using port = await openStatusPort({ port: 0, query: () => shifts(50) })
  const program = `
import sys, threading
from dectris.grimsel import DQueryStatusClient
right = []
def ask(number):
    client = DQueryStatusClient.DQueryStatusClient("127.0.0.1", sys.argv[1])
    for _ in range(10):
        if len(client.queryStatus(number)) == number:
            right.append(number)
threads = [threading.Thread(target=ask, args=(number,)) for number in range(50)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(len(right))
`
  const { stdout, stderr } = await runPython(t, python, program, [port.port])
  assert.equal(stderr, '')
  assert.equal(stdout.trim(), '500')
})

testPython('whatever is wrong at the port is an exception that is a DSocketNoConnect', async (t, python) => {
  const hello = '{"protocol":"grimsel-status","version":1}\n'
  const says = (text: string | Buffer) => (socket: { end(text: string | Buffer): void }) => socket.end(text)
  const answers =
    (text: string) =>
    (socket: { write(text: string): void; once(event: 'data', f: () => void): void; end(text: string): void }) => {
      socket.write(hello)
      socket.once('data', () => socket.end(text))
    }
  await using messages = await openMessagePort({ port: 0 })
  await using failing = await openStatusPort({
    port: 0,
    query: () => {
      throw new Error('no figures')
    },
  })
  const closed = await openStatusPort({ port: 0, query: () => [] })
  await closed.close()
  const cases: readonly [number, string, RegExp][] = [
    [closed.port, 'DSocketNoConnect', /no connection to Grimsel at 127\.0\.0\.1 port \d+/],
    [await oddServer(t, (socket) => socket.destroy()), 'DSocketNoConnect', /./],
    [await oddServer(t, says('{"protocol":"grimsel-st')), 'DSocketNoConnect', /in the middle of a line/],
    [await oddServer(t, () => {}), 'DSocketNoAnswer', /no answer/],
    [await oddServer(t, (socket) => socket.write(hello)), 'DSocketNoAnswer', /no answer/],
    [await oddServer(t, says('SSH-2.0-OpenSSH_9.2\r\n')), 'DSocketProtocolError', /isn't Grimsel/],
    [await oddServer(t, says(Buffer.from([255, 0, 10]))), 'DSocketProtocolError', /isn't Grimsel/],
    [await oddServer(t, says('[]\n')), 'DSocketProtocolError', /isn't Grimsel/],
    [await oddServer(t, says(`${'['.repeat(500_000)}\n`)), 'DSocketProtocolError', /isn't Grimsel/],
    [await oddServer(t, says('x'.repeat(3_000_000))), 'DSocketProtocolError', /1048576/],
    [await oddServer(t, says(hello.replace('1', '2'))), 'DSocketProtocolError', /version 2/],
    [messages.port, 'DSocketProtocolError', /grimsel-messages/],
    [await oddServer(t, answers('')), 'DSocketNoConnect', /closed the connection/],
    [await oddServer(t, answers('{"type":"entry"}\n')), 'DSocketProtocolError', /has no 'usertime'/],
    [await oddServer(t, answers('{"type":"end","entr')), 'DSocketNoConnect', /in the middle of a line/],
    [await oddServer(t, answers('garbage\n')), 'DSocketNoConnect', /garbled/],
    [failing.port, 'DSocketNoConnect', /FAILED/],
  ]
  const program = `
import sys
from dectris.grimsel import DClientSocket, DQueryStatusClient
for argument in sys.argv[1:]:
    port, timeout = argument.split(",")
    client = DQueryStatusClient.DQueryStatusClient("127.0.0.1", port)
    client.answerTimeout = float(timeout)
    try:
        print(client.queryStatus())
    except DClientSocket.DSocketNoConnect as error:
        print("%s: %s" % (type(error).__name__, error))
`
  const { stdout, stderr } = await runPython(
    t,
    python,
    program,
    cases.map(([port, name]) => `${port},${name === 'DSocketNoAnswer' ? 0.5 : 60}`),
  )
  assert.equal(stderr, '')
  const lines = stdout.trimEnd().split('\n')
  assert.equal(lines.length, cases.length, stdout)
  for (const [at, [, name, message]] of cases.entries()) {
    assert.equal(lines[at]?.split(': ')[0], name, lines[at])
    assert.match(lines[at] ?? '', message)
  }
})

testPython('a name that cannot be one, and a connection with itself, are no connection', async (t, python) => {
  const program = `
import socket
from dectris.grimsel import DClientSocket, DQueryStatusClient
def ask(host):
    try:
        print(DQueryStatusClient.DQueryStatusClient(host).queryStatus())
    except DClientSocket.DSocketNoConnect as error:
        print(type(error).__name__)
ask("x" * 100)
both = socket.socket()
both.bind(("127.0.0.1", 0))
both.connect(both.getsockname())
socket.create_connection = lambda *_: both
ask("127.0.0.1")
`
  const { stdout, stderr } = await runPython(t, python, program)
  assert.equal(stderr, '')
  assert.equal(stdout, 'DSocketNoConnect\nDSocketNoConnect\n')
})
