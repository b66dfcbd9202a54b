/** Furkas for tests: a buffer, storages behind it, a simulated detector server before it, and quick intervals. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import {
  type AnnouncedFile,
  Furka,
  type FurkaMessage,
  type FurkaOptions,
  type FurkaSourceOptions,
  Grimsel,
  openSimplon,
  type ReceivedFile,
  type RemovedFile,
  type UserChanged,
} from 'susten'
import type { Dcu } from '#lib/simulate/dcu/index.js'
import { quick } from './source-world.js'
import { scratch } from './tree.js'

/** Directories of one test. */
export interface FurkaPlace {
  readonly root: string
  readonly buffer: string
  readonly disk: string
  readonly gpfs: string
  readonly journal: string
}

export async function createFurkaPlace(t: TestContext): Promise<FurkaPlace> {
  const root = await scratch(t)
  const place = {
    root,
    buffer: join(root, 'buffer'),
    disk: join(root, 'disk'),
    gpfs: join(root, 'gpfs'),
    journal: join(root, 'furka-journal'),
  }
  for (const path of [place.buffer, place.disk, place.gpfs]) mkdirSync(path)
  return place
}

/** A source for a simulated server, quick to look. */
export const simplon = (dcu: Dcu | string, id?: string) =>
  openSimplon({ host: typeof dcu === 'string' ? dcu : dcu.url, ...quick, ...(id === undefined ? {} : { id }) })

/** What a Furka told since it was opened. */
export interface FurkaTold {
  readonly received: ReceivedFile[]
  readonly announced: AnnouncedFile[]
  readonly removed: RemovedFile[]
  readonly users: UserChanged[]
  readonly messages: FurkaMessage[]
  readonly errors: unknown[]
  readonly idles: { count: number }
}

export function listenTo(furka: Furka): FurkaTold {
  const told: FurkaTold = {
    received: [],
    announced: [],
    removed: [],
    users: [],
    messages: [],
    errors: [],
    idles: { count: 0 },
  }
  furka
    .on('received', (file) => told.received.push(file))
    .on('announced', (file) => told.announced.push(file))
    .on('removed', (file) => told.removed.push(file))
    .on('userChanged', (user) => told.users.push(user))
    .on('message', (message) => told.messages.push(message))
    .on('error', ({ error }) => told.errors.push(error))
    .on('idle', () => {
      told.idles.count += 1
    })
  return told
}

type Given = Partial<Omit<FurkaOptions, 'sources'>> & {
  readonly sources?: readonly FurkaSourceOptions[]
  /** More options of the one source. */
  readonly source?: Partial<FurkaSourceOptions>
}

/** Opens a Furka that goes with the test: of one server, to the buffer of the place. */
export async function openFurkaFor(
  t: TestContext,
  place: FurkaPlace,
  dcu: Dcu | string | undefined,
  { source, ...more }: Given = {},
): Promise<{ readonly furka: Furka; readonly told: FurkaTold }> {
  const sources = dcu === undefined ? [] : [{ source: simplon(dcu), target: place.buffer, ...source }]
  const furka = await Furka.open({ sources, journal: place.journal, ...more })
  t.after(() => furka.close('stop').catch(() => {}))
  return { furka, told: listenTo(furka) }
}

/** A Grimsel behind the buffer, quick to look. */
export async function openGrimselFor(t: TestContext, place: FurkaPlace): Promise<Grimsel> {
  const grimsel = await Grimsel.open({
    buffer: { directory: place.buffer },
    storages: [
      { id: 'disk', type: 'internal', target: place.disk },
      { id: 'gpfs', type: 'external', target: place.gpfs },
    ],
    journal: join(place.root, 'grimsel-journal'),
    volumeInterval: 50,
    retry: { attempts: 3, first: 10, max: 40 },
  })
  t.after(() => grimsel.close('stop').catch(() => {}))
  return grimsel
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** Every file that the server ever completed is below a directory, under its name, and just as it was. */
export function checkAllThere(dcu: Dcu, directory: string): void {
  for (const { name, digest } of dcu.truth.completed) {
    assert.equal(sha256(readFileSync(join(directory, name))), digest, name)
  }
}
