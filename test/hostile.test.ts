/** Copies as root, beside a user who owns what is copied and exchanges it: nothing leaves the roots, nothing comes in. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  type BigIntStats,
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { NativeFault, NativeFileResult } from '#lib/native.js'
import { bytes, namedTemps, openRaw, type RawEngine, type Running, same } from './support/raw-engine.js'
import { scratch } from './support/tree.js'

const nobody = 65_534
const skip = process.geteuid?.() === 0 ? false : 'needs root'
const hold = (call: string, at = 1): NativeFault => ({ call, effect: 'hold', at })

interface World {
  readonly root: string
  readonly source: string
  readonly target: string
}

/** Source and target, and all directories in them, are the user's; the rest is root's. */
async function world(t: TestContext): Promise<World> {
  const root = await scratch(t)
  chmodSync(root, 0o755)
  const [source, target] = [`${root}/source`, `${root}/target`]
  for (const path of [source, `${source}/d`, `${source}/d/e`, target, `${root}/away`]) give(path, undefined)
  for (const path of [`${source}/top`, `${source}/d/f`, `${source}/d/h`, `${source}/d/e/g`]) give(path, "the user's")
  symlinkSync('f', `${source}/d/l`)
  for (const [name, mode] of [
    ['secret', 0o700],
    ['outside', 0o755],
    ['elsewhere', 0o755],
    ['vault', 0o700],
  ] as const) {
    mkdirSync(`${root}/${name}`)
    for (const file of ['f', 'g', 'h', 'x']) writeFileSync(`${root}/${name}/${file}`, name.toUpperCase())
    mkdirSync(`${root}/${name}/e`)
    chmodSync(`${root}/${name}`, mode)
  }
  return { root, source, target }
}

/** A file, or a directory, of the user. */
function give(path: string, content: string | undefined): void {
  if (content === undefined) mkdirSync(path)
  else writeFileSync(path, content)
  chownSync(path, nobody, nobody)
}

/** Root's own things in a directory of the user's: a private file and a private directory with something in it. */
function trophies(path: string, vault: string): () => void {
  mkdirSync(`${path}/trophies`, 0o700)
  writeFileSync(`${path}/trophies/inner`, 'PRIVATE')
  writeFileSync(`${path}/trophy`, 'PRIVATE', { mode: 0o600 })
  // However it is renamed or removed, it can be found here.
  const kept = `${vault}/trophy-${lstatSync(path).ino}`
  linkSync(`${path}/trophy`, kept)
  const held = lstatSync(`${path}/trophies`).ino
  return () => {
    const st = lstatSync(kept)
    assert.deepEqual([st.uid, st.gid, st.mode & 0o7777], [0, 0, 0o600], 'the private file is still private')
    for (const name of existsSync(path) ? readdirSync(path) : []) {
      const found = lstatSync(`${path}/${name}`)
      if (found.ino === held) assert.deepEqual([found.uid, found.gid, found.mode & 0o7777], [0, 0, 0o700], name)
    }
  }
}

/** Everything about a tree that nobody may have touched. */
function picture(path: string): string[] {
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .sort()
    .map((name) => `${name} ${about(lstatSync(`${path}/${name}`, { bigint: true }))}`)
    .concat(about(lstatSync(path, { bigint: true })))
}

function about({ ino, mode, uid, gid, nlink, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [ino, mode, uid, gid, nlink, size, mtimeNs, ctimeNs].join(' ')
}

/** The content of every regular file below a directory, without following anything. */
function contents(path: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const name of readdirSync(path)) {
    const inner = `${path}/${name}`
    const st = lstatSync(inner)
    if (st.isDirectory()) for (const [below, text] of contents(inner)) found.set(`${name}/${below}`, text)
    else if (st.isFile()) found.set(name, readFileSync(inner, 'latin1'))
  }
  return found
}

test('a link where a directory of the source was leads nowhere', { skip }, async (t) => {
  const { root, source, target } = await world(t)
  renameSync(`${source}/d`, `${source}/d2`)
  symlinkSync(`${root}/secret`, `${source}/d`)
  symlinkSync(`${root}/secret/f`, `${source}/f`)
  await using engine = openRaw()
  const job = { srcRoot: bytes(source), destRoot: bytes(target) }
  const { files } = await engine.startFiles({ ...job, files: [same('d/f'), same('f')] }).finished
  assert.equal(of(files, 0)?.error?.code, 'ELOOP')
  assert.equal(of(files, 1)?.error?.code, 'ERR_SUSTEN_NOT_REGULAR')
  // A tree's links are copied as links.
  await engine.startTree({ src: bytes(source), dest: bytes(`${target}/tree`) }).finished
  assert.ok(lstatSync(`${target}/tree/d`).isSymbolicLink())
  assert.ok(![...contents(target).values()].includes('SECRET'))
})

