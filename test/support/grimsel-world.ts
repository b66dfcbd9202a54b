/** Grimsels for tests: a buffer, storages, and quick intervals. */
import assert from 'node:assert/strict'
import { lstatSync, mkdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { Grimsel, type GrimselOptions, type StorageOptions } from 'susten'
import { listen, type Told } from './mirror-world.js'
import { scratch } from './tree.js'

/** Directories of one test. */
export interface GrimselPlace {
  readonly root: string
  readonly buffer: string
  readonly disk: string
  readonly gpfs: string
  readonly tape: string
  readonly journal: string
  /** Writes a file below the buffer, with its directories; its path. */
  write(name: string, content?: string | Buffer): string
  /** What stands under a name on the buffer or a storage: `file`, where a link leads, or `nothing`. */
  at(where: 'buffer' | 'disk' | 'gpfs' | 'tape', name: string): string
}

export async function createGrimselPlace(t: TestContext): Promise<GrimselPlace> {
  const root = await scratch(t)
  const [buffer, disk, gpfs, tape] = ['buffer', 'disk', 'gpfs', 'tape'].map((name) => join(root, name))
  assert.ok(buffer && disk && gpfs && tape)
  for (const path of [buffer, disk, gpfs, tape]) mkdirSync(path)
  return {
    root,
    buffer,
    disk,
    gpfs,
    tape,
    journal: join(root, 'journal'),
    write(name, content = `content of ${name}`) {
      const path = join(buffer, name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, content)
      return path
    },
    at: (where, name) => standing(join(root, where, name)),
  }
}

/** What stands under a path. */
function standing(path: string): string {
  const stats = lstatSync(path, { throwIfNoEntry: false })
  if (stats === undefined) return 'nothing'
  if (stats.isSymbolicLink()) return readlinkSync(path)
  return stats.isDirectory() ? 'directory' : 'file'
}

/** Storages of a place. */
export const internal = (place: GrimselPlace): StorageOptions => ({ id: 'disk', type: 'internal', target: place.disk })
export const external = (place: GrimselPlace): StorageOptions => ({ id: 'gpfs', type: 'external', target: place.gpfs })
export const optional = (place: GrimselPlace): StorageOptions => ({ id: 'tape', type: 'optional', target: place.tape })

/** Options of a Grimsel with an internal and an external storage, quick to try again. */
export function grimselOptions(place: GrimselPlace, more: Partial<GrimselOptions> = {}): GrimselOptions {
  return {
    buffer: { directory: place.buffer },
    storages: [internal(place), external(place)],
    journal: place.journal,
    volumeInterval: 50,
    retry: { attempts: 3, first: 10, max: 40 },
    ...more,
  }
}

export interface OpenedGrimsel {
  readonly grimsel: Grimsel
  readonly told: Told
}

/** Opens a Grimsel that goes with the test. */
export async function openFor(
  t: TestContext,
  place: GrimselPlace,
  more: Partial<GrimselOptions> = {},
): Promise<OpenedGrimsel> {
  const grimsel = await Grimsel.open(grimselOptions(place, more))
  t.after(() => grimsel.close('stop').catch(() => {}))
  return { grimsel, told: listen(grimsel) }
}

/** Writes files, announces them, and waits until all that can be done is done. */
export async function take(place: GrimselPlace, grimsel: Grimsel, ...names: readonly string[]): Promise<void> {
  await grimsel.add(names.map((name) => place.write(name)))
  await grimsel.idle()
}
