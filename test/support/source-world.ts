/** Sources under test: their events, gathered. */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import type { TestContext } from 'node:test'
import type { Dcu } from '#lib/simulate/dcu/index.js'
import type { FileBody, FileOffer, FileSource, SourceEvent, SourceState } from '#lib/source/files.js'
import { openSimplon, type SimplonOptions } from '#lib/source/simplon/index.js'
import { eventually } from './dcu-world.js'

/** A source that is being read. */
export interface Watched {
  readonly source: FileSource
  /** All that it told, in order. */
  readonly events: SourceEvent[]
  readonly state: SourceState | undefined
  /** Files that were offered, in order. */
  readonly offers: readonly FileOffer[]
  /** Resolves when so many files were offered. */
  offered(count: number): Promise<readonly FileOffer[]>
  /** The newest offer of a name, once there is one. */
  offer(name: string): Promise<FileOffer>
  /** Ends the reading. */
  stop(): Promise<void>
}

/** Waits so short that tests are quick. */
export const quick: Partial<SimplonOptions> = {
  settle: 10,
  sure: 60,
  poll: { arriving: 5, acquiring: 10, idle: 20, longest: 40, status: 20 },
}

export function watch(t: TestContext, source: FileSource): Watched {
  const events: SourceEvent[] = []
  const stopping = new AbortController()
  const reading = (async () => {
    for await (const event of source.open(stopping.signal)) events.push(event)
  })()
  t.after(async () => {
    await source.close()
    await reading
  })
  const watched: Watched = {
    source,
    events,
    get state() {
      return events.findLast((event) => event.type === 'state')?.state
    },
    get offers() {
      return events.flatMap((event) => (event.type === 'file' ? [event.file] : []))
    },
    async offered(count) {
      await eventually(() => watched.offers.length >= count, `${count} offers`)
      return watched.offers
    },
    async offer(name) {
      await eventually(() => watched.offers.some((file) => file.name === name), `an offer of ${name}`)
      return watched.offers.findLast((file) => file.name === name) as FileOffer
    },
    async stop() {
      stopping.abort()
      await reading
    },
  }
  return watched
}

export const watchDcu = (t: TestContext, dcu: Dcu, options: Partial<SimplonOptions> = {}): Watched =>
  watch(t, openSimplon({ host: dcu.url, ...quick, ...options }))

/** All of a content. */
export async function whole({ content }: FileBody): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of content) parts.push(part)
  return Buffer.concat(parts)
}

/** Asks for a removal until it isn't too early any more. */
export async function removed(source: Pick<FileSource, 'remove'>, file: FileOffer): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    const removal = await source.remove(file)
    if (removal.outcome !== 'early') return removal.outcome
    await new Promise((resolve) => setTimeout(resolve, removal.after))
  }
  assert.fail(`${file.name} never could be removed`)
}
