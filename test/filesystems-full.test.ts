/** A full file system: nothing half there, nothing left over, and the space that was tried is free again. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statfsSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { inspect } from 'node:util'
import type { NativeCopyOptions } from '#lib/native.js'
import { command, type FileSystem, fileSystems, type Mount, mount, whyNot } from './support/mounts.js'
import { bytes, counting, namedTemps, openRaw, same } from './support/raw-engine.js'

const MiB = 1024 * 1024
const size = 6 * MiB

/** A file system with less than `size` free, on which `old` stands under the name already. */
function full(t: TestContext, kind: FileSystem): Mount {
  const disk = mount(kind, 8 * MiB)
  t.after(() => disk.unmount())
  command('mkdir', `${disk.path}/dest`)
  writeFileSync(`${disk.path}/dest/old`, 'the older one')
  const leave = size / 2
  for (let room = free(disk); room > leave; room = free(disk)) {
    const part = Math.min(room - leave, 64 * MiB)
    // Not fallocate(1): btrfs counts that as used only when it is written.
    command(
      'dd',
      'if=/dev/urandom',
      `of=${disk.path}/ballast-${room}`,
      'bs=65536',
      `count=${Math.ceil(part / 65536)}`,
      'status=none',
    )
    command('sync', '-f', disk.path)
  }
  return disk
}

function free(disk: Mount): number {
  const { bavail, bsize } = statfsSync(disk.path)
  return bavail * bsize
}

for (const kind of fileSystems) {
  for (const faults of [[counting], [namedTemps]]) {
    const temp = faults.includes(namedTemps) ? 'named' : 'unnamed'
    test(`a copy that doesn't fit on ${kind} leaves nothing (${temp} temp file)`, {
      skip: whyNot(kind) ?? false,
    }, async (t) => {
      const source = mount('tmpfs', 16 * MiB)
      t.after(() => source.unmount())
      const disk = full(t, kind)
      for (const name of ['new', 'old']) writeFileSync(`${source.path}/${name}`, Buffer.alloc(size, name))
      command('sync', '-f', disk.path)
      const before = free(disk)
      for (const options of kinds) {
        await using engine = openRaw({ faults })
        const job = { srcRoot: bytes(source.path), destRoot: bytes(`${disk.path}/dest`), options }
        // One at a time: what the first one took must be free again for the second to fail in the same way.
        for (const name of ['new', 'old']) {
          const { files } = await engine.startFiles({ ...job, files: [same(name)] }).finished
          const error = files[0]?.error
          assert.equal(error?.code, 'ENOSPC', inspect(files[0]))
          assert.equal(error?.path, `${disk.path}/dest/${name}`, 'the side that is full is named')
          assert.match(error?.syscall ?? '', /^(pwrite|sendfile|fdatasync|fsync|copy_file_range)$/)
        }
        assert.deepEqual(readdirSync(`${disk.path}/dest`), ['old'])
        assert.equal(readFileSync(`${disk.path}/dest/old`, 'latin1'), 'the older one')
        command('sync', '-f', disk.path)
        // XFS gives the space of removed files back in the background.
        for (let looks = 0; looks < 100 && free(disk) <= before - MiB / 2; looks++) await setTimeout(50)
        assert.ok(free(disk) > before - MiB / 2, `${before - free(disk)} bytes are missing`)
      }
    })
  }
}

const kinds: readonly Partial<NativeCopyOptions>[] = [
  { verify: 'none', durability: 'none' },
  { verify: 'inline', durability: 'batch' },
  { verify: 'readback', durability: 'each' },
]
