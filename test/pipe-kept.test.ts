/** What was read is in the FIFO until it has been taken. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { native } from '#lib/native.js'
import { openPipe } from '#lib/source/index.js'
import { openRoot, pipeWorld, run, shell, slowTaker, until } from './support/pipe-world.js'

const echo = 'echo "$2" > "$1"'

/** Opens the FIFO in this process as well: neither way ever waits. */
function open(t: TestContext, path: string, flags: number): number {
  const fd = openSync(path, flags | constants.O_NONBLOCK)
  t.after(() => closeSync(fd))
  return fd
}

/** Somebody else who has it open for reading: what is in it stays, whatever becomes of the pipe. */
const hold = (t: TestContext, path: string): number => open(t, path, constants.O_RDONLY)

test('lines are in the FIFO until they have been taken, and no longer', async (t) => {
  const { taken, onPaths, release } = slowTaker()
  const { path } = await pipeWorld(t, { onPaths })
  const fd = hold(t, path)
  const text = '/one\nrelative\n/two\n/begun'
  await run('printf %s "$2" > "$1"; sleep 0.1', [path, text])
  await until(() => taken.length === 2)
  assert.equal(native.unreadBytes(fd), text.length)
  release()
  await until(() => native.unreadBytes(fd) === 0)
  assert.deepEqual(taken, ['/one', '/two'])
})

test('what could not be taken is there for the next one, in its order', async (t) => {
  const onPaths = (): never => {
    throw new Error('the journal is full')
  }
  const { path, pipe } = await pipeWorld(t, { onPaths })
  hold(t, path)
  const writer = open(t, path, constants.O_WRONLY)
  writeSync(writer, '/one\n/two\n/th')
  await assert.rejects(pipe.closed, /the journal is full/)
  writeSync(writer, 'ree\n')
  const paths: string[] = []
  const again = await openPipe({ path, onPaths: (more) => void paths.push(...more) })
  t.after(() => again.close())
  await until(() => paths.length >= 3)
  assert.deepEqual(paths, ['/one', '/two', '/three'])
})

test('an unfinished line stays in the FIFO, where somebody else has it open after a close too', async (t) => {
  const { path, paths, pipe, bad } = await pipeWorld(t)
  const fd = hold(t, path)
  const writer = open(t, path, constants.O_WRONLY)
  writeSync(writer, '/whole\n/begun/')
  await until(() => paths.length === 1)
  await until(() => native.unreadBytes(fd) === 7)
  writeSync(writer, 'and/')
  // It is looked at when something is added, and rests otherwise.
  const reads = (): number => Number(/syscr: (\d+)/.exec(readFileSync('/proc/self/io', 'latin1'))?.[1])
  const before = [reads(), process.cpuUsage().system + process.cpuUsage().user] as const
  await sleep(300)
  assert.ok(reads() - before[0] < 100, `${reads() - before[0]} reads while nothing happens`)
  assert.ok(process.cpuUsage().system + process.cpuUsage().user - before[1] < 150_000, 'it rests')
  await pipe.close()
  assert.equal(native.unreadBytes(fd), 11)
  const again = await openPipe({ path, onPaths: (more) => void paths.push(...more), onBad: (lines) => bad.push(lines) })
  t.after(() => again.close())
  writeSync(writer, 'ended\n')
  await until(() => paths.length === 2)
  assert.deepEqual(paths, ['/whole', '/begun/and/ended'])
  assert.deepEqual(bad, [])
})

test('lines that were there before anybody read are taken', async (t) => {
  const { path, paths, pipe } = await pipeWorld(t)
  await pipe.close()
  hold(t, path)
  assert.equal(await run(echo, [path, '/before']), 0)
  const again = await openPipe({ path, onPaths: (more) => void paths.push(...more) })
  t.after(() => again.close())
  await until(() => paths.length === 1)
  assert.deepEqual(paths, ['/before'])
})

test('who holds the FIFO open keeps its writers through a close, and what they write meanwhile', async (t) => {
  const script = 'exec 4>&1 > "$1"; i=0; while [ $i -lt 20000 ]; do echo "/line/$i"; i=$((i + 1)); done; echo done >&4'
  const { path, paths, pipe } = await pipeWorld(t)
  hold(t, path)
  let text = ''
  shell(script, [path]).stdout?.on('data', (some) => {
    text += String(some)
  })
  let reading = pipe
  for (let round = 0; round < 10; round++) {
    const enough = paths.length + 500
    await until(() => paths.length > enough || text.includes('done'))
    await reading.close()
    reading = await openPipe({ path, onPaths: (more) => void paths.push(...more) })
    t.after(() => reading.close())
  }
  await until(() => paths.length >= 20_000)
  assert.ok(
    paths.every((each, i) => each === `/line/${i}`),
    'each once, and in order',
  )
})

