/** What the demo is about: Furka and Grimsel, embedded, and what they tell. */
import { relative } from 'node:path'
import { Furka } from '../furka/index.js'
import { Grimsel } from '../grimsel/index.js'
import { grimsel as grimselPolicy, type StoragePolicy } from '../policy/index.js'
import { openSimplon } from '../source/simplon/index.js'
import type { Places } from './places.js'
import type { PlannedDetector } from './plan.js'
import type { Tally } from './tally.js'
import type { Users } from './users.js'

/** Both, open. Disposing stops Furka, then Grimsel. */
export interface Pipeline extends AsyncDisposable {
  readonly furka: Furka
  readonly grimsel: Grimsel
  /** Rejects when one of them can't go on. */
  readonly broken: Promise<never>
  /** Ends what is under way and closes them. */
  close(): Promise<void>
}

export interface PipelineOptions {
  readonly places: Places
  readonly detectors: readonly PlannedDetector[]
  /** Of the detectors' servers, in their order. */
  readonly urls: readonly string[]
  readonly users: Users
  readonly tally: Tally
  /** Is given what operators should know. */
  readonly onMessage: (text: string) => void
}

/**
 * Space on the buffer is given back as soon as a file is safe, not when the buffer fills: that would take gigabytes. Data
 * files become links; masters stay, so that a series on the buffer can be opened.
 */
const policy: StoragePolicy = {
  ...grimselPolicy(),
  name: 'demo',
  release: ({ path }, { id }) => {
    return { when: id === 'buffer' && !path.endsWith('_master.h5') ? 'copied' : 'full', by: 'link' }
  },
}

export async function openPipeline(options: PipelineOptions): Promise<Pipeline> {
  const { places, detectors, urls, users } = options
  const grimsel = await Grimsel.open({
    buffer: { directory: places.buffer },
    storages: [
      { id: 'internal', type: 'internal', target: places.internal },
      { id: 'external', type: 'external', target: places.external },
    ],
    journal: `${places.journal}/grimsel`,
    policy,
  })
  try {
    const furka = await Furka.open({
      sources: detectors.map(({ id }, index) => ({
        source: openSimplon({ id, host: urls[index] ?? '' }),
        target: places.buffer,
      })),
      journal: `${places.journal}/furka`,
      user: users[0],
      grimsel,
    })
    const broken = listen(options, furka, grimsel)
    broken.catch(() => {})
    return {
      furka,
      grimsel,
      broken,
      async close() {
        await furka.close()
        await grimsel.close()
      },
      async [Symbol.asyncDispose]() {
        await furka.close('stop')
        await grimsel.close('stop')
      },
    }
  } catch (error) {
    await grimsel.close('stop')
    throw error
  }
}

/** Puts down what they tell. */
function listen({ places, detectors, tally, onMessage }: PipelineOptions, furka: Furka, grimsel: Grimsel) {
  const now = process.hrtime.bigint
  const below = (path: string): string => relative(places.buffer, path)
  furka.on('received', ({ source, name, path, uid, gid, digest }) => {
    const detector = detectors.findIndex(({ id }) => id === source)
    tally.received({ detector, name }, { path: below(path), uid, gid, digest }, now())
  })
  grimsel.on('copied', ({ storage, path, digest }) => {
    if (storage === 'internal' || storage === 'external') tally.copied(storage, below(path), digest, now())
  })
  grimsel.on('failed', ({ storage, path, error }) => tally.failed(storage, below(path), error.message))
  furka.on('message', ({ subject, text }) => onMessage(`${subject}: ${text}`))
  grimsel.on('message', ({ text }) => onMessage(text))
  return new Promise<never>((_, reject) => {
    furka.on('error', ({ error }) => reject(error))
    grimsel.on('error', ({ error }) => reject(error))
  })
}
