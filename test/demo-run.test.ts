import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Report } from '#lib/demo/report.js'

const main = fileURLToPath(import.meta.resolve('#lib/demo/main.js'))

/** A run of the demo whose temporary files are in a folder of the test's own. */
interface Run {
  readonly child: ChildProcess
  readonly output: () => string
  readonly errors: () => string
  /** Resolves when the output holds the text. */
  readonly says: (text: string | RegExp) => Promise<void>
  readonly ended: Promise<number | null>
}

/** Ids of a process's children. */
function childrenOf({ pid }: ChildProcess): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return text === '' ? [] : text.split(' ').map(Number)
}

/** Neither gone nor a zombie. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

/** Why nobody can't be who runs the demo. */
function reasonWithoutNobody(): string | false {
  if (process.geteuid?.() !== 0) return 'the other tests run without root'
  for (let path = dirname(main); path !== '/'; path = dirname(path)) {
    if ((statSync(path).mode & 0o005) !== 0o005) return `${path} isn't open to others`
  }
  return false
}

describe('the demo', { timeout: 600_000 }, () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'susten-test-demo-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  function start(
    args: readonly string[],
    environment: NodeJS.ProcessEnv = {},
    command = process.execPath,
    user: { readonly uid?: number; readonly gid?: number } = {},
  ): Run {
    const full = command === process.execPath ? [main, ...args] : [...args]
    const env = { ...process.env, TMPDIR: folder, ...environment }
    const child = spawn(command, full, { ...user, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    let errors = ''
    let heard = (): void => {}
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text
      heard()
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text
    })
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    const says = (text: string | RegExp): Promise<void> =>
      new Promise((resolve, reject) => {
        heard = () => {
          if (typeof text === 'string' ? output.includes(text) : text.test(output)) resolve()
        }
        heard()
        ended.then(() => reject(new Error(`it ended without saying ${text}:\n${output}${errors}`)), reject)
      })
    return { child, output: () => output, errors: () => errors, says, ended }
  }

  it('brings everything where it must be, verifies every file and leaves nothing', async () => {
    const run = start(['--seconds', '2', '--json'])
    assert.equal(await run.ended, 0, run.errors())
    const report = JSON.parse(run.output()) as Report
    assert.equal(report.ok, true)
    assert.deepEqual(report.failures, [])
    assert.deepEqual(
      report.detectors.map(({ name, version, files }) => [name, version, files]),
      [
        ['EIGER2 500K', '1.8.0', 12],
        ['PILATUS3 300K', '1.6.0', 20],
      ],
    )
    for (const { files, deletes } of report.detectors) assert.ok(deletes >= files)
    const [first, second] = report.users
    assert.ok(first !== undefined && second !== undefined)
    assert.equal(first.files + second.files, 32)
    assert.ok(first.files >= 6 && second.files >= 6)
    const ids = process.geteuid?.() === 0 ? [51_000, 52_000] : [process.geteuid?.(), process.geteuid?.()]
    assert.deepEqual(
      [first, second].map(({ name, uid }) => [name, uid]),
      [
        ['visit1', ids[0]],
        ['visit2', ids[1]],
      ],
    )

    assert.deepEqual(
      report.tiers.map(({ id, expected }) => [id, expected]),
      [
        ['buffer', second.files],
        ['internal', second.files],
        ['external', 32],
      ],
    )
    const [buffer, internal, external] = report.tiers.map(({ verification }) => verification)
    const { bytes } = report
    const none: unknown[] = []
    assert.deepEqual(external, {
      ...{ files: 32, bytes, released: 0, metadata: 32 },
      ...{ masters: 2, links: 10, images: 20, problems: none },
    })
    for (const tier of [buffer, internal]) {
      const { files, metadata, masters, links, images, problems } = tier ?? {}
      assert.deepEqual([files, metadata], [second.files, second.files])
      assert.deepEqual([masters, links, images, problems], [1, 5, second.files - 6, none])
    }
    // The master stays, unless the buffer's file system is full.
    assert.ok((buffer?.released ?? 0) >= second.files - 1)

    const { delays } = report
    for (const { p50, p99 } of Object.values(delays)) assert.ok(p50 !== undefined && p99 !== undefined && p50 <= p99)
    assert.ok((delays.received.p50 ?? 0) <= (delays.internal.p50 ?? 0))
    assert.ok((delays.internal.p50 ?? 0) <= (delays.removed.p50 ?? 0))
    assert.ok(report.loopDelay.p99 !== undefined && report.peakMemory > 0)
    for (const { path } of report.tiers) assert.ok(!existsSync(dirname(path)))
    assert.deepEqual(readdirSync(folder), [])
  })

  it('needs no root: then one owner has all', { skip: reasonWithoutNobody() }, async () => {
    chmodSync(folder, 0o777)
    const run = start(['--seconds', '1', '--json'], {}, process.execPath, { uid: 65_534, gid: 65_534 })
    assert.equal(await run.ended, 0, run.errors())
    const { users } = JSON.parse(run.output()) as Report
    assert.deepEqual(
      users.map(({ name, uid }) => [name, uid]),
      [
        ['visit1', 65_534],
        ['visit2', 65_534],
      ],
    )
    assert.deepEqual(readdirSync(folder), [])
  })

  it('prints a line per second and a table where there is no terminal, without a control character', async () => {
    const run = start(['--seconds', '2'])
    assert.equal(await run.ended, 0, run.errors())
    const lines = run.output().split('\n')
    assert.match(
      lines.slice(0, 4).join('\n'),
      /^buffer {4}\/.*\/buffer\ninternal {2}\/.*\nexternal {2}\/.*\njournal {3}\/.*$/,
    )
    assert.ok(lines[3]?.includes(folder), 'paths are whole')
    assert.ok(lines.filter((line) => /^ *\d+\.\d s {2}measuring/.test(line)).length >= 1, run.output())
    assert.ok(lines.some((line) => /^user changed from visit1 to visit2 after \d+\.\d s$/.test(line)))
    assert.ok(lines.some((line) => /^owner, mode, mtime right +(\d+) of \1 +\1 of \1 +32 of 32$/.test(line)))
    assert.equal(lines.at(-2), 'Every file is where it must be, and every byte is right.')
    assert.ok(!/[^\n\x20-\x7e]/.test(run.output()))
    assert.deepEqual(readdirSync(folder), [])
  })

  it("works in the user's directories and keeps the files if it is told to", async () => {
    const [buffer, internal, external] = ['buffer', 'a/internal', 'external'].map((name) => join(folder, name))
    assert.ok(buffer !== undefined && internal !== undefined && external !== undefined)
    mkdirSync(external)
    const run = start(['--seconds', '1', '--buffer', buffer, '--internal', internal, '--external', external, '--keep'])
    assert.equal(await run.ended, 0, run.errors())
    const masters = [buffer, internal, external].map((path) => join(path, 'visit2/lysozyme/run2/lyso_2_master.h5'))
    const [size, ...sizes] = masters.map((path) => statSync(path).size)
    assert.deepEqual(sizes, [size, size])
    assert.deepEqual(
      [buffer, internal, external].map((path) => existsSync(join(path, 'visit1'))),
      [false, false, true],
    )
    assert.ok(run.output().includes(`kept: ${buffer} ${internal} ${external} `))
  })

  it("removes only what it made from the user's directories", async () => {
    const internal = join(folder, 'internal')
    mkdirSync(internal)
    const run = start(['--seconds', '2', '--internal', internal])
    await run.says(/internal [1-9]\d* after/)
    writeFileSync(join(internal, 'mine'), 'x')
    // A file of somebody else's is a mistake as well.
    assert.equal(await run.ended, 1)
    assert.ok(run.output().includes(`wrong: ${join(internal, 'mine')}: must not be here`))
    assert.ok(run.output().includes(`left: ${join(internal, 'mine')}`))
    assert.deepEqual(readdirSync(folder), ['internal'])
    assert.deepEqual(readdirSync(internal), ['mine'])
  })

  it('finds a byte that changed on a storage behind its back, and names the file', async () => {
    const external = join(folder, 'external')
    const run = start(['--seconds', '2', '--external', external])
    // Nothing is verified before the server has removed it, which takes seconds.
    const path = join(external, 'visit2/lysozyme/run2/lyso_2_data_000001.h5')
    while (!existsSync(path)) {
      assert.equal(run.child.exitCode, null, run.output() + run.errors())
      await sleep(10)
    }
    const file = openSync(path, 'r+')
    const byte = Buffer.alloc(1)
    readSync(file, byte, 0, 1, 1_000_000)
    writeSync(
      file,
      byte.map((value) => value ^ 1),
      0,
      1,
      1_000_000,
    )
    closeSync(file)
    assert.equal(await run.ended, 1)
    assert.match(run.output(), new RegExp(`^wrong: ${path}: digest `, 'm'))
    assert.ok(run.output().includes('Not everything is right'))
    assert.deepEqual(readdirSync(folder), [])
  })

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    it(`ends on ${signal} while it measures, with exit code ${code}, and leaves nothing`, async () => {
      const run = start(['--seconds', '60', '--buffer', join(folder, 'buffer')])
      await run.says(/internal [1-9]\d* after/)
      const servers = childrenOf(run.child)
      assert.equal(servers.length, 1)
      run.child.kill(signal)
      assert.equal(await run.ended, code)
      assert.deepEqual(servers.filter(isRunning), [])
      assert.ok(run.errors().includes(`${signal}: stopped and tidied up`), run.errors())
      assert.deepEqual(readdirSync(folder), [])
    })
  }

  it('says so when its detector servers die, and leaves nothing', async () => {
    const run = start(['--seconds', '60', '--buffer', join(folder, 'buffer')])
    await run.says(/internal [1-9]\d* after/)
    for (const pid of childrenOf(run.child)) process.kill(pid, 'SIGKILL')
    assert.equal(await run.ended, 1)
    assert.equal(run.errors(), 'the simulated detector servers are gone\n')
    assert.deepEqual(readdirSync(folder), [])
  })

  it('takes its detector servers with it when it is killed', async () => {
    const run = start(['--seconds', '60', '--buffer', join(folder, 'buffer')])
    await run.says(/internal [1-9]\d* after/)
    const servers = childrenOf(run.child)
    assert.equal(servers.length, 1)
    run.child.kill('SIGKILL')
    await run.ended
    while (servers.some(isRunning)) await sleep(10)
  })

  it('ends on Ctrl-C while it verifies, and when Ctrl-C comes several times', async () => {
    const run = start(['--seconds', '2', '--rate', '40', '--buffer', join(folder, 'buffer')])
    await run.says('verifying')
    for (let count = 0; count < 3; count++) run.child.kill('SIGINT')
    assert.equal(await run.ended, 130)
    assert.deepEqual(readdirSync(folder), [])
  })

  it('ends, and leaves nothing, when nobody reads its output any more', async () => {
    const run = start(['--seconds', '60', '--buffer', join(folder, 'buffer')])
    await run.says('measuring')
    run.child.stdout?.destroy()
    assert.equal(await run.ended, 141)
    assert.deepEqual(readdirSync(folder), [])
  })

  it('says in one line what is wrong with an option, and ends with 2', () => {
    const wrong = (...args: string[]): string => {
      const { status, stderr, stdout } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' })
      assert.equal(status, 2)
      assert.equal(stdout, '')
      assert.match(stderr, /^[^\n]+\n$/)
      return stderr
    }
    assert.match(wrong('--secondz', '3'), /--secondz/)
    assert.match(wrong('--rate', 'fast'), /--rate must be a number from 0.1 to 10000: fast/)
    writeFileSync(join(folder, 'file'), '')
    assert.match(wrong('--internal', folder), /must be empty or new/)
  })

  it('explains itself', () => {
    const { status, stdout } = spawnSync(process.execPath, [main, '--help'], { encoding: 'utf8' })
    assert.equal(status, 0)
    for (const option of ['seconds', 'rate', 'buffer', 'internal', 'external', 'keep', 'seed', 'json', 'help']) {
      assert.ok(stdout.includes(`--${option}`), option)
    }
  })

  const hasScript = spawnSync('script', ['--version']).status === 0
  const skip = hasScript ? false : 'script(1), which gives a terminal, is not installed'
  const onTerminal = (environment: NodeJS.ProcessEnv): Run =>
    start(['-qec', `"${process.execPath}" "${main}" --seconds 1`, '/dev/null'], environment, 'script')

  it('redraws the alternate screen of a terminal, in colour, and gives the terminal back', { skip }, async () => {
    const run = onTerminal({ TERM: 'xterm', NO_COLOR: '', LC_ALL: 'C.UTF-8' })
    assert.equal(await run.ended, 0, run.output())
    const [enter, leave] = ['\x1b[?1049h', '\x1b[?1049l']
    const [before, screen, after, ...more] = run.output().replace(leave, enter).split(enter)
    assert.match(before ?? '', /^buffer .*\r\ninternal .*\r\nexternal .*\r\njournal .*\r\n$/)
    assert.deepEqual(more, [])
    assert.ok(screen !== undefined)
    assert.ok(screen.startsWith('\x1b[?25l\x1b[2J\x1b[H') && screen.endsWith('\x1b[?25h'))
    assert.ok(screen.includes('\x1b[36m'))
    assert.ok(after?.includes('\x1b[32mEvery file is where it must be'))
  })

  it('draws without colour where NO_COLOR is set', { skip }, async () => {
    const run = onTerminal({ TERM: 'xterm', NO_COLOR: '1' })
    assert.equal(await run.ended, 0, run.output())
    assert.ok(run.output().includes('\x1b[?1049h'))
    const sequences = run.output().split('\x1b[').slice(1)
    assert.deepEqual(
      sequences.filter((sequence) => /^[0-9;]*m/.test(sequence)),
      [],
    )
  })

  it('prints plain lines on a dumb terminal', { skip }, async () => {
    const run = onTerminal({ TERM: 'dumb', NO_COLOR: '' })
    assert.equal(await run.ended, 0, run.output())
    assert.ok(!run.output().includes('\x1b'))
  })
})
