import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { PassThrough } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { commands } from '#lib/cli/commands.js'
import { run } from '#lib/cli/run.js'
import { ask } from './support/dcu-world.js'

const root = dirname(createRequire(import.meta.url).resolve('susten/package.json'))
const cli = join(root, 'dist/cli/susten.js')
const small = ['--width', '60', '--height', '40', '--port', '0']

interface Running {
  readonly child: ChildProcess
  /** The next line of standard output. */
  next(): Promise<string>
}

function start(t: TestContext, ...args: string[]): Running {
  const child = spawn(process.execPath, [cli, 'simulate', 'dcu', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    child,
    async next() {
      const { value } = await lines.next()
      assert.equal(typeof value, 'string', 'there is another line')
      return value as string
    },
  }
}

test('susten simulate dcu says where it listens, and ends at a signal', async (t) => {
  const { child, next } = start(t, ...small, '--admin-port', '0', '--api', '1.6.0')
  const [, url = '', admin = ''] = /^SIMPLON 1\.6\.0 at (http:\S+), admin at (http:\S+)$/.exec(await next()) ?? []
  const { body } = await ask(url, '/detector/api/version')
  assert.deepEqual(JSON.parse(body.toString()), { value: '1.6.0', value_type: 'string' })
  assert.equal((await ask(admin, '/truth')).status, 200)
  child.kill('SIGTERM')
  assert.deepEqual(await once(child, 'exit'), [0, null])
})

test('it takes series by itself and tells of them as lines of JSON', async (t) => {
  const args = ['--series', '2', '--pause', '0', '--images', '2', '--images-per-file', '1', '--name', 'lyso_$id']
  const { child, next } = start(t, ...small, ...args, '--json', '--rate', '1000', '--compression-ratio', '5')
  const told: string[] = []
  while (told.at(-1) !== 'series 2 ended') {
    const { type, name, id, state } = JSON.parse(await next()) as Record<string, unknown>
    told.push(type === 'series' ? `series ${id} ${state}` : `${type} ${name ?? ''}`.trim())
  }
  const series = (id: number): string[] => [
    `file lyso_${id}_master.h5`,
    `series ${id} armed`,
    `file lyso_${id}_data_000001.h5`,
    `file lyso_${id}_data_000002.h5`,
    `series ${id} ended`,
  ]
  assert.deepEqual(told, ['listening', ...series(1), ...series(2)])
  child.kill('SIGINT')
  assert.deepEqual(await once(child, 'exit'), [0, null])
})

test('it runs a script', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'susten-test-dcu-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const script = join(folder, 'script.json')
  writeFileSync(script, '[{"at": 0, "do": "acquire"}, {"at": 0, "fault": {"kind": "status", "status": 500}}]')
  const { next } = start(t, ...small, '--detector', 'pilatus', '--images', '1', '--script', script, '--json')
  const { url } = JSON.parse(await next()) as { url: string }
  for (let line = ''; !line.includes('ended'); ) line = await next()
  assert.equal((await ask(url, '/data/')).status, 500)
})

test('wrong use is told, with exit code 2; a script or an option that is wrong, with 1', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'susten-test-dcu-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const script = join(folder, 'script.json')
  writeFileSync(script, '[{"do": "explode"}]')
  const cases: [string[], number, RegExp][] = [
    [['--help'], 0, /^Usage: susten simulate dcu/],
    [['now'], 2, /no argument is needed.*see 'susten simulate dcu --help'/],
    [['--api', '2'], 2, /--api must be 1\.5\.0 or 1\.6\.0 or 1\.8\.0/],
    [['--images', 'many'], 2, /--images must be a number/],
    [['--memory', '1T'], 2, /--memory must be a size/],
    [['--detector', 'camera'], 2, /--detector must be eiger or pilatus/],
    [['--script', script], 1, /script\.json, step 1/],
    [
      ['--script', join(folder, 'none')],
      1,
      /^susten: there is no script file '.*none'; write it, or correct the name$/m,
    ],
    [['--script', folder], 1, /^susten: the script file '.*' can't be read: EISDIR/],
    [['--port'], 2, /^susten: option '--port' needs a value; see 'susten simulate dcu --help'$/m],
    [
      ['--port', '--json'],
      2,
      /^susten: option '--port' needs a value, and '--json' looks like an option; .* '--port=--json'; see/,
    ],
    [['--json=1'], 2, /^susten: option '--json' takes no value; /],
    [['--ports', '1'], 2, /^susten: unknown option '--ports'; /],
    [['-x'], 2, /^susten: unknown option '-x'; /],
    [['--images', '0'], 1, /'images' must be a whole number from 1/],
  ]
  for (const [args, code, message] of cases) {
    const said = new PassThrough()
    const words = ['simulate', 'dcu', ...args]
    assert.equal(await run({ name: 'susten', commands }, words, said, said), code, args.join(' '))
    assert.match(said.end().setEncoding('utf8').read() as string, message)
  }
})

test('the example of SIMULATOR.md runs', { skip: curlIsMissing() }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'susten-test-dcu-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const document = readFileSync(join(root, 'docs/SIMULATOR.md'), 'utf8')
  const [, example = ''] = /```sh\n([\s\S]*?)```/.exec(document) ?? []
  assert.match(example, /^susten simulate dcu .*--port 8080/)
  const { next } = start(t, '--port', '0', '--admin-port', '0', '--images-per-file', '5', '--rate', '1000', '--json')
  const { url, adminUrl } = JSON.parse(await next()) as { url: string; adminUrl: string }
  const commands = example
    .split('\n')
    .filter((line) => !line.startsWith('susten '))
    .join('\n')
    .replaceAll('http://127.0.0.1:8080', url)
    .replaceAll('http://127.0.0.1:8081', adminUrl)
  const shell = spawn('sh', ['-e'], { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] })
  shell.stdin.end(commands)
  let said = ''
  shell.stdout.setEncoding('utf8').on('data', (part: string) => {
    said += part
  })
  const [code] = (await once(shell, 'close')) as [number | null]
  assert.equal(code, 0, said)
  t.diagnostic(said)
  assert.match(said, /"sequence id":1/)
  assert.match(said, /series_1_master\.h5/)
  assert.match(said, /204/)
  assert.match(said, /503/)
})

function curlIsMissing(): string | false {
  return spawnSync('curl', ['--version']).status === 0 ? false : 'curl is not installed'
}