/** Writes to a FIFO in parts of one byte each, of which a pipe of the usual size holds sixteen. `size`: another one. */
const tinyParts = `
import fcntl, os, sys
path, text, size = sys.argv[1], sys.argv[2].encode(), int(sys.argv[3])
fifo = os.open(path, os.O_WRONLY)
if size: fcntl.fcntl(fifo, 1031, size)
reader, writer = os.pipe()
for byte in text:
    os.write(writer, bytes([byte]))
    assert os.splice(reader, fifo, 1) == 1
os.write(fifo, b'\\n')
print('written', flush=True)
`
const hasPython = spawnSync('python3', ['-c', 'import os; os.splice']).status === 0
const noPython = hasPython ? false : 'python3, of version 3.10 or newer, is missing'

for (const size of [0, 1 << 20]) {
  const which = size === 0 ? 'are more than the pipe holds' : 'cannot all be seen at once'
  test(`a line in parts that ${which} comes through`, { skip: noPython }, async (t) => {
    const { path, paths, bad } = await pipeWorld(t)
    const line = `/${'tiny/'.repeat(20)}end`
    assert.equal(await run('python3 -c "$1" "$2" "$3" "$4"', [tinyParts, path, line, String(size)]), 0)
    await until(() => paths.length === 1)
    assert.deepEqual(paths, [line])
    assert.deepEqual(bad, [])
  })
}

test('a line that is longer than a path can be does not hold up the pipe, however long it is', async (t) => {
  const { path, paths, bad } = await pipeWorld(t)
  const writer = open(t, path, constants.O_WRONLY)
  for (const size of [4095, 4096, 4097, 65_535, 65_536, 200_000]) {
    const text = Buffer.from(`/${'x'.repeat(size - 1)}\n/after/${size}\n`)
    for (let at = 0; at < text.length; ) {
      try {
        at += writeSync(writer, text, at)
      } catch (error) {
        assert.match(String(error), /EAGAIN/)
        await sleep(1)
      }
    }
    await until(() => paths.at(-1) === `/after/${size}`)
  }
  assert.deepEqual(
    bad.map(({ reason, count }) => [reason, count]),
    Array.from({ length: 5 }, () => ['too-long', 1]),
  )
  assert.equal(paths.length, 7)
})

const large = `
import fcntl, os, sys
fifo = os.open(sys.argv[1], os.O_WRONLY)
fcntl.fcntl(fifo, 1031, 1 << 20)
assert os.write(fifo, b'/' + b'x' * 100_000 + b'\\n/after\\n') == 100_009
`

test('nor where the pipe has room for all of it', { skip: noPython }, async (t) => {
  const { path, paths, bad } = await pipeWorld(t)
  assert.equal(await run('python3 -c "$1" "$2"', [large, path]), 0)
  await until(() => paths.length === 1)
  assert.deepEqual([paths, bad.map(({ reason }) => reason)], [['/after'], ['too-long']])
})

test('each of two pipes in a directory is read, though one has an unfinished line', async (t) => {
  const root = await openRoot(t)
  const paths: string[] = []
  const pipes = [`${root}/a`, `${root}/b`]
  for (const path of pipes) {
    const pipe = await openPipe({ path, onPaths: (more) => void paths.push(...more) })
    t.after(() => pipe.close())
  }
  writeSync(open(t, `${root}/a`, constants.O_WRONLY), '/unfinished')
  assert.equal(await run(echo, [`${root}/b`, '/line']), 0)
  await until(() => paths.length === 1)
})

/** Each write is a packet, of which a read that is shorter throws the rest away. */
const packets = `
import fcntl, os, sys, time
fifo = os.open(sys.argv[1], os.O_WRONLY)
fcntl.fcntl(fifo, fcntl.F_SETFL, fcntl.fcntl(fifo, fcntl.F_GETFL) | os.O_DIRECT)
os.write(fifo, b'/one\\n/tw')
while sys.stdin.read(1) != '': pass
os.write(fifo, b'o\\n/three\\n')
`

test('a line that is cut by the packets of a writer comes through', { skip: noPython }, async (t) => {
  const { path, paths, bad } = await pipeWorld(t)
  const fd = hold(t, path)
  const writer = shell('python3 -c "$1" "$2"', [packets, path])
  await until(() => paths.length === 1 && native.unreadBytes(fd) < 8)
  writer.stdin?.end()
  await until(() => paths.length + bad.length >= 3)
  assert.deepEqual([paths, bad], [['/one', '/two', '/three'], []])
})
