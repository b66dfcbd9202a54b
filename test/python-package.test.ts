import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openMessagePort, openStatusPort } from '#lib/grimsel/ports/index.js'
import { clientsFolder, pythons, startPython, testPython } from './support/python.js'
import { scratch } from './support/tree.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const sources = readdirSync(clientsFolder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.py'))
  .map((name) => join(clientsFolder, name))

/** An interpreter that can install packages: where there are several, not each has what that takes. */
const installer = [...pythons, '/usr/bin/python3'].find(
  (python) => spawnSync(python, ['-c', 'import setuptools, wheel, pip']).status === 0,
)

test('pip installs the clients from their folder without a network, and the examples run', async (t) => {
  if (installer === undefined) return t.skip('needs pip, setuptools and wheel for Python 3')
  const directory = await scratch(t)
  const [folder, target] = [join(directory, 'python'), join(directory, 'installed')]
  cpSync(clientsFolder, folder, { recursive: true })
  const pip = ['-m', 'pip', '--disable-pip-version-check', 'install', '--no-build-isolation', '--no-index']
  const installed = spawnSync(installer, [...pip, '--no-cache-dir', '--target', target, folder], {
    encoding: 'utf8',
    env: { ...process.env, PIP_CONFIG_FILE: '/dev/null' },
  })
  assert.equal(installed.status, 0, installed.stdout + installed.stderr)

  await using status = await openStatusPort({
    port: 0,
    query: () => [[{ usertime: 0, uid: 1001, gid: 100, storage: 'internal', pending: 1, copied: 23_456, failed: 0 }]],
  })
  const show = ['-m', 'dectris.grimsel.examples.GrimselStatus', '--once', '--port', String(status.port)]
  const shown = await startPython(t, installer, show, { path: target }).ended
  assert.equal(shown.stderr, '')
  assert.match(shown.stdout, /^User Time +\| +UID \| GID \| Storage +\| Pending \| Copied \| Failed\n-+\+[-+]+\n/)
  assert.match(shown.stdout, /\n19\S+ \| 1001 \| 100 \| internal \| +1 \| +23456 \| +0\n$/)
  await status.close()
  const failed = await startPython(t, installer, show, { path: target }).ended
  assert.equal(failed.code, 1)
  assert.match(failed.stderr, /^no connection to Grimsel at 127\.0\.0\.1 port \d+: .*\n$/)

  await using messages = await openMessagePort({ port: 0 })
  const args = [
    '-m',
    'dectris.grimsel.examples.GrimselMessages',
    '--all',
    '--timeout',
    '0',
    '--port',
    String(messages.port),
  ]
  const watching = startPython(t, installer, args, { path: target, env: { PYTHONIOENCODING: 'ascii' } })
  while (messages.connections === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  messages.publish({ name: 'SHIFT_CLEARED', shortmessage: '/ramdisk', longmessage: 'größe', count: 2 })
  await watching.printed('\n')
  await messages.close()
  const watched = await watching.ended
  assert.match(watched.stdout, /^\S+ SHIFT_CLEARED: gr\\xf6\\xdfe \(2 times\)\n$/)
  assert.match(watched.stderr, /DSocketNoConnect/)
})

testPython('other packages may have modules below dectris, installed elsewhere', async (t, python) => {
  const other = join(await scratch(t), 'dectris/albula')
  mkdirSync(other, { recursive: true })
  writeFileSync(join(other, '__init__.py'), '')
  const withInit = join(await scratch(t), 'dectris/other')
  mkdirSync(withInit, { recursive: true })
  writeFileSync(join(withInit, '__init__.py'), '')
  cpSync(join(clientsFolder, 'dectris/__init__.py'), join(dirname(withInit), '__init__.py'))
  cpSync(join(clientsFolder, 'dectris/__init__.py'), join(dirname(other), '__init__.py'))
  const path = [clientsFolder, dirname(dirname(other)), dirname(dirname(withInit))].join(':')
  const program = 'import dectris.albula, dectris.other, dectris.grimsel.DQueryStatusClient'
  const { code, stderr } = await startPython(t, python, ['-c', program], { path }).ended
  assert.equal(stderr, '')
  assert.equal(code, 0)
})

/** What Python 2.7 can't read, each of another kind. */
const newer = [
  'name = f"{1}"',
  'def f(*, key): pass',
  'def f(a: int): pass',
  'def f() -> int: pass',
  'def f(a, /): pass',
  'class C: pass',
  'class C(object, metaclass=type): pass',
  'def f():\n    a = 1\n    def g():\n        nonlocal a',
  'def f():\n    yield from []',
  'raise ValueError() from None',
  'a, *b = [1]',
  'a = {**{}}',
  'print("a", "b")',
  'super().__init__()',
  'a = 1_000',
  '# größe',
  'async def f(): pass',
  'if (a := 1): pass',
]

test('the clients are written so that Python 2.7 can read them', async (t) => {
  const python = pythons.find((name) => spawnSync(name, ['-c', 'import ast; ast.NamedExpr']).status === 0)
  if (python === undefined) return t.skip('needs Python 3.8')
  const check = (files: readonly string[]): string => {
    const checker = join(root, 'test/fixtures/python/python2_syntax.py')
    const { stdout, stderr } = spawnSync(python, [checker, ...files], { encoding: 'utf8' })
    assert.equal(stderr, '')
    return stdout
  }
  assert.equal(check(sources), '')
  assert.ok(sources.length >= 8, 'all files were looked at')
  const directory = await scratch(t)
  const samples = newer.map((text, at) => {
    const file = join(directory, `${at}.py`)
    writeFileSync(file, `${text}\n`)
    return file
  })
  const found = check(samples)
  for (const [at, file] of samples.entries()) assert.ok(found.includes(file), `${newer[at]} is found`)
})

test('the clients have the version of the package', () => {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  assert.match(readFileSync(join(clientsFolder, 'setup.py'), 'utf8'), new RegExp(`^ +version="${version}",$`, 'm'))
})
