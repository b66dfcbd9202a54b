/** Somebody else holds the FIFO open beside the process, as a service manager does. */
import assert from 'node:assert/strict'
import { closeSync, constants, fstatSync, mkdirSync, openSync, readdirSync, unlinkSync, writeSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { native } from '#lib/native.js'
import { type FifoKeeper, type FilePipe, openPipe } from '#lib/source/index.js'
import { openRoot, until } from './support/pipe-world.js'

interface Kept extends FifoKeeper {
  /** What it holds. */
  readonly fds: number[]
  readonly told: string[]
}

/** Closes what it no longer holds a little later, as another process would. */
function keeperFor(t: TestContext, isNext: boolean): Kept {
  const fds: number[] = []
  const told: string[] = []
  const drop = (): void => {
    for (const fd of fds.splice(0)) setTimeout(() => closeSync(fd), 30)
  }
  t.after(drop)
  return {
    fds,
    told,
    take() {
      const [fd] = fds
      return fd === undefined ? undefined : openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK)
    },
    keep(fd) {
      told.push('keep')
      drop()
      fds.push(fd)
    },
    release() {
      told.push('release')
      drop()
    },
    isNext: () => isNext,
  }
}

interface Opened {
  readonly pipe: FilePipe
  readonly paths: string[]
}

async function open(t: TestContext, path: string, keeper: FifoKeeper): Promise<Opened> {
  const paths: string[] = []
  const pipe = await openPipe({ path, keeper, onPaths: (more) => void paths.push(...more) })
  t.after(() => pipe.close())
  return { pipe, paths }
}

function writer(t: TestContext, path: string): number {
  const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  t.after(() => closeSync(fd))
  return fd
}

const descriptors = (): number => readdirSync('/proc/self/fd').length

test('who writes between two processes is told nothing, and what it wrote is taken by the next one', async (t) => {
  const path = `${await openRoot(t)}/pipe`
  const keeper = keeperFor(t, true)
  const first = await open(t, path, keeper)
  const fd = writer(t, path)
  writeSync(fd, '/one\n/begun')
  await first.pipe.close()
  writeSync(fd, '/ended\n/two\n')
  const before = descriptors()
  const second = await open(t, path, keeper)
  await until(() => second.paths.length === 2)
  assert.deepEqual([first.paths, second.paths], [['/one'], ['/begun/ended', '/two']])
  assert.deepEqual(keeper.told, ['keep'], 'the same FIFO is held on')
  await second.pipe.close()
  assert.equal(descriptors(), before)
})

test('where there is no next process, all that could be written is taken, and writers are told', async (t) => {
  const path = `${await openRoot(t)}/pipe`
  const keeper = keeperFor(t, false)
  const { pipe, paths } = await open(t, path, keeper)
  const fd = writer(t, path)
  const lines: string[] = []
  const write = (): boolean => {
    const line = `/line/${lines.length}`
    try {
      writeSync(fd, `${line}\n`)
    } catch (error) {
      if (/EAGAIN/.test(String(error))) return true
      assert.match(String(error), /EPIPE/)
      return false
    }
    lines.push(line)
    return true
  }
  write()
  let isClosed = false
  const closed = pipe.close().then(() => {
    isClosed = true
  })
  while (write()) {
    assert.ok(!isClosed, 'told before it is closed')
    await sleep(1)
  }
  await closed
  assert.deepEqual(keeper.told, ['keep', 'release'])
  assert.deepEqual(paths, lines)
})

test('what could not be taken stays with the keeper, whether or not there is a next process', async (t) => {
  const path = `${await openRoot(t)}/pipe`
  const keeper = keeperFor(t, false)
  const onPaths = (): never => {
    throw new Error('the journal is full')
  }
  const failing = await openPipe({ path, keeper, onPaths })
  writeSync(writer(t, path), '/line\n')
  await assert.rejects(failing.closed, /the journal is full/)
  assert.deepEqual(keeper.told, ['keep'])
  const { paths } = await open(t, path, keeper)
  await until(() => paths.length === 1)
})

