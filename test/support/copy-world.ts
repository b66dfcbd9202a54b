/** The copy of one or several files by name, as a world for the fault matrix. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  type BigIntStats,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { digestOf } from '#lib/demo/digest.js'
import type {
  Existing,
  NativeCopyFile,
  NativeCopyOptions,
  NativeFault,
  NativeFileResult,
  NativeFingerprint,
} from '#lib/native.js'
import type { FaultWorld } from './fault-matrix.js'
import { command } from './mounts.js'
import { bytes } from './raw-engine.js'

/** What stands under the final name before the copy. */
export type Before =
  | 'nothing'
  | 'other' // other content of another size
  | 'alike' // other content of the same size
  | 'equal' // the same content, another time
  | 'same' // the same content and time
  | 'own' // other content, which `expect` says is ours
  | 'known' // the same content and time, and the journal knows

export interface CopyScenario {
  readonly existing: Existing
  readonly before: Before
  readonly options: Partial<NativeCopyOptions>
  /** Below both roots. Default one file `f`. */
  readonly names?: readonly string[]
  /** Make the engine use temp files with names: the number of the `openat` that asks for an unnamed one. */
  readonly named?: number
  /** Faults that make the file system poorer than it is. */
  readonly faults?: readonly NativeFault[]
  /** The source is a hole of 256 KiB with a little data in its middle and at its end. */
  readonly sparse?: boolean
  /** The source has extended attributes and an ACL. */
  readonly attributes?: boolean
}

/** Owner, mode and time of the source. */
const owner = { uid: 1234, gid: 5678, mode: 0o660 }
const dense = Buffer.alloc(70_000)
for (let i = 0; i < dense.length; ++i) dense[i] = (i * 7 + (i >> 8)) & 0xff
const older = Buffer.from('the older content')
const alike = Buffer.from(dense.map((byte) => byte ^ 0xff))
const holey = Buffer.alloc(1 << 18)
holey.write('in the middle', 1 << 17)
holey.write('the end', (1 << 18) - 7)

/** A world in which `scenario` happens below `root`. */
export function copyWorld(root: string, scenario: CopyScenario): FaultWorld {
  const { existing, before, options, names = ['f'], named, sparse = false, attributes = false } = scenario
  const content = sparse ? holey : dense
  const contentBefore = (): Buffer => {
    if (before === 'alike') return alike
    return before === 'other' || before === 'own' ? older : content
  }
  const [src, dest] = [join(root, 'src'), join(root, 'dest')]
  for (const path of [src, dest]) rmSync(path, { recursive: true, force: true })
  mkdirSync(src)
  for (const name of names) {
    const path = join(src, name)
    mkdirSync(dirname(path), { recursive: true })
    if (sparse) writeSparse(path)
    else writeFileSync(path, content)
    if (attributes) {
      command('setfattr', '-n', 'user.beam', '-v', '12.4 keV', path)
      command('setfattr', '-n', 'trusted.run', '-v', 'seven', path)
      command('setfacl', '-m', 'u:4321:r', path)
    }
    if (dirname(path) !== src) {
      chownSync(dirname(path), owner.uid, owner.gid)
      chmodSync(dirname(path), 0o2750)
    }
    chownSync(path, owner.uid, owner.gid)
    chmodSync(path, owner.mode | 0o6000) // the set-id bits must not come along
    touch(path)
  }
  const sources = new Map(names.map((name) => [name, lstatSync(join(src, name), { bigint: true })]))
  // What is there in the end, for those worlds in which it is there from the beginning.
  const twin = join(root, 'twin')
  if (before === 'same' || before === 'known') {
    rmSync(twin, { force: true })
    writeFileSync(twin, content)
    chownSync(twin, owner.uid, owner.gid)
    chmodSync(twin, owner.mode)
    touch(twin)
  }
  const olds = new Map<string, BigIntStats>()
  const faults: NativeFault[] = [...(scenario.faults ?? [])]
  if (named !== undefined) faults.push({ call: 'openat', effect: 'EOPNOTSUPP', at: named })

  function plan(name: string): NativeCopyFile {
    const old = olds.get(name)
    const source = sources.get(name)
    const file = { src: bytes(name), dest: bytes(name), existing }
    if ((before !== 'own' && before !== 'known') || !old || !source) return file
    const expect = { size: Number(old.size), mtimeNs: old.mtimeNs }
    return before === 'own' ? { ...file, expect } : { ...file, expect, known: fingerprint(source) }
  }

  function check(name: string, result: NativeFileResult | undefined): void {
    const { outcome, version } = result ?? {}
    if (result?.digest !== undefined) assert.equal(result.digest, digestOf(content))
    const path = join(dest, name)
    const source = lstatSync(join(src, name), { bigint: true })
    assert.deepEqual(identity(source), identity(sources.get(name)), 'the source is as it was')
    assert.ok(read(join(src, name)).equals(content))
    const old = olds.get(name)
    const now = lstatSync(path, { bigint: true, throwIfNoEntry: false })
    const isOld = now !== undefined && old !== undefined && now.ino === old.ino
    const isNew = now !== undefined && !isOld
    if (isOld) assert.ok(read(path).equals(contentBefore()), 'the older content')
    if (isNew) {
      assert.ok(read(path).equals(content), 'the new content')
      checkNew(now, source)
      if (sparse) assert.ok(now.blocks <= source.blocks, `holes stay holes: ${now.blocks} blocks`)
      if (attributes) checkAttributes(attributesOf(path), attributesOf(join(src, name)))
    }
    if (old !== undefined) assert.ok(now !== undefined, 'the name was never missing')
    switch (outcome) {
      case 'created':
        assert.equal(old, undefined)
        assert.ok(isNew)
        break
      case 'replaced':
      case 'versioned':
        assert.ok(old !== undefined && isNew)
        assert.equal(version !== undefined, outcome === 'versioned')
        break
      case 'unchanged':
      case 'skipped':
        assert.ok(isOld)
        break
      default: // failed, or not even begun
        if (existing === 'refuse' || existing === 'skip') assert.ok(old === undefined || isOld)
    }
    checkVersions(name, isNew && old !== undefined, version)
  }

  function checkAttributes(copy: string, original: string): void {
    if (options?.xattrs !== 'try') assert.equal(copy, original)
    // None of its own; one that the target has no room for may be missing.
    for (const line of copy.split('\n')) assert.ok(original.split('\n').includes(line), line)
  }

  /** The older file is kept where the new content took its name, unless that was the same or its own copy. */
  function checkVersions(name: string, taken: boolean, version: string | undefined): void {
    const folder = dirname(join(dest, name))
    const kin = (existsSync(folder) ? readdirSync(folder) : []).filter((each) => each.startsWith(`${basename(name)}.~`))
    if (taken && losesContent(scenario)) assert.ok(kin.length > 0, 'the older content is kept')
    if (!taken || existing !== 'version') assert.deepEqual(kin, [])
    if (version !== undefined) assert.ok(kin.includes(version))
    for (const each of kin) {
      assert.ok(read(join(folder, each)).equals(contentBefore()))
      assert.equal(lstatSync(join(folder, each), { bigint: true }).ino, olds.get(name)?.ino)
    }
  }

  return {
    faults,
    roots: [src, dest],
    reset() {
      rmSync(dest, { recursive: true, force: true })
      mkdirSync(dest)
      olds.clear()
      if (before === 'nothing') return
      for (const name of names) {
        const path = join(dest, name)
        mkdirSync(dirname(path), { recursive: true })
        if (before === 'same' || before === 'known') {
          linkSync(twin, path)
        } else {
          writeFileSync(path, contentBefore())
          utimesSync(path, 1000, 2000)
        }
        olds.set(name, lstatSync(path, { bigint: true }))
      }
    },
    run: (engine) =>
      engine.startFiles({ srcRoot: bytes(src), destRoot: bytes(dest), files: names.map(plan), options }).finished,
    check({ files, done }) {
      assert.ok(done.error !== undefined || files.length === names.length, 'every file is answered')
      assert.equal(new Set(files.map(({ index }) => index)).size, files.length, 'once')
      const litter = readdirSync(dest, { recursive: true, encoding: 'utf8' }).filter((name) =>
        name.includes('.susten-'),
      )
      assert.deepEqual(litter, [], 'temp files left')
      names.forEach((name, index) => {
        const result = files.find((file) => file.index === index)
        check(name, result)
        if (name.includes('/')) checkDirectory(join(dest, dirname(name)), before === 'nothing')
      })
    },
  }
}