test('a link where a directory of the target was is not written through', { skip }, async (t) => {
  const { root, source, target } = await world(t)
  symlinkSync(`${root}/elsewhere`, `${target}/d`)
  give(`${target}/tree`, undefined)
  symlinkSync(`${root}/elsewhere`, `${target}/tree/d`)
  const before = picture(`${root}/elsewhere`)
  await using engine = openRaw()
  const job = { srcRoot: bytes(source), destRoot: bytes(target), files: [same('d/f'), same('d/e/g'), same('d/new/g')] }
  for (const { error } of (await engine.startFiles(job).finished).files) assert.match(error?.code ?? '', /ELOOP|ENOENT/)
  const { files } = await engine.startTree({ src: bytes(source), dest: bytes(`${target}/tree`) }).finished
  assert.equal(files.find(({ name }) => name === 'd')?.error?.code, 'ERR_FS_CP_DIR_TO_NON_DIR')
  assert.deepEqual(picture(`${root}/elsewhere`), before)
})

test('a directory of the target that is moved away in the middle takes its file with it', { skip }, async (t) => {
  for (const faults of [[], [namedTemps]]) {
    const { root, source, target } = await world(t)
    give(`${target}/d`, undefined)
    const before = picture(`${root}/elsewhere`)
    const fault = hold('futimens')
    await using engine = openRaw({ faults: [fault, ...faults] })
    const { finished } = engine.startFiles({ srcRoot: bytes(source), destRoot: bytes(target), files: [same('d/f')] })
    await engine.reached(fault)
    renameSync(`${target}/d`, `${root}/away/d`)
    symlinkSync(`${root}/elsewhere`, `${target}/d`)
    engine.release()
    assert.equal((await finished).files[0]?.outcome, 'created')
    assert.deepEqual(contents(`${root}/away/d`), new Map([['f', "the user's"]]))
    assert.deepEqual(picture(`${root}/elsewhere`), before)
  }
})

test('a pipe, a socket or a device where a file was is refused at once', { skip }, async (t) => {
  const { source, target } = await world(t)
  assert.equal(spawnSync('mkfifo', [`${source}/pipe`]).status, 0)
  assert.equal(spawnSync('mknod', [`${source}/null`, 'c', '1', '3']).status, 0)
  const { createServer } = await import('node:net')
  const server = createServer().listen(`${source}/socket`)
  t.after(() => server.close())
  await once(server, 'listening')
  await using engine = openRaw()
  const job = { srcRoot: bytes(source), destRoot: bytes(target) }
  const names = ['pipe', 'null', 'socket', 'd']
  const { files } = await engine.startFiles({ ...job, files: names.map((name) => same(name)) }).finished
  for (const { error } of files) assert.equal(error?.code, 'ERR_SUSTEN_NOT_REGULAR')
  // In the target they are replaced, versioned or refused like anything else; never opened.
  for (const existing of ['replace', 'version', 'refuse', 'skip'] as const) {
    assert.equal(spawnSync('mkfifo', [`${target}/${existing}`]).status, 0)
    const file = { src: bytes('top'), dest: bytes(existing), existing }
    const [result] = (await engine.startFiles({ ...job, files: [file] }).finished).files
    assert.equal(
      result?.outcome,
      { replace: 'replaced', version: 'versioned', refuse: 'failed', skip: 'skipped' }[existing],
    )
  }
})

test('a file that becomes a pipe between looking and opening is refused, in a tree too', { skip }, async (t) => {
  const { source, target } = await world(t)
  // The entries have been read, as files; opening one is held.
  const start = (engine: RawEngine): Running =>
    engine.startTree({ src: bytes(`${source}/d/e`), dest: bytes(`${target}/tree`) })
  const opening = await next('openat', hold('getdents64', 2), start)
  spawnSync('rm', ['-rf', `${target}/tree`])
  await using engine = openRaw({ faults: [opening] })
  const { finished } = start(engine)
  await engine.reached(opening)
  renameSync(`${source}/d/e/g`, `${source}/aside`)
  assert.equal(spawnSync('mkfifo', [`${source}/d/e/g`]).status, 0)
  engine.release()
  const { files } = await finished
  assert.deepEqual(
    files.map(({ error }) => error?.code),
    ['ERR_SUSTEN_NOT_REGULAR'],
  )
})

