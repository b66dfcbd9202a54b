import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
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

describe('the demo', { timeout: 120_000 }, () => {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'susten-test-demo-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  function start(args: readonly string[], environment: NodeJS.ProcessEnv = {}, command = process.execPath): Run {
    const full = command === process.execPath ? [main, ...args] : [...args]
    const env = { ...process.env, TMPDIR: folder, ...environment }
    const child = spawn(command, full, { env, stdio: ['ignore', 'pipe', 'pipe'] })
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

  it('copies everything, verifies every copy and leaves nothing', async () => {
    const run = start(['--seconds', '2', '--json'])
    assert.equal(await run.ended, 0, run.errors())
    const report = JSON.parse(run.output()) as Report
    assert.equal(report.ok, true)
    assert.equal(report.files, 32)
    assert.deepEqual(report.failures, [])
    assert.deepEqual(
      report.storages.map(({ id }) => id),
      ['internal', 'external'],
    )
    for (const { files, bytes, delays, verification } of report.storages) {
      assert.deepEqual([files, bytes], [32, report.bytes])
      assert.deepEqual(verification, {
        files: 32,
        bytes: report.bytes,
        metadata: 32,
        masters: 1,
        links: 11,
        images: 20,
        problems: [],
      })
      assert.ok(delays.p50 !== undefined && delays.p99 !== undefined && delays.p50 <= delays.p99)
    }
    assert.ok(report.loopDelay.p99 !== undefined && report.peakMemory > 0)
    assert.ok(!existsSync(dirname(report.buffer.path)))
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
    assert.ok(lines.filter((line) => /^ *\d+\.\d s {2}writing/.test(line)).length >= 1, run.output())
    assert.ok(lines.some((line) => /^owner, mode, mtime right +32 of 32 +32 of 32$/.test(line)))
    assert.equal(lines.at(-2), 'Every file is on both storages, and every byte is right.')
    assert.ok(!/[^\n\x20-\x7e]/.test(run.output()))
    assert.deepEqual(readdirSync(folder), [])
  })

  it("works in the user's directories and keeps the files if it is told to", async () => {
    const [buffer, internal, external] = ['buffer', 'a/internal', 'external'].map((name) => join(folder, name))
    assert.ok(buffer !== undefined && internal !== undefined && external !== undefined)
    mkdirSync(external)
    const run = start(['--seconds', '1', '--buffer', buffer, '--internal', internal, '--external', external, '--keep'])
    assert.equal(await run.ended, 0, run.errors())
    const masters = ['buffer', 'a/internal', 'external'].map((name) =>
      join(folder, name, 'lysozyme/run1/lyso_1_master.h5'),
    )
    const [size, ...sizes] = masters.map((path) => statSync(path).size)
    assert.deepEqual(sizes, [size, size])
    assert.ok(run.output().includes(`kept: ${buffer} ${internal} ${external} `))
  })

  it("removes only what it made from the user's directories", async () => {
    const internal = join(folder, 'internal')
    mkdirSync(internal)
    const run = start(['--seconds', '2', '--internal', internal])
    await run.says(/internal [1-9]\d* of/)
    writeFileSync(join(internal, 'mine'), 'x')
    // A file that nobody wrote is a mistake as well.
    assert.equal(await run.ended, 1)
    assert.ok(run.output().includes(`wrong: ${join(internal, 'mine')}: nobody wrote this`))
    assert.ok(run.output().includes(`left: ${join(internal, 'mine')}`))
    assert.deepEqual(readdirSync(folder), ['internal'])
    assert.deepEqual(readdirSync(internal), ['mine'])
  })

  it('finds a byte that changed on a storage behind its back, and names the file', async () => {
    const internal = join(folder, 'internal')
    const run = start(['--seconds', '2', '--internal', internal])
    await run.says(/internal \d\d+ of/)
    const name = readdirSync(internal, { recursive: true, encoding: 'utf8' }).find((file) =>
      /_data_\d+\.h5$/.test(file),
    )
    assert.ok(name !== undefined)
    const file = openSync(join(internal, name), 'r+')
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
    assert.match(run.output(), new RegExp(`^wrong: ${join(internal, name)}: digest `, 'm'))
    assert.ok(run.output().includes('Not everything is right'))
    assert.deepEqual(readdirSync(folder), [])
  })

  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    it(`ends on ${signal} while it copies, with exit code ${code}, and leaves nothing`, async () => {
      const run = start(['--seconds', '60', '--buffer', join(folder, 'buffer')])
      await run.says(/internal [1-9]\d* of/)
      run.child.kill(signal)
      assert.equal(await run.ended, code)
      assert.ok(run.errors().includes(`${signal}: stopped and tidied up`), run.errors())
      assert.deepEqual(readdirSync(folder), [])
    })
  }

  it('ends on Ctrl-C while it verifies, and when Ctrl-C comes several times', async () => {
    const run = start(['--seconds', '2', '--rate', '40', '--buffer', join(folder, 'buffer')])
    await run.says('verifying')
    for (let count = 0; count < 3; count++) run.child.kill('SIGINT')
    assert.equal(await run.ended, 130)
    assert.deepEqual(readdirSync(folder), [])
  })

  it('ends, and leaves nothing, when nobody reads its output any more', async () => {
    const run = start(['--seconds', '60', '--buffer', join(folder, 'buffer')])
    await run.says('writing')
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
    assert.ok(after?.includes('\x1b[32mEvery file is on both storages'))
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
