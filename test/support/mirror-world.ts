/** Mirrors for tests: places on disk, quick intervals, and what a Mirror told. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type CopiedFile,
  type FailedFile,
  type Grimsel,
  Mirror,
  type MirrorMessage,
  type MirrorOptions,
  type StorageOptions,
} from 'susten'
import { scratch } from './tree.js'

/** Directories of one test: a source, the targets of two storages, and where the journal goes. */
export interface Place {
  readonly root: string
  readonly source: string
  readonly disk: string
  readonly gpfs: string
  readonly journal: string
  /** Writes a file below the source, with its directories; its path. */
  write(name: string, content?: string | Buffer): string
  /** What a storage has under a name. */
  on(storage: 'disk' | 'gpfs', name: string): string
}

export async function createPlace(t: TestContext): Promise<Place> {
  const root = await scratch(t)
  const [source, disk, gpfs] = [join(root, 'source'), join(root, 'disk'), join(root, 'gpfs')]
  for (const path of [source, disk, gpfs]) mkdirSync(path)
  return {
    root,
    source,
    disk,
    gpfs,
    journal: join(root, 'journal'),
    write(name, content = `content of ${name}`) {
      const path = join(source, name)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, content)
      return path
    },
    on: (storage, name) => readFileSync(join(root, storage, name), 'utf8'),
  }
}

type Given = Partial<Omit<MirrorOptions, 'storages'>> & {
  readonly storages?: readonly StorageOptions[]
  /** More options of the two storages. */
  readonly disk?: Partial<StorageOptions>
  readonly gpfs?: Partial<StorageOptions>
}

/** Options of a Mirror with the storages `disk` and `gpfs`: quick to try again, and no scan but the first. */
export function optionsFor(place: Place, { disk, gpfs, ...more }: Given = {}): MirrorOptions {
  return {
    source: place.source,
    journal: place.journal,
    storages: [
      { id: 'disk', type: 'internal', target: place.disk, ...disk },
      { id: 'gpfs', type: 'external', target: place.gpfs, ...gpfs },
    ],
    settle: 40,
    scanInterval: 3_600_000,
    volumeInterval: 50,
    durability: 'none',
    retry: { attempts: 3, first: 10, max: 40 },
    ...more,
  }
}

/** What a Mirror told since it was opened. */
export interface Told {
  readonly copied: CopiedFile[]
  readonly failed: FailedFile[]
  readonly messages: MirrorMessage[]
  readonly errors: unknown[]
  readonly idles: { count: number }
}

export interface Open {
  readonly mirror: Mirror
  readonly told: Told
}

/** Opens a Mirror that goes with the test. */
export async function open(t: TestContext, place: Place, more: Given = {}): Promise<Open> {
  const mirror = await Mirror.open(optionsFor(place, more))
  t.after(() => mirror.close('stop').catch(() => {}))
  return { mirror, told: listen(mirror) }
}

export function listen(mirror: Mirror | Grimsel): Told {
  const told: Told = { copied: [], failed: [], messages: [], errors: [], idles: { count: 0 } }
  mirror
    .on('copied', (file) => told.copied.push(file))
    .on('failed', (file) => told.failed.push(file))
    .on('message', (message) => told.messages.push(message))
    .on('error', ({ error }) => told.errors.push(error))
    .on('idle', () => {
      told.idles.count += 1
    })
  return told
}

/** Waits for something to come true; only a Mirror that never gets there fails here. */
export async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + 60_000
  while (!(await holds())) {
    assert.ok(performance.now() < end, `still waiting: ${what}`)
    await sleep(5)
  }
}

/** The figures of one storage. */
export function figures(mirror: Mirror, id: string) {
  const found = mirror.status().storages.find((storage) => storage.id === id)
  assert.ok(found, `there is a storage ${id}`)
  return found
}

/** The message of a code that was told, if one was. */
export const message = (told: Told, code: string): MirrorMessage | undefined =>
  told.messages.find((one) => one.code === code)

/** The message of a code, as soon as it is told. */
export async function heard(told: Told, code: string): Promise<MirrorMessage> {
  await until(() => message(told, code) !== undefined, code)
  const found = message(told, code)
  assert.ok(found)
  return found
}

/** Names of all files below a directory, sorted. Looked for anew where a directory went while it was read. */
export function filesBelow(path: string): string[] {
  for (let tries = 1; ; tries++) {
    try {
      return namesBelow(path)
    } catch (error) {
      if (tries === 20 || !(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    }
  }
}

function namesBelow(path: string): string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort()
}

/** All of an async iteration. */
export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}