test("another's file under the hidden name of a link does not change hands", { skip }, async (t) => {
  const { root, source, target } = await world(t)
  give(`${target}/d`, undefined)
  const check = trophies(`${target}/d`, `${root}/vault`)
  spawnSync('chown', ['-h', `${nobody}:${nobody}`, `${source}/d/l`])
  for (const call of ['openat', 'fchownat', 'utimensat']) {
    const start = (engine: RawEngine): Running =>
      engine.startTree({ src: bytes(`${source}/d/l`), dest: bytes(`${target}/d/l`), verbatimSymlinks: true })
    // From the first call behind symlinkat on, the name may lead to something else.
    const fault = await next(call, hold('symlinkat'), start)
    await using engine = openRaw({ faults: [fault] })
    const { finished } = start(engine)
    await engine.reached(fault)
    const [hidden] = readdirSync(`${target}/d`).filter((name) => name.startsWith('.susten-'))
    linkSync(`${root}/vault/trophy-${lstatSync(`${target}/d`).ino}`, `${target}/d/${call}`)
    renameSync(`${target}/d/${call}`, `${target}/d/${hidden}`)
    engine.release()
    const { files } = await finished
    if (call === 'openat') assert.equal(files[0]?.error?.code, 'EBUSY')
    check()
    spawnSync('rm', ['-f', `${target}/d/l`])
  }
})

test("another's directory under the hidden name of a new one does not change hands", { skip }, async (t) => {
  const { root, source, target } = await world(t)
  for (const what of ['files', 'tree'] as const) {
    const place = `${target}/${what}`
    give(place, undefined)
    const check = trophies(place, `${root}/vault`)
    const start = (engine: RawEngine): Running =>
      what === 'tree'
        ? engine.startTree({ src: bytes(`${source}/d`), dest: bytes(`${place}/new`) })
        : engine.startFiles({ srcRoot: bytes(`${source}/d`), destRoot: bytes(place), files: [same('e/g')] })
    // The new directory has been made under its hidden name, and is about to be opened.
    const opening = await next('openat', hold('mkdirat'), start)
    spawnSync('rm', ['-rf', `${place}/new`, `${place}/e`])
    await using engine = openRaw({ faults: [opening] })
    const { finished } = start(engine)
    await engine.reached(opening)
    const [hidden] = readdirSync(place).filter((name) => name.startsWith('.susten-'))
    renameSync(`${place}/trophies`, `${place}/${hidden}`)
    engine.release()
    const { files } = await finished
    assert.equal(files[0]?.error?.code, 'EBUSY', what)
    check()
  }
})

test("a hard link to another's file, with the very content that is copied, does not change hands", {
  skip,
}, async (t) => {
  const { root, source, target } = await world(t)
  writeFileSync(`${source}/top`, 'VAULT')
  chownSync(`${source}/top`, nobody, nobody)
  for (const path of [`${source}/top`, `${root}/vault/x`]) utimesSync(path, 1000, 2000)
  for (const existing of ['version', 'replace'] as const) {
    linkSync(`${root}/vault/x`, `${target}/${existing}`)
    const file = { src: bytes('top'), dest: bytes(existing), existing }
    await using engine = openRaw()
    const [result] = (
      await engine.startFiles({ srcRoot: bytes(source), destRoot: bytes(target), files: [file] }).finished
    ).files
    assert.equal(result?.outcome, 'replaced')
    const st = lstatSync(`${root}/vault/x`)
    assert.deepEqual([st.uid, st.gid, st.mode & 0o777], [0, 0, 0o644])
    assert.notEqual(lstatSync(`${target}/${existing}`).ino, st.ino)
    assert.equal(lstatSync(`${target}/${existing}`).uid, nobody)
  }
})

test("a hard link to another's file in the source gives nobody a right to it", { skip }, async (t) => {
  const { root, source, target } = await world(t)
  chmodSync(`${root}/vault/x`, 0o4600)
  linkSync(`${root}/vault/x`, `${source}/stolen`)
  await using engine = openRaw()
  await engine.startFiles({ srcRoot: bytes(source), destRoot: bytes(target), files: [same('stolen')] }).finished
  const st = lstatSync(`${target}/stolen`)
  assert.deepEqual([st.uid, st.gid, st.mode & 0o7777], [0, 0, 0o600], "it is its owner's still, and private")
})

