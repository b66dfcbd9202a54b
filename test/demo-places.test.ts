import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { openPlaces, PlaceError, type Places } from '#lib/demo/places.js'

const none = { buffer: undefined, internal: undefined, external: undefined }

describe("the demo's directories", () => {
  let folder = ''
  let places: Places | undefined
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'susten-test-places-'))
    places = undefined
  })
  afterEach(async () => {
    await places?.remove([])
    rmSync(folder, { recursive: true, force: true })
  })

  it('are temporary ones of its own by default, and all of them go, whatever is in them', async () => {
    places = await openPlaces(none, 1000)
    const directories = [places.buffer, places.internal, places.external, places.journal]
    for (const path of directories) {
      assert.deepEqual(readdirSync(path), [])
      mkdirSync(join(path, 'a'))
      writeFileSync(join(path, 'a/file'), 'x')
    }
    assert.deepEqual(await places.remove([]), [])
    for (const path of directories) assert.ok(!existsSync(path) && !existsSync(dirname(path)), path)
  })

  it('put the buffer on the tmpfs and the storages elsewhere', { skip: reasonWithoutTmpfs() }, async () => {
    places = await openPlaces(none, 1000)
    assert.ok(places.buffer.startsWith('/dev/shm/'))
    assert.ok(!places.internal.startsWith('/dev/shm/') && !places.external.startsWith('/dev/shm/'))
    assert.deepEqual(places.remarks, [])
  })

  it('say so when the tmpfs has no room, and refuse when nothing has', async () => {
    const { bavail, bsize } = statfsSync(tmpdir())
    await assert.rejects(openPlaces(none, bavail * bsize), (error) => {
      assert.ok(error instanceof PlaceError)
      assert.match(error.message, /are needed; there is no room in/)
      return true
    })
  })

  it('may be given: new ones are made with what is missing above them, and go again', async () => {
    const given = { buffer: join(folder, 'x/y/buffer'), internal: join(folder, 'x/internal'), external: undefined }
    places = await openPlaces(given, 1000)
    assert.equal(places.buffer, given.buffer)
    assert.deepEqual(readdirSync(given.buffer), [])
    assert.deepEqual(await places.remove([]), [])
    assert.deepEqual(readdirSync(folder), [])
  })

  it('of the user keep everything that the demo did not make', async () => {
    const internal = join(folder, 'internal')
    mkdirSync(internal)
    places = await openPlaces({ ...none, internal }, 1000)
    mkdirSync(join(internal, 'run1'))
    mkdirSync(join(internal, '.susten-1f-staging'))
    const names = ['run1/made', 'run1/.susten-4.tmp', '.susten-1f-staging/1.part', 'run1/mine']
    for (const name of names) writeFileSync(join(internal, name), 'x')
    symlinkSync('/', join(internal, 'root'))
    assert.deepEqual(await places.remove(['run1/made', 'run1/never-written']), [
      join(internal, 'root'),
      join(internal, 'run1'),
    ])
    assert.deepEqual(readdirSync(join(internal, 'run1')), ['mine'])
    places = undefined
  })

  it('that were there and empty stay', async () => {
    const internal = join(folder, 'internal')
    mkdirSync(internal)
    places = await openPlaces({ ...none, internal }, 1000)
    mkdirSync(join(internal, 'run1'))
    writeFileSync(join(internal, 'run1/made'), 'x')
    assert.deepEqual(await places.remove(['run1/made']), [])
    assert.deepEqual(readdirSync(internal), [])
  })

  it('are refused if they hold anything, are no directories or lie one inside the other', async () => {
    const full = join(folder, 'full')
    mkdirSync(full)
    writeFileSync(join(full, 'mine'), '')
    const refused = async (given: Partial<Record<keyof typeof none, string>>, message: RegExp): Promise<void> => {
      await assert.rejects(openPlaces({ ...none, ...given }, 1000), (error) => {
        assert.ok(error instanceof PlaceError)
        assert.match(error.message, message)
        return true
      })
    }
    await refused({ internal: full }, /--internal .*full must be empty or new/)
    await refused({ external: join(full, 'mine') }, /--external .*mine can't be used: ENOTDIR/)
    await refused({ buffer: join(folder, 'a'), external: join(folder, 'a/b') }, /must not be one inside the other/)
    await refused({ internal: join(folder, 'a'), external: join(folder, 'a') }, /must not be one inside the other/)
    assert.deepEqual(readdirSync(folder), ['full'])
    assert.deepEqual(readdirSync(full), ['mine'])
  })

  it('are refused where there is no room, and then nothing is left', async () => {
    const { bavail, bsize } = statfsSync(folder)
    const given = { buffer: join(folder, 'b'), internal: join(folder, 'i'), external: join(folder, 'e') }
    await assert.rejects(openPlaces(given, bavail * bsize), /free, and .* are needed/)
    assert.deepEqual(readdirSync(folder), [])
  })
})

function reasonWithoutTmpfs(): string | false {
  const TMPFS = 0x01021994
  const found = existsSync('/dev/shm') ? statfsSync('/dev/shm') : undefined
  if (found?.type !== TMPFS || found.bavail * found.bsize < 1e8) return 'no tmpfs with room on /dev/shm'
  return statfsSync(tmpdir()).type === TMPFS ? 'no disk' : false
}
