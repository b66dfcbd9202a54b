import assert from 'node:assert/strict'
import { once } from 'node:events'
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type FilePipe, openPipe } from '#lib/source/index.js'
import { openRoot, pipeWorld, run, shell, slowTaker, until } from './support/pipe-world.js'

const echo = 'echo "$2" > "$1"'

/** A writer in this process that never waits: it is told EAGAIN where another would. */
function writer(t: TestContext, path: string): number {
  const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  t.after(() => closeSync(fd))
  return fd
}

/** Writes a line; false if there is no room for it, or nobody reads. */
function write(fd: number, line: string): boolean {
  try {
    return writeSync(fd, `${line}\n`) > 0
  } catch (error) {
    assert.match(String(error), /EAGAIN|EPIPE/)
    return false
  }
}

test('a path that a shell echoes into the pipe arrives as it was written, one after the other', async (t) => {
  const { path, paths, pipe, bad } = await pipeWorld(t)
  const lines = ['/some_dir/./path/to/file', '/a b/c', '/tab\there', '/x/../y', '/trailing/', '/return\r']
  for (const line of lines) assert.equal(await run(echo, [path, line]), 0)
  await until(() => paths.length === lines.length)
  assert.deepEqual(paths, lines)
  assert.deepEqual(bad, [])
  assert.deepEqual(pipe.counters, { paths: 6, bad: { relative: 0, 'too-long': 0, nul: 0, unfinished: 0 } })
})

test('names that are not UTF-8 arrive byte for byte', async (t) => {
  const { path, paths } = await pipeWorld(t)
  await run('printf "/data/\\377\\200\\303.h5\\n/\\303\\251\\n" > "$1"', [path])
  await until(() => paths.length === 2)
  assert.deepEqual(paths, ['/data/\xff\x80\xc3.h5', '/\xc3\xa9'])
})

test('bad lines are told and counted, and harm no others', async (t) => {
  const { path, paths, pipe, bad } = await pipeWorld(t)
  await run('printf "relative\\n\\n/one\\n/a\\000b\\n" > "$1"', [path])
  await run('{ head -c 5000 /dev/zero | tr "\\0" "/"; echo; echo /two; } > "$1"', [path])
  await until(() => paths.length === 2)
  assert.deepEqual(paths, ['/one', '/two'])
  assert.deepEqual(pipe.counters.bad, { relative: 1, 'too-long': 1, nul: 1, unfinished: 0 })
  assert.deepEqual(
    bad.map(({ reason, text }) => [reason, text]),
    [
      ['relative', 'relative'],
      ['nul', '/a\\u0000b'],
      ['too-long', `${'/'.repeat(120)}…`],
    ],
  )
})

test('of 200 writers at once, each writing 20 times, not a line is lost, and each writer keeps its order', async (t) => {
  const { path, paths, pipe } = await pipeWorld(t)
  const script = 'i=0; while [ $i -lt 20 ]; do echo "/writer/$2/$i" > "$1"; i=$((i + 1)); done'
  const codes = await Promise.all(Array.from({ length: 200 }, (_, n) => run(script, [path, String(n)])))
  assert.ok(codes.every((code) => code === 0))
  await until(() => paths.length >= 4000)
  for (let n = 0; n < 200; n++) {
    const mine = paths.filter((each) => each.startsWith(`/writer/${n}/`))
    assert.deepEqual(
      mine,
      Array.from({ length: 20 }, (_, i) => `/writer/${n}/${i}`),
    )
  }
  assert.equal(pipe.counters.paths, 4000)
})

test('writers that are killed at any moment leave whole lines, without gaps', async (t) => {
  const { path, paths, bad } = await pipeWorld(t)
  const script = 'exec > "$1"; i=0; while :; do i=$((i + 1)); echo "/writer/$2/$i/end"; done'
  for (let round = 0; round < 5; round++) {
    const children = Array.from({ length: 8 }, (_, n) => shell(script, [path, String(round * 8 + n)]))
    const enough = paths.length + 5000
    await until(() => paths.length > enough)
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(children.map((child) => once(child, 'close')))
  }
  await run(echo, [path, '/last'])
  await until(() => paths.at(-1) === '/last')
  const counts = new Map<string, number>()
  for (const each of paths.slice(0, -1)) {
    const [, n = '', i] = /^\/writer\/(\d+)\/(\d+)\/end$/.exec(each) ?? []
    assert.equal(Number(i), (counts.get(n) ?? 0) + 1, each)
    counts.set(n, Number(i))
  }
  assert.deepEqual(bad, [])
})