/** Whether taking the name would lose content that must be kept. */
function losesContent({ existing, before }: CopyScenario): boolean {
  return existing === 'version' && (before === 'other' || before === 'alike')
}

function checkNew(now: BigIntStats, source: BigIntStats): void {
  assert.equal(now.uid, source.uid)
  assert.equal(now.gid, source.gid)
  assert.equal(now.mode & 0o7777n, source.mode & 0o777n)
  assert.equal(now.mtimeNs, source.mtimeNs)
  assert.equal(now.atimeNs, source.atimeNs)
  assert.equal(now.nlink, 1n)
}

/** A directory that the copy made has its origin's owner and mode, or isn't there. */
function checkDirectory(path: string, made: boolean): void {
  const st = lstatSync(path, { throwIfNoEntry: false })
  if (!made || st === undefined) return
  assert.deepEqual([st.uid, st.gid, (st.mode & 0o7777).toString(8)], [owner.uid, owner.gid, '750'], `directory ${path}`)
}

function writeSparse(path: string): void {
  const fd = openSync(path, 'w')
  writeSync(fd, holey.subarray(1 << 17, (1 << 17) + 13), 0, 13, 1 << 17)
  writeSync(fd, holey.subarray(-7), 0, 7, (1 << 18) - 7)
  closeSync(fd)
}

/** Extended attributes and ACL, as text. */
function attributesOf(path: string): string {
  return command('getfattr', '--absolute-names', '-d', '-m', '-', path).replace(/^# file.*$/m, '')
}

/** Reads without leaving a trace in the access time. */
function read(path: string): Buffer {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOATIME)
  try {
    return readFileSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** touch(1) sets nanoseconds, which node:fs can't. */
function touch(path: string): void {
  spawnSync('touch', ['-a', '-d', '2022-04-05 06:07:08.987654321', path])
  spawnSync('touch', ['-m', '-d', '2021-03-04 05:06:07.123456789', path])
}

function identity(st: BigIntStats | undefined): unknown {
  if (st === undefined) return undefined
  const { ino, mode, uid, gid, nlink, size, atimeNs, mtimeNs, ctimeNs } = st
  return { ino, mode, uid, gid, nlink, size, atimeNs, mtimeNs, ctimeNs }
}

function fingerprint({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): NativeFingerprint {
  return { dev, ino, size: Number(size), mtimeNs, ctimeNs }
}
