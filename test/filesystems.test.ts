/** One suite over every file system and every way of carrying bytes. */
import assert from 'node:assert/strict'
import {
  type BigIntStats,
  chmodSync,
  chownSync,
  closeSync,
  ftruncateSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { type ByteString, bufferOfBytes } from '#lib/bytes.js'
import { digestOf } from '#lib/demo/digest.js'
import type { NativeCopyOptions, NativeFileResult, Strategy } from '#lib/native.js'
import { command, type FileSystem, fileSystems, finds, type Mount, mount, whyNot } from './support/mounts.js'
import { bytes, openRaw } from './support/raw-engine.js'

const KiB = 1024
const MiB = 1024 * KiB

/** Bytes that differ from place to place. */
function pattern(size: number): Buffer {
  const buffer = Buffer.allocUnsafe(size)
  for (let i = 0; i < size; ++i) buffer[i] = (i ^ (i >> 8) ^ (i >> 16)) & 0xff
  return buffer
}

/** A file of `size` that is a hole but for what is written at these places. */
interface Sparse {
  readonly size: number
  readonly data: readonly number[]
}

const sparse: Record<string, Sparse> = {
  'hole-only': { size: 8 * MiB, data: [] },
  'hole-first': { size: 8 * MiB, data: [8 * MiB - 1] },
  'hole-last': { size: 8 * MiB, data: [0] },
  'hole-between': { size: 8 * MiB, data: [0, 3 * MiB + 5, 8 * MiB - 1] },
}
const dense: Record<string, Buffer> = {
  empty: pattern(0),
  one: pattern(1),
  'short-of-64k': pattern(64 * KiB - 1),
  '64k': pattern(64 * KiB),
  'over-64k': pattern(64 * KiB + 1),
  large: pattern(5 * MiB + 3),
  'new\nline': pattern(10),
  'not utf-8 \xff\xfe\x80': pattern(11),
  ['long-'.padEnd(255, 'x')]: pattern(12),
  ' ': pattern(13),
  '\\"$(id)': pattern(14),
  setid: pattern(15),
}
const names = [...Object.keys(dense), ...Object.keys(sparse)]
const at = (root: string, name: string): Buffer => bufferOfBytes(`${root}/${name}` as ByteString)

function plant(root: string): void {
  mkdirSync(root)
  for (const [name, content] of Object.entries(dense)) writeFileSync(at(root, name), content)
  for (const [name, { size, data }] of Object.entries(sparse)) {
    const fd = openSync(at(root, name), 'w')
    ftruncateSync(fd, size)
    for (const place of data) writeSync(fd, 'd', place)
    closeSync(fd)
  }
  names.forEach((name, i) => {
    chownSync(at(root, name), 1000 + i, 2000 + i)
    chmodSync(at(root, name), name === 'setid' ? 0o6755 : 0o400 + i)
  })
  // All at once, with nanoseconds, which node:fs can't set.
  command('sh', '-c', 'touch -a -d "2022-04-05 06:07:08.987654321" "$1"/*', 'sh', root)
  command('sh', '-c', 'touch -m -d "2021-03-04 05:06:07.123456789" "$1"/*', 'sh', root)
}

/** What must be the same of a copy and its source. */
function carried(st: BigIntStats): unknown {
  const { uid, gid, size, mtimeNs, atimeNs } = st
  return { uid, gid, size, mtimeNs, atimeNs, mode: st.mode & 0o777n }
}

/** What becomes of a strategy between two file systems, each with itself being one and the same. */
function expected(
  strategy: Strategy,
  from: FileSystem,
  to: FileSystem,
): Exclude<Strategy, 'auto'> | 'EXDEV' | 'ENOTSUP' {
  const clones = from === to && (from === 'xfs' || from === 'btrfs')
  switch (strategy) {
    case 'auto':
      if (clones) return 'reflink'
      return from === to ? 'copy_file_range' : 'sendfile'
    case 'reflink':
      if (from !== to) return 'EXDEV'
      return clones ? 'reflink' : 'ENOTSUP'
    case 'copy_file_range':
      return from === to ? 'copy_file_range' : 'EXDEV'
    default:
      return strategy
  }
}

const strategies: readonly Strategy[] = ['auto', 'reflink', 'copy_file_range', 'sendfile', 'readwrite']

describe('between file systems:', () => {
  const disks = new Map<FileSystem, Mount>()
  before(() => {
    for (const kind of fileSystems) {
      if (whyNot(kind) !== undefined) continue
      const disk = mount(kind, 64 * MiB)
      disks.set(kind, disk)
      plant(`${disk.path}/src`)
    }
  })
  after(() => {
    for (const disk of disks.values()) disk.unmount()
  })

  /** Copies everything from one to the other. */
  async function copy(
    from: FileSystem,
    to: FileSystem,
    options: Partial<NativeCopyOptions>,
  ): Promise<NativeFileResult[]> {
    const [src, dest] = [`${disks.get(from)?.path}/src`, `${disks.get(to)?.path}/dest`]
    rmSync(dest, { recursive: true, force: true })
    mkdirSync(dest)
    await using engine = openRaw({ threads: 2 })
    const files = names.map((name) => ({ src: bytes(name), dest: bytes(name), existing: 'refuse' as const }))
    const { finished } = engine.startFiles({ srcRoot: bytes(src), destRoot: bytes(dest), files, options })
    const results = (await finished).files
    assert.equal(results.length, names.length)
    for (const result of results) check(names[result.index] ?? '', result, src, dest)
    return results
  }

  function check(name: string, result: NativeFileResult, src: string, dest: string): void {
    const is = lstatSync(at(dest, name), { bigint: true, throwIfNoEntry: false })
    if (result.outcome === 'failed') {
      assert.equal(is, undefined, `${name} failed, but is there`)
      return
    }
    assert.ok(is !== undefined, name)
    const was = lstatSync(at(src, name), { bigint: true })
    assert.deepEqual(carried(is), carried(was), name)
    assert.equal(is.mtimeNs % 1_000_000_000n, 123_456_789n)
    assert.equal(is.mode & 0o7000n, 0n, 'no set-id bits')
    assert.equal(result.bytes, Number(was.size))
    const holes = sparse[name]
    const content = readFileSync(at(dest, name))
    if (result.digest !== undefined) assert.equal(result.digest, digestOf(content), name)
    if (holes === undefined) {
      assert.ok(content.equals(dense[name] ?? Buffer.alloc(0)), name)
    } else {
      assert.ok(is.blocks * 512n < is.size / 4n, `${name}: ${is.blocks} blocks`)
      assert.ok(content.equals(sparseContent(holes)), name)
    }
  }

  for (const from of fileSystems) {
    for (const to of fileSystems) {
      const skip = whyNot(from) ?? whyNot(to) ?? false
      for (const strategy of strategies) {
        const outcome = expected(strategy, from, to)
        const refused = outcome === 'EXDEV' || outcome === 'ENOTSUP'
        test(`${from} to ${to}, ${strategy}: ${refused ? `refused with ${outcome}` : outcome}`, { skip }, async () => {
          const results = await copy(from, to, { strategy, verify: 'none' })
          for (const result of results) {
            const name = names[result.index] ?? ''
            if (name === 'empty' || (name === 'hole-only' && strategy !== 'reflink')) continue // nothing to carry
            if (!refused) assert.equal(result.strategy, outcome, `${name}: ${JSON.stringify(result.error)}`)
            else assert.deepEqual([result.error?.code, result.error?.syscall], [outcome, callOf(strategy)])
          }
          const disk = disks.get(to)
          assert.ok(disk !== undefined && readdirSync(`${disk.path}/dest`).every((name) => !name.startsWith('.susten')))
        })
      }
      test(`${from} to ${to}, with a digest on the way and durable one by one`, { skip }, async () => {
        const results = await copy(from, to, { verify: 'inline', durability: 'each' })
        for (const { digest, strategy } of results) assert.ok(digest !== undefined && strategy === 'readwrite')
      })
      test(`${from} to ${to}, read back and durable in groups`, { skip }, async () => {
        for (const strategy of ['auto', 'sendfile'] as const) {
          const results = await copy(from, to, { strategy, verify: 'readback', durability: 'batch' })
          for (const { digest } of results) assert.ok(digest !== undefined)
        }
      })
    }
  }

  for (const kind of fileSystems) {
    const skip = whyNot(kind) ?? (finds('setfacl') && finds('setfattr') ? false : 'needs setfacl and setfattr')
    test(`${kind} keeps attributes and ACLs when asked, and else not`, { skip }, async () => {
      const root = disks.get(kind)?.path ?? ''
      const source = `${root}/src/64k`
      command('setfattr', '-n', 'user.beam', '-v', '12.4 keV', source)
      command('setfattr', '-n', 'trusted.run', '-v', '0s/wCA', source)
      command('setfacl', '-m', 'u:4321:rw,g:8765:r', source)
      const told = (path: string, acls: boolean): string =>
        command('getfattr', '--absolute-names', '-e', 'hex', '-d', '-m', '^(user|trusted|system.posix_acl)', path)
          .split('\n')
          .filter((line) => line.includes('=') && !(acls && line.startsWith('trusted.SGI_ACL_'))) // XFS's own way
          .sort()
          .join('\n')
      await copy(kind, kind, { xattrs: 'keep', acls: 'keep' })
      assert.match(told(source, true), /user\.beam/)
      assert.match(told(source, true), /system\.posix_acl_access/)
      assert.equal(told(`${root}/dest/64k`, true), told(source, true))
      await copy(kind, kind, { xattrs: 'keep', acls: 'off' })
      assert.equal(told(`${root}/dest/64k`, false), told(source, true).replace(/^system.*\n/m, ''))
      await copy(kind, kind, {})
      assert.equal(told(`${root}/dest/64k`, false), '')
    })
  }
})

function sparseContent({ size, data }: Sparse): Buffer {
  const buffer = Buffer.alloc(size)
  for (const place of data) buffer.write('d', place)
  return buffer
}

function callOf(strategy: Strategy): string {
  return strategy === 'reflink' ? 'ficlone' : strategy
}
