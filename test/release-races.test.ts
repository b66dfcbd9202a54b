/** Writers that come in the middle of a release lose nothing, whatever they do and whenever they do it. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { digestOf } from '#lib/demo/digest.js'
import { openEngine } from '#lib/engine/index.js'
import type { NativeFault, NativeReleaseFile, NativeReleaseResult } from '#lib/native.js'
import { bytes, plainCopy } from './support/raw-engine.js'
import {
  hidden,
  linkText,
  makeTiers,
  openRelease,
  type ReleaseEngine,
  releasable,
  releaseJob,
  type Tiers,
} from './support/release-world.js'
import { scratch } from './support/tree.js'

const hold = (call: string, at = 1): NativeFault => ({ call, effect: 'hold', at })

/** The exchange, and the look at what came out of it. */
const exchange = hold('renameat2')

interface Held {
  readonly engine: ReleaseEngine
  readonly result: Promise<NativeReleaseResult>
}

/** Begins to release a file, and holds it at a call. */
async function heldAt(t: TestContext, fault: NativeFault, tiers: Tiers, file: NativeReleaseFile): Promise<Held> {
  const engine = openRelease({ faults: [fault] })
  t.after(() => engine.close())
  const released = engine.start(releaseJob(tiers, [file]))
  await engine.reached(fault)
  return { engine, result: released.then(({ results }) => results[0] ?? assert.fail()) }
}

/** The number of the fstatat that looks at what was put away: the first one behind the exchange. */
async function lookAgain(t: TestContext, by: NativeReleaseFile['by']): Promise<NativeFault> {
  const tiers = makeTiers(await scratch(t))
  await using engine = openRelease({ faults: [exchange] })
  const released = engine.start(releaseJob(tiers, [releasable(tiers, 'f', by)]))
  await engine.reached(exchange)
  const at = (engine.calls()['fstatat'] ?? 0) + 1
  engine.release()
  assert.equal((await released).results[0]?.outcome, 'released')
  return hold('fstatat', at)
}