test('what a writer left that was killed in the middle of a line is told, and is no part of the next line', async (t) => {
  const { path, paths, bad } = await pipeWorld(t)
  for (let round = 1; round <= 10; round++) {
    const child = shell('exec 3> "$1"; printf /half/of/a >&3; echo written; exec sleep 1000', [path])
    await once(child.stdout ?? child, 'data')
    child.kill('SIGKILL')
    await until(() => bad.length === round)
    await run(echo, [path, '/whole'])
    await until(() => paths.length === round)
  }
  assert.ok(paths.every((each) => each === '/whole'))
  assert.ok(bad.every(({ reason, text, count }) => reason === 'unfinished' && text === '/half/of/a' && count === 1))
})

test('a writer that stops in the middle of a line is waited for', async (t) => {
  const { path, paths, bad } = await pipeWorld(t)
  const fd = writer(t, path)
  for (const part of ['/be', 'gun/', 'and', '/done', '\n/next']) {
    writeSync(fd, part)
    await sleep(20) // whatever is read now, the line is one
  }
  await until(() => paths.length === 1)
  writeSync(fd, '\n')
  await until(() => paths.length === 2)
  assert.deepEqual(paths, ['/begun/and/done', '/next'])
  assert.deepEqual(bad, [])
})

test('the pipe fills while paths are not taken, its writers wait, and nothing is lost', async (t) => {
  const { taken, onPaths, release } = slowTaker()
  const { path } = await pipeWorld(t, { onPaths })
  const fd = writer(t, path)
  const lines: string[] = []
  const fill = (): void => {
    for (let line = `/line/${lines.length}`; write(fd, line); line = `/line/${lines.length}`) lines.push(line)
  }
  fill()
  await until(() => taken.length > 0)
  const first = taken.length
  for (let turn = 0; turn < 50; turn++) {
    await sleep(1)
    fill()
  }
  assert.equal(taken.length, first, 'nothing is read before what was read is taken')
  assert.ok(lines.join('\n').length < 64 * 1024, 'the rest waits with its writer')
  release()
  await until(() => taken.length === lines.length)
  assert.deepEqual(taken, lines)
})

test('an idle pipe takes no thread of the pool and no processor time, also after its writers have gone', async (t) => {
  const root = await openRoot(t)
  const got: string[] = []
  const pipes: FilePipe[] = []
  for (let n = 0; n < 12; n++) {
    pipes.push(await openPipe({ path: `${root}/pipe${n}`, onPaths: (paths) => void got.push(...paths) }))
  }
  t.after(() => Promise.all(pipes.map((pipe) => pipe.close())))
  for (const pipe of pipes) await run(echo, [pipe.path, '/path'])
  await until(() => got.length === pipes.length)
  // The pool has four threads: with one pipe in each this would never resolve.
  assert.ok((await stat(root)).isDirectory())
  const reads = (): number => Number(/syscr: (\d+)/.exec(readFileSync('/proc/self/io', 'latin1'))?.[1])
  const before = reads()
  await sleep(300)
  assert.ok(reads() - before < 300, `${reads() - before} reads while nothing happens`)
})

test('closing hands over all that was written before, also of writers that are still there', async (t) => {
  const { path, paths, pipe, bad } = await pipeWorld(t)
  const fd = writer(t, path)
  const lines: string[] = []
  for (let line = '/line/0'; write(fd, line); line = `/line/${lines.length}`) lines.push(line)
  assert.ok(lines.length > 3000)
  await pipe.close()
  assert.deepEqual(paths, lines)
  assert.deepEqual(bad, [])
  assert.throws(() => writeSync(fd, '/late\n'), { code: 'EPIPE' })
  await pipe.closed
})

