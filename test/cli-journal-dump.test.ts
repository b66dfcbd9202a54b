import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { openJournal } from '#lib/journal/index.js'
import { copy, path, put, record, temporary } from './support/journal-records.js'

const packageFile = createRequire(import.meta.url).resolve('susten/package.json')
const cli = join(dirname(packageFile), 'dist/cli/susten.js')

function susten(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  })
  return { code: status, out: stdout, err: stderr }
}

test('a journal is dumped as lines of JSON: itself, its values, its files', async (t) => {
  const directory = temporary(t)
  const journal = await openJournal({ directory })
  const source = { dev: 1n, ino: 2n ** 63n, size: 3, mtimeNs: 1_700_000_000_000_000_001n, ctimeNs: -1n }
  const failure = { code: 'EIO', errno: -5, syscall: 'read', path: path('/\xff'), dest: path('/\xc3\xbc') }
  await journal.apply([
    { type: 'set', key: 'k', value: [1, 'ü'] },
    { type: 'put', record: record(1, 'gr\xc3\xbcn', { ...copy('disk', 'copied'), digest: 'ab'.repeat(16), source }) },
    { type: 'put', record: record(2, 'bad\xffname\n', { ...copy('disk', 'failed'), attempts: 3, failure }) },
  ])
  // The journal is still open here: dumping works beside.
  const { code, out, err } = susten('journal', 'dump', directory)
  assert.deepEqual([code, err], [0, ''])
  const lines = out.split('\n')
  assert.equal(lines.pop(), '')
  const [head, ...rest] = lines.map((line) => JSON.parse(line) as object)
  assert.deepEqual(
    { ...head, bytes: 0, live: 0 },
    { type: 'journal', id: journal.id, directory, records: 2, bytes: 0, live: 0, segments: 1 },
  )
  assert.deepEqual(rest, [
    { type: 'value', key: 'k', value: [1, 'ü'] },
    {
      type: 'file',
      seq: 1,
      path: 'grün',
      cut: 0,
      shift: 0,
      announced: 1_700_000_000_001,
      copies: [
        {
          storage: 'disk',
          state: 'copied',
          attempts: 0,
          digest: 'ab'.repeat(16),
          source: {
            dev: '1',
            ino: '9223372036854775808',
            size: 3,
            mtimeNs: '1700000000000000001',
            ctimeNs: '-1',
          },
        },
      ],
    },
    {
      type: 'file',
      seq: 2,
      path: 'bad\ufffdname\n',
      pathBase64: Buffer.from('bad\xffname\n', 'latin1').toString('base64'),
      cut: 0,
      shift: 0,
      announced: 1_700_000_000_002,
      copies: [
        {
          storage: 'disk',
          state: 'failed',
          attempts: 3,
          failure: { code: 'EIO', errno: -5, syscall: 'read', path: '/\ufffd', pathBase64: 'L/8=', dest: '/ü' },
        },
      ],
    },
  ])
  await journal.close()
})

test('names that a terminal would obey are dumped harmless and unchanged', async (t) => {
  const directory = temporary(t)
  const journal = await openJournal({ directory })
  const name = Buffer.from('\u001b[2J\u009b2J\u202egnp.exe\u007f').toString('latin1')
  await journal.apply([put(1, name, copy('disk'))])
  await journal.close()
  const { out } = susten('journal', 'dump', directory)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
  assert.doesNotMatch(out, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/)
  const file = JSON.parse(out.split('\n')[1] ?? '') as { path: string }
  assert.equal(file.path, '\u001b[2J\u009b2J\u202egnp.exe\u007f')
})

test('a reader that goes away early ends the dump quietly', async (t) => {
  const directory = temporary(t)
  const journal = await openJournal({ directory })
  await journal.apply(Array.from({ length: 20_000 }, (_, i) => put(i, `file${i}`, copy('disk'))))
  await journal.close()
  const child = spawn(process.execPath, [cli, 'journal', 'dump', directory], { stdio: ['ignore', 'pipe', 'pipe'] })
  let err = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  await once(child.stdout, 'data')
  child.stdout.destroy()
  assert.deepEqual(await once(child, 'close'), [0, null])
  assert.equal(err, '')
})

test('what cannot be written is a failure', async (t) => {
  const directory = temporary(t)
  await (await openJournal({ directory })).close()
  const { status, stderr } = spawnSync('sh', [
    '-c',
    `"$0" "$@" > /dev/full`,
    process.execPath,
    cli,
    'journal',
    'dump',
    directory,
  ])
  assert.equal(status, 1)
  assert.match(stderr.toString(), /^susten: .*ENOSPC.*\n$/)
})

test('failures are one line and exit code 1, wrong use is exit code 2', async (t) => {
  const directory = temporary(t)
  const failed = susten('journal', 'dump', directory)
  assert.deepEqual(failed, { code: 1, out: '', err: `susten: there is no journal in '${directory}'\n` })
  for (const args of [
    [],
    ['nonsense'],
    ['journal'],
    ['journal', 'dump'],
    ['journal', 'dump', 'a', 'b'],
    ['journal', 'dump', '-x'],
  ]) {
    const { code, out, err } = susten(...args)
    assert.deepEqual([code, out], [2, ''], args.join(' '))
    assert.match(err, /^susten: .*; see 'susten.* --help'\n$/)
  }
})

test('a damaged journal is not dumped, but what can be read on request', async (t) => {
  const directory = temporary(t)
  const journal = await openJournal({ directory })
  for (let i = 1; i <= 3; i++) await journal.apply([put(i, `file${i}`, copy('disk'))])
  await journal.close()
  const file = join(directory, '0000000001.journal')
  const bytes = readFileSync(file)
  bytes[bytes.indexOf('file2')] = 0
  writeFileSync(file, bytes)
  const refused = susten('journal', 'dump', directory)
  assert.deepEqual([refused.code, refused.out], [1, ''])
  assert.match(refused.err, /^susten: the journal is damaged: .*--salvage.*\n$/)
  const salvaged = susten('journal', 'dump', '--salvage', directory)
  assert.equal(salvaged.code, 1)
  assert.match(salvaged.err, /damaged/)
  assert.ok(salvaged.out.includes('"file1"') && salvaged.out.includes('"file3"'), salvaged.out)
})

test('help and version are printed to standard output', () => {
  assert.match(susten('--help').out, /^Usage: susten COMMAND[\s\S]*journal dump/)
  assert.match(susten('journal', 'dump', '--help').out, /^Usage: susten journal dump \[--salvage\] DIRECTORY/)
  const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }
  assert.equal(susten('--version').out, `${version}\n`)
})
