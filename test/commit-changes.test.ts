/** A source that changes while it is copied never becomes a file under the final name. */
import assert from 'node:assert/strict'
import {
  appendFileSync,
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { after, before, describe, test } from 'node:test'
import type { NativeCopyOptions, NativeFault } from '#lib/native.js'
import { type FileSystem, type Mount, mount, whyNot } from './support/mounts.js'
import { bytes, openRaw, same } from './support/raw-engine.js'

const size = 9 << 20 // three strides
const content = Buffer.alloc(size, 'original')

const changes: Record<string, (path: string) => void> = {
  grows: (path) => appendFileSync(path, 'more'),
  shrinks: (path) => truncateSync(path, size / 2),
  'is emptied': (path) => truncateSync(path, 0),
  'is rewritten in place': (path) => poke(path, 'another!'),
  'is rewritten in place, and its time set back': (path) => {
    const { atime, mtime } = statSync(path)
    poke(path, 'another!')
    utimesSync(path, atime, mtime)
  },
  'is replaced by a rename': (path) => {
    writeFileSync(`${path}.new`, Buffer.alloc(size, 'another!'))
    renameSync(`${path}.new`, path)
  },
  'is removed': (path) => unlinkSync(path),
  'gets another mode': (path) => chmodSync(path, 0o600),
}

function poke(path: string, text: string): void {
  const fd = openSync(path, 'r+')
  writeSync(fd, text, size - text.length)
  closeSync(fd)
}

/** Each way of carrying bytes, and the calls in whose middle the change may come. */
const ways: readonly [string, FileSystem, Partial<NativeCopyOptions>, readonly NativeFault[]][] = [
  [
    'readwrite',
    'tmpfs',
    { strategy: 'readwrite', verify: 'none' },
    [at('pread', 1), at('pread', 100), at('pwrite', 144)],
  ],
  ['inline digest', 'tmpfs', { verify: 'inline' }, [at('pread', 2), at('pwrite', 1), at('pwrite', 144)]],
  [
    'sendfile',
    'tmpfs',
    { strategy: 'sendfile', verify: 'none' },
    [at('sendfile', 1), at('sendfile', 2), at('sendfile', 3)],
  ],
  [
    'copy_file_range',
    'ext4',
    { strategy: 'copy_file_range', verify: 'none' },
    [at('copy_file_range', 1), at('copy_file_range', 3)],
  ],
  ['reflink', 'xfs', { strategy: 'reflink', verify: 'none' }, [at('ficlone', 1), at('fstat', 3)]],
  ['a second reading', 'ext4', { strategy: 'sendfile', verify: 'readback' }, [at('pread', 1), at('pread', 100)]],
]

function at(call: string, number: number): NativeFault {
  return { call, effect: 'hold', at: number }
}

for (const [way, kind, options, faults] of ways) {
  describe(`${way} on ${kind}: a source that`, { skip: whyNot(kind) ?? false, concurrency: 4 }, () => {
    let disk: Mount
    before(() => {
      disk = mount(kind, 256 << 20)
    })
    after(() => disk.unmount())

    for (const [number, [change, make]] of Object.entries(changes).entries()) {
      const existing = number % 2 === 0 ? 'nothing' : 'something'
      test(`${change} is refused; under the name is ${existing}, as before`, async () => {
        for (const fault of faults) {
          const [src, dest] = [`${disk.path}/src-${number}`, `${disk.path}/dest-${number}`]
          for (const path of [src, dest]) {
            rmSync(path, { recursive: true, force: true })
            mkdirSync(path)
          }
          writeFileSync(`${src}/f`, content)
          if (existing === 'something') writeFileSync(`${dest}/f`, 'older')
          await using engine = openRaw({ faults: [fault] })
          const job = { srcRoot: bytes(src), destRoot: bytes(dest), files: [same('f')], options }
          const { finished } = engine.startFiles(job)
          await engine.reached(fault)
          make(`${src}/f`)
          engine.release()
          const [result] = (await finished).files
          const told = `${fault.call} #${fault.at}`
          assert.equal(result?.error?.code, 'ERR_SUSTEN_CHANGED', told)
          assert.equal(result?.error?.path, `${src}/f`, told)
          assert.equal(result?.error?.dest, `${dest}/f`, told)
          assert.deepEqual(readdirSync(dest), existing === 'something' ? ['f'] : [], told)
          if (existsSync(`${dest}/f`)) assert.equal(readFileSync(`${dest}/f`, 'latin1'), 'older')
        }
      })
    }
  })
}