test('names that lead out of the roots are refused', { skip }, async (t) => {
  const { root, source, target } = await world(t)
  const names = [
    '../secret/f',
    'd/../../secret/f',
    '/etc/passwd',
    '',
    '.',
    '..',
    'd/..',
    'd//f',
    './top',
    'top/',
    'a\0b',
  ]
  await using engine = openRaw()
  const job = { srcRoot: bytes(source), destRoot: bytes(target) }
  for (const name of names) {
    const out = { src: bytes(name), dest: bytes('out'), existing: 'replace' as const }
    const into = { src: bytes('top'), dest: bytes(name), existing: 'replace' as const }
    for (const { error } of (await engine.startFiles({ ...job, files: [out, into] }).finished).files) {
      assert.equal(error?.code, 'EINVAL', JSON.stringify(name))
    }
  }
  assert.deepEqual(readdirSync(target), [])
  assert.deepEqual(readdirSync(root).sort(), ['away', 'elsewhere', 'outside', 'secret', 'source', 'target', 'vault'])
})

test('hundreds of copies under attack read nothing from outside and write nothing there', { skip }, async (t) => {
  const { root, source, target } = await world(t)
  give(`${target}/d`, undefined)
  give(`${target}/tree`, undefined)
  const checks = [trophies(`${target}/d`, `${root}/vault`), trophies(`${target}/tree`, `${root}/vault`)]
  const outside = ['secret', 'outside', 'elsewhere']
  const before = outside.map((name) => picture(`${root}/${name}`))
  const text = readFileSync(fileURLToPath(new URL('./fixtures/attacker.js', import.meta.url)), 'utf8')
  const args = ['--input-type=module', '-e', text, root]
  const attacker = spawn(process.execPath, args, {
    uid: nobody,
    gid: nobody,
    cwd: '/',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => attacker.kill('SIGKILL'))
  await once(attacker.stdout, 'data')

  const outcomes = new Map<string, number>()
  const count = (files: readonly NativeFileResult[]): void => {
    for (const { outcome, error } of files) {
      const what = error?.code ?? outcome
      outcomes.set(what, (outcomes.get(what) ?? 0) + 1)
    }
  }
  const names = ['top', 'd/f', 'd/h', 'd/e/g']
  for (let round = 0; round < 120; ++round) {
    await using engine = openRaw({ threads: 2, faults: round % 2 === 0 ? [] : [namedTemps] })
    for (const existing of ['replace', 'version'] as const) {
      const files = names.map((name) => same(name, { existing }))
      for (let i = 0; i < 4; ++i) {
        count((await engine.startFiles({ srcRoot: bytes(source), destRoot: bytes(target), files }).finished).files)
      }
    }
    const tree = { src: bytes(source), dest: bytes(`${target}/tree`), verbatimSymlinks: true }
    for (let i = 0; i < 4; ++i) count((await engine.startTree(tree).finished).files)
  }
  attacker.kill('SIGKILL')
  await once(attacker, 'exit')

  for (const [path, text] of contents(target)) assert.doesNotMatch(text, /SECRET|OUTSIDE/, path)
  for (const [i, name] of outside.entries()) assert.deepEqual(picture(`${root}/${name}`), before[i], name)
  for (const check of checks) check()
  // It was an attack, and it did not stop the copies.
  const told = JSON.stringify([...outcomes])
  if (process.env['SHOW']) console.log(told)
  assert.ok((outcomes.get('created') ?? 0) + (outcomes.get('replaced') ?? 0) > 100, told)
  assert.ok((outcomes.get('ELOOP') ?? 0) + (outcomes.get('ERR_SUSTEN_NOT_REGULAR') ?? 0) > 0, told)
})

/** The first call of a kind behind another one, found by a run without anyone's interference. */
async function next(call: string, behind: NativeFault, start: (engine: RawEngine) => Running): Promise<NativeFault> {
  await using engine = openRaw({ faults: [behind] })
  const { finished } = start(engine)
  await engine.reached(behind)
  const at = (engine.calls()[call] ?? 0) + 1
  engine.release()
  await finished
  return hold(call, at)
}

function of(files: readonly NativeFileResult[], index: number): NativeFileResult | undefined {
  return files.find((file) => file.index === index)
}