test('whatever writers could write before they were told that nobody reads any more is handed over', async (t) => {
  const script = `exec 4>&1 > "$1"; trap "" PIPE; i=0
    while echo "/writer/$2/$i"; do i=$((i + 1)); done
    echo $i >&4`
  for (let round = 0; round < 10; round++) {
    const { path, paths, pipe, bad } = await pipeWorld(t)
    const written = [0, 1, 2].map(async (n) => {
      const child = shell(script, [path, String(n)])
      const [count] = (await once(child.stdout ?? child, 'data')) as [Buffer]
      return Number(count)
    })
    await until(() => [0, 1, 2].every((n) => paths.includes(`/writer/${n}/0`)))
    await pipe.close()
    for (const [n, count] of (await Promise.all(written)).entries()) {
      assert.deepEqual(
        paths.filter((each) => each.startsWith(`/writer/${n}/`)),
        Array.from({ length: count }, (_, i) => `/writer/${n}/${i}`),
      )
    }
    assert.deepEqual(bad, [])
  }
})

test('a writer that comes between two openings waits for the second, and loses nothing', async (t) => {
  const { path, paths, pipe } = await pipeWorld(t)
  await pipe.close()
  const waiting = run(echo, [path, '/between'])
  const again = await openPipe({ path, onPaths: (more) => void paths.push(...more) })
  assert.equal(await waiting, 0)
  await until(() => paths.length === 1)
  await again.close()
  assert.deepEqual(paths, ['/between'])
})

test('what onPaths throws ends the pipe, and is told', async (t) => {
  const onPaths = (): never => {
    throw new Error('the journal is full')
  }
  const { path, pipe } = await pipeWorld(t, { onPaths })
  await run(echo, [path, '/one'])
  await assert.rejects(pipe.closed, /the journal is full/)
  await assert.rejects(pipe.close(), /the journal is full/)
  assert.equal(pipe.counters.paths, 0)
})

test('a signal closes the pipe, and an aborted one refuses it', async (t) => {
  const abort = new AbortController()
  const { path, paths, pipe } = await pipeWorld(t, { signal: abort.signal })
  write(writer(t, path), '/before')
  abort.abort()
  await pipe.closed
  assert.deepEqual(paths, ['/before'])
  await assert.rejects(openPipe({ path, onPaths: () => {}, signal: abort.signal }), { name: 'AbortError' })
})

test('a flood of garbage is counted, told in short, and lets what is good through', async (t) => {
  const { path, paths, pipe, bad } = await pipeWorld(t)
  const child = run('{ head -c 4000000 /dev/urandom; printf "\\n/good\\n"; } > "$1"', [path])
  await run('{ yes "" | head -n 300000; yes x | head -n 300000; printf "/good\\n"; } > "$1"', [path])
  assert.equal(await child, 0)
  // Blocks of two writers mix, as ever with pipes: a newline of its own comes behind them.
  await run('printf "\\n/good\\n" > "$1"', [path])
  await until(() => paths.filter((each) => each.endsWith('/good')).length >= 1 && paths.at(-1) === '/good')
  assert.ok(pipe.counters.bad.relative > 200_000)
  assert.ok(bad.every(({ text }) => text.length <= 6 * 120 + 1))
  assert.ok(bad.length < 4000, `told ${bad.length} times`)
})

test('options are looked at', async () => {
  const onPaths = (): void => {}
  const wrong: [object, RegExp][] = [
    [{}, /'onPaths' must be a function/],
    [{ onPaths, mode: 0o060 }, /let the owner read and write/],
    [{ onPaths, mode: 0o1777 }, /'mode' must be a whole number/],
    [{ onPaths, owner: { uid: -1 } }, /'owner.uid'/],
    [{ onPaths, owner: { user: 1 } }, /unknown option 'user'/],
    [{ onPaths, pathh: 'x' }, /did you mean 'path'/],
  ]
  for (const [options, message] of wrong) {
    await assert.rejects(openPipe(options as Parameters<typeof openPipe>[0]), { code: 'ERR_SUSTEN_OPTION', message })
  }
})