test('lines in a FIFO that lost its name meanwhile are taken, and the new one is kept', async (t) => {
  const path = `${await openRoot(t)}/pipe`
  const keeper = keeperFor(t, true)
  const first = await open(t, path, keeper)
  const fd = writer(t, path)
  await first.pipe.close()
  writeSync(fd, '/to/the/old\n')
  unlinkSync(path)
  const second = await open(t, path, keeper)
  writeSync(writer(t, path), '/to/the/new\n')
  await until(() => second.paths.length === 2)
  assert.deepEqual([...second.paths].sort(), ['/to/the/new', '/to/the/old'])
  assert.deepEqual(keeper.told, ['keep', 'keep'])
  assert.equal(fstatSync(keeper.fds[0] ?? -1).ino, fstatSync(writer(t, path)).ino)
})

test('a FIFO that is made anew while it is read is the one that is kept', async (t) => {
  const path = `${await openRoot(t)}/pipe`
  const keeper = keeperFor(t, true)
  const { paths } = await open(t, path, keeper)
  unlinkSync(path)
  await until(() => keeper.told.length === 2)
  const fd = writer(t, path)
  assert.equal(fstatSync(keeper.fds[0] ?? -1).ino, fstatSync(fd).ino)
  writeSync(fd, '/line\n')
  await until(() => paths.length === 1)
})

test('what a keeper gives back that is no FIFO is closed, and the pipe kept in its place', async (t) => {
  const root = await openRoot(t)
  mkdirSync(`${root}/directory`)
  const keeper = keeperFor(t, true)
  keeper.fds.push(openSync(`${root}/directory`, constants.O_RDONLY))
  const { paths } = await open(t, `${root}/pipe`, keeper)
  assert.equal(native.unreadBytes(keeper.fds[0] ?? -1), 0)
  writeSync(writer(t, `${root}/pipe`), '/line\n')
  await until(() => paths.length === 1)
  assert.ok(fstatSync(keeper.fds[0] ?? -1).isFIFO())
})

for (const member of ['isNext', 'release'] as const) {
  test(`a pipe is closed though its keeper fails in ${member}(), and says what that threw`, async (t) => {
    const path = `${await openRoot(t)}/pipe`
    const before = descriptors()
    const failing = (): never => {
      throw new Error('the keeper is gone')
    }
    const paths: string[] = []
    const keeper = { ...keeperFor(t, false), keep: closeSync, [member]: failing }
    const pipe = await openPipe({ path, keeper, onPaths: (more) => void paths.push(...more) })
    writeSync(writer(t, path), '/line\n')
    await assert.rejects(pipe.close(), /the keeper is gone/)
    assert.deepEqual(paths, ['/line'])
    assert.equal(descriptors(), before + 1, 'the writer is left')
    const again = await openPipe({ path, onPaths() {} })
    await again.close()
  })
}

test('a pipe that could not be opened since its keeper fails reads nothing on', async (t) => {
  const path = `${await openRoot(t)}/pipe`
  const failing = (fd: number): never => {
    closeSync(fd)
    throw new Error('the keeper is gone')
  }
  const before = descriptors()
  const lost: string[] = []
  const keeper = { ...keeperFor(t, true), keep: failing }
  await assert.rejects(openPipe({ path, keeper, onPaths: (more) => void lost.push(...more) }), /the keeper is gone/)
  assert.equal(descriptors(), before)
  const paths: string[] = []
  const pipe = await openPipe({ path, onPaths: (more) => void paths.push(...more) })
  t.after(() => pipe.close())
  const fd = writer(t, path)
  for (let i = 0; i < 20; i++) {
    writeSync(fd, '/line\n')
    await until(() => lost.length + paths.length > i)
  }
  assert.deepEqual([lost.length, paths.length], [0, 20])
})