/** A process that appends to a file, and waits as long as the kernel lets it. */
async function appender(path: string): Promise<{ waits: () => Promise<void>; ended: Promise<unknown> }> {
  const child = spawn('sh', ['-c', 'echo ready; echo more >> "$1"', 'sh', path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  await once(child.stdout, 'data')
  return {
    ended,
    // The kernel lists leases that somebody waits for.
    async waits() {
      const { ino } = lstatSync(path)
      const waiting = new RegExp(`LEASE +BREAK.*:${ino} `)
      while (!waiting.test(readFileSync('/proc/locks', 'utf8'))) {
        assert.equal(child.exitCode, null, 'it did not wait')
        await turn()
      }
    },
  }
}

for (const by of ['link', 'delete'] as const) {
  const calls = by === 'link' ? ['fstatat', 'symlinkat', 'fchownat', 'renameat2'] : ['fstatat', 'mkdirat', 'renameat2']

  for (const call of [...calls, 'openat']) {
    test(`${by}: a file that is rewritten while a release is at ${call} is changed, and stays`, async (t) => {
      const tiers = makeTiers(await scratch(t))
      const file = releasable(tiers, 'f', by)
      // Before the lease it can simply be written; behind it, only by taking its name.
      const { engine, result } = await heldAt(t, hold(call), tiers, file)
      writeFileSync(`${tiers.buffer}/new`, 'newer content')
      renameSync(`${tiers.buffer}/new`, `${tiers.buffer}/f`)
      engine.release()
      assert.equal((await result).outcome, 'changed')
      assert.deepEqual(readdirSync(tiers.buffer), ['f'])
      assert.equal(readFileSync(`${tiers.buffer}/f`, 'utf8'), 'newer content')
    })
  }

  for (const call of ['fstatat', 'setowner', 'setlease']) {
    test(`${by}: a file that is written and closed while a release is at ${call} is changed, and stays`, async (t) => {
      const tiers = makeTiers(await scratch(t))
      const file = releasable(tiers, 'f', by)
      const { engine, result } = await heldAt(t, hold(call), tiers, file)
      writeFileSync(`${tiers.buffer}/f`, 'newer content')
      engine.release()
      assert.equal((await result).outcome, 'changed')
      assert.equal(readFileSync(`${tiers.buffer}/f`, 'utf8'), 'newer content')
    })

    test(`${by}: a file that is opened for writing while a release is at ${call} is busy, and stays`, async (t) => {
      const tiers = makeTiers(await scratch(t))
      const file = releasable(tiers, 'f', by)
      const { engine, result } = await heldAt(t, hold(call), tiers, file)
      const writer = openSync(`${tiers.buffer}/f`, constants.O_WRONLY)
      engine.release()
      assert.equal((await result).outcome, 'busy')
      assert.equal(readFileSync(`${tiers.buffer}/f`, 'utf8'), 'content of f')
      closeSync(writer)
    })
  }

  test(`${by}: a writer that comes while the file is read needn't wait for the end of it`, async (t) => {
    const tiers = makeTiers(await scratch(t))
    const content = Buffer.alloc(20 << 20, 'x')
    const file = releasable(tiers, 'f', by, content)
    const known = { ...file.known, digest: digestOf(content) }
    const { engine, result } = await heldAt(t, hold('pread'), tiers, { ...file, known })
    const { waits, ended } = await appender(`${tiers.buffer}/f`)
    await waits()
    const before = engine.calls()['pread']
    engine.release()
    assert.equal((await result).outcome, 'busy')
    assert.deepEqual(await ended, [0, null])
    assert.deepEqual(before, 1)
    assert.ok((engine.calls()['pread'] ?? 0) < 20 * 16, 'the rest is not read')
    assert.equal(lstatSync(`${tiers.buffer}/f`).size, content.length + 5)
  })

  test(`${by}: a writer that waits for the release gets its file back, under its name`, async (t) => {
    const tiers = makeTiers(await scratch(t))
    const file = releasable(tiers, 'f', by)
    const { ino } = lstatSync(`${tiers.buffer}/f`)
    const { engine, result } = await heldAt(t, exchange, tiers, file)
    const { waits, ended } = await appender(`${tiers.buffer}/f`)
    await waits()
    engine.release()
    assert.equal((await result).outcome, 'busy')
    assert.deepEqual(await ended, [0, null])
    assert.equal(lstatSync(`${tiers.buffer}/f`).ino, ino)
    assert.equal(readFileSync(`${tiers.buffer}/f`, 'utf8'), 'content of fmore\n')
    assert.deepEqual(hidden(tiers.buffer), [])
    assert.equal(readFileSync(`${tiers.disk}/f`, 'utf8'), 'content of f')
  })

  test(`${by}: a writer that does not wait is turned away, and the file is busy`, async (t) => {
    const tiers = makeTiers(await scratch(t))
    const file = releasable(tiers, 'f', by)
    const { engine, result } = await heldAt(t, exchange, tiers, file)
    const open = (): number => openSync(`${tiers.buffer}/f`, constants.O_WRONLY | constants.O_NONBLOCK)
    assert.throws(open, { code: 'EAGAIN' })
    engine.release()
    assert.equal((await result).outcome, 'busy')
    closeSync(open())
    assert.equal(readFileSync(`${tiers.buffer}/f`, 'utf8'), 'content of f')
  })

  test(`${by}: a writer that had found the file, and opens it once it is put away, gets it back`, async (t) => {
    const look = await lookAgain(t, by)
    const tiers = makeTiers(await scratch(t))
    const file = releasable(tiers, 'f', by)
    // Any name that leads to it will do; this one stays when the other is taken away.
    const found = openSync(`${tiers.buffer}/f`, constants.O_RDONLY)
    const { engine, result } = await heldAt(t, look, tiers, file)
    assert.throws(() => openSync(`/proc/self/fd/${found}`, constants.O_WRONLY | constants.O_NONBLOCK), {
      code: 'EAGAIN',
    })
    engine.release()
    assert.equal((await result).outcome, 'busy')
    closeSync(found)
    assert.equal(readFileSync(`${tiers.buffer}/f`, 'utf8'), 'content of f')
    assert.ok(lstatSync(`${tiers.buffer}/f`).isFile())
    assert.deepEqual(hidden(tiers.buffer), [])
  })

  test(`${by}: a file that vanishes in the last moment is absent`, async (t) => {
    const tiers = makeTiers(await scratch(t))
    const file = releasable(tiers, 'f', by)
    const { engine, result } = await heldAt(t, exchange, tiers, file)
    rmSync(`${tiers.buffer}/f`)
    engine.release()
    assert.equal((await result).outcome, 'absent')
    assert.deepEqual(readdirSync(tiers.buffer), [])
  })

  test(`${by}: whatever takes the name in the last moment keeps it`, async (t) => {
    for (const kind of ['file', 'directory', 'link']) {
      const tiers = makeTiers(await scratch(t))
      const file = releasable(tiers, 'f', by)
      const { engine, result } = await heldAt(t, exchange, tiers, file)
      rmSync(`${tiers.buffer}/f`)
      if (kind === 'file') writeFileSync(`${tiers.buffer}/f`, 'theirs')
      if (kind === 'directory') mkdirSync(`${tiers.buffer}/f/inner`, { recursive: true })
      if (kind === 'link') symlinkSync('theirs', `${tiers.buffer}/f`)
      const { ino } = lstatSync(`${tiers.buffer}/f`)
      engine.release()
      assert.equal((await result).outcome, 'changed', kind)
      assert.equal(lstatSync(`${tiers.buffer}/f`).ino, ino, kind)
      assert.deepEqual(hidden(tiers.buffer), [])
    }
  })
}

test('delete: a new file under the name is not touched', async (t) => {
  const look = await lookAgain(t, 'delete')
  const tiers = makeTiers(await scratch(t))
  const { engine, result } = await heldAt(t, look, tiers, releasable(tiers, 'f', 'delete'))
  assert.ok(!existsSync(`${tiers.buffer}/f`))
  writeFileSync(`${tiers.buffer}/f`, 'the next one')
  engine.release()
  assert.equal((await result).outcome, 'released')
  assert.deepEqual(readdirSync(tiers.buffer), ['f'])
  assert.equal(readFileSync(`${tiers.buffer}/f`, 'utf8'), 'the next one')
})

test('link: a new file in place of the link is not touched', async (t) => {
  const look = await lookAgain(t, 'link')
  const tiers = makeTiers(await scratch(t))
  const { engine, result } = await heldAt(t, look, tiers, releasable(tiers, 'f'))
  assert.equal(readlinkSync(`${tiers.buffer}/f`), linkText(tiers, 'f'))
  writeFileSync(`${tiers.buffer}/new`, 'the next one')
  renameSync(`${tiers.buffer}/new`, `${tiers.buffer}/f`)
  engine.release()
  assert.equal((await result).outcome, 'released')
  assert.equal(readFileSync(`${tiers.buffer}/f`, 'utf8'), 'the next one')
})

for (const by of ['link', 'delete'] as const) {
  test(`${by}: what must be undone when the name is taken by then is kept beside it`, async (t) => {
    const look = await lookAgain(t, by)
    const tiers = makeTiers(await scratch(t))
    const file = releasable(tiers, 'f', by)
    const found = openSync(`${tiers.buffer}/f`, constants.O_RDONLY)
    const { engine, result } = await heldAt(t, look, tiers, file)
    // A writer is at the original, and somebody makes a new file under its name.
    assert.throws(() => openSync(`/proc/self/fd/${found}`, constants.O_WRONLY | constants.O_NONBLOCK), {
      code: 'EAGAIN',
    })
    writeFileSync(`${tiers.buffer}/new`, 'the next one')
    renameSync(`${tiers.buffer}/new`, `${tiers.buffer}/f`)
    engine.release()
    assert.equal((await result).outcome, 'busy')
    closeSync(found)
    assert.equal(readFileSync(`${tiers.buffer}/f`, 'utf8'), 'the next one')
    assert.equal(readFileSync(`${tiers.buffer}/f.~1~`, 'utf8'), 'content of f')
    assert.deepEqual(hidden(tiers.buffer), [])
  })
}

test('link: where the link is gone when it must be undone, the file takes its name again', async (t) => {
  const look = await lookAgain(t, 'link')
  const tiers = makeTiers(await scratch(t))
  const file = releasable(tiers, 'f')
  const found = openSync(`${tiers.buffer}/f`, constants.O_RDONLY)
  const { engine, result } = await heldAt(t, look, tiers, file)
  assert.throws(() => openSync(`/proc/self/fd/${found}`, constants.O_WRONLY | constants.O_NONBLOCK), { code: 'EAGAIN' })
  rmSync(`${tiers.buffer}/f`)
  engine.release()
  assert.equal((await result).outcome, 'busy')
  closeSync(found)
  assert.deepEqual(readdirSync(tiers.buffer), ['f'])
  assert.equal(readFileSync(`${tiers.buffer}/f`, 'utf8'), 'content of f')
})

test('clear: a link that is replaced in the last moment is put back', async (t) => {
  const tiers = makeTiers(await scratch(t))
  const file = releasable(tiers, 'f', 'clear')
  rmSync(`${tiers.buffer}/f`)
  symlinkSync(linkText(tiers, 'f'), `${tiers.buffer}/f`)
  const { engine, result } = await heldAt(t, exchange, tiers, file)
  rmSync(`${tiers.buffer}/f`)
  writeFileSync(`${tiers.buffer}/f`, 'theirs')
  engine.release()
  assert.equal((await result).outcome, 'changed')
  assert.equal(readFileSync(`${tiers.buffer}/f`, 'utf8'), 'theirs')
  assert.deepEqual(readdirSync(tiers.buffer), ['f'])
})

test('a writer that keeps reopening many files while they are copied and released loses not a line', async (t) => {
  const tiers = makeTiers(await scratch(t))
  const [files, lines] = [40, 25]
  const names = Array.from({ length: files }, (_, i) => `f${i}`)
  const script =
    'i=0; while [ $i -lt $3 ]; do f=0; while [ $f -lt $2 ]; do echo $i >> "$1/f$f"; f=$((f+1)); done; i=$((i+1)); done'
  for (const name of names) writeFileSync(`${tiers.buffer}/${name}`, '')
  await using engine = openEngine({ threads: 2 })
  const writer = spawn('sh', ['-c', script, 'sh', tiers.buffer, `${files}`, `${lines}`], { stdio: 'inherit' })
  let writing = true
  const ended = once(writer, 'exit').then((status) => {
    writing = false
    return status
  })
  const left = new Set(names)
  const outcomes = new Map<string, number>()
  const hasLines = (name: string): boolean => lstatSync(`${tiers.buffer}/${name}`).size > 0
  while (left.size > 0) {
    // Not all at once, so that some are released while they are written to, and some behind that.
    const some = [...left].filter((name) => !writing || hasLines(name)).slice(0, 5)
    const copies = await engine.copyFiles({
      srcRoot: bytes(tiers.buffer),
      destRoot: bytes(tiers.disk),
      files: some.map((name) => ({ src: bytes(name), dest: bytes(name), existing: 'replace' })),
      options: plainCopy,
    })
    const ready = copies.flatMap(({ index, fingerprint, outcome }): NativeReleaseFile[] => {
      const name = some[index]
      if (outcome === 'failed' || fingerprint === undefined || name === undefined) return []
      const { size, mtimeNs, ino, ctimeNs } = fingerprint
      const copy = { name: bytes(name), size, mtimeNs }
      return [
        {
          name: bytes(name),
          by: 'link',
          known: { size, mtimeNs, ino, ctimeNs },
          copy,
          link: bytes(linkText(tiers, name)),
        },
      ]
    })
    const results = await engine.release(releaseJob(tiers, ready))
    for (const { index, outcome, error } of results.files) {
      assert.equal(error, undefined)
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
      const name = ready[index]?.name
      if (outcome === 'released' && name !== undefined) left.delete(name)
    }
    await turn()
  }
  assert.deepEqual(await ended, [0, null])
  const whole = Array.from({ length: lines }, (_, i) => `${i}\n`).join('')
  for (const name of names) {
    assert.ok(lstatSync(`${tiers.buffer}/${name}`).isSymbolicLink())
    assert.equal(readFileSync(`${tiers.buffer}/${name}`, 'utf8'), whole, `${name}, ${JSON.stringify([...outcomes])}`)
  }
  assert.deepEqual(hidden(tiers.buffer), [])
})
