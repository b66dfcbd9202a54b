/**
 * Asks sources for the files that they have seen and not offered yet. Whose those are is noted when the user changes: they
 * may be written for long after that.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { createSlices } from '../slices.js'
import { MOST_CHARACTERS } from '../source/name-room.js'
import { type CoreEvent, hasUnmet, isReserved, type Seen, type State } from './core/index.js'
import type { Looks } from './looks.js'
import { readSeen } from './offers.js'
import type { Reading } from './reading.js'
import type { Shell } from './shell.js'
import type { OpenSource } from './sources.js'

/** Milliseconds between two times that it is asked what has become of the files that were noted, at first and later. */
const firstPause = 500
const pause = 2000
/** Milliseconds of work at a stretch. */
const slice = 0.5
/** Files in one event for the core. */
const mostFiles = 64

export interface UnsettledHost {
  readonly sources: ReadonlyMap<string, OpenSource>
  readonly state: State
  readonly shell: Pick<Shell, 'postDurably'>
  readonly looks: Pick<Looks, 'at'>
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

export interface Unsettled {
  /**
   * Has the core take an event in, and right behind it what the sources have seen and not offered. Resolves when that is
   * durable.
   * @param first Is given the time when the sources were asked, and those that couldn't say.
   * @returns those
   */
  note(first: (asked: number, silent: readonly OpenSource[]) => CoreEvent): Promise<readonly OpenSource[]>
  /** Nothing is asked any more. */
  close(): void
}

export function watchUnsettled({ sources, state, shell, looks, now }: UnsettledHost): Unsettled {
  let last: Promise<unknown> = Promise.resolve()
  let isAsking = false
  let asked = Number.NEGATIVE_INFINITY

  /** Two answers that overtake each other would make files forgotten. */
  function alone<T>(work: () => Promise<T>): Promise<T> {
    const mine = last.then(work)
    last = mine.catch(() => {})
    return mine
  }

  /** What became of those of which is known already. */
  async function follow(): Promise<void> {
    for (const [id, { reserved }] of state.sources) {
      const source = sources.get(id)
      if (source === undefined || reserved.size === 0) continue
      const isWhole = hasUnmet(reserved) && (await looks.at(source))
      await alone(async () => {
        const seen = await ask(source, (name) => isReserved(state, id, name))
        if (seen !== undefined) await shell.postDurably(eventsOf(id, seen, now(), isWhole))
      })
    }
  }

  const timer = setInterval(() => {
    const all = [...state.sources.values()].map(({ reserved }) => reserved)
    const isDue = performance.now() - asked >= pause ? all.some(({ size }) => size > 0) : all.some(hasUnmet)
    if (isAsking || !isDue) return
    isAsking = true
    asked = performance.now()
    follow()
      .catch(() => {})
      .finally(() => {
        isAsking = false
      })
  }, firstPause)
  timer.unref()

  return {
    note(first) {
      return alone(async () => {
        const since = now()
        const silent: OpenSource[] = []
        const events: CoreEvent[] = []
        for (const [id, source] of sources) {
          const seen = await ask(source, () => true)
          if (seen === undefined) silent.push(source)
          else events.push(...eventsOf(id, seen, since, false))
        }
        await shell.postDurably([first(since, silent), ...events])
        return silent
      })
    },
    close() {
      clearInterval(timer)
    },
  }
}

/** What a source has seen. */
interface Answer {
  readonly files: readonly Seen[]
  /** There are more, which would take too much memory. */
  readonly isCut: boolean
}

/** @returns undefined: it doesn't say */
async function ask({ source, reading }: OpenSource, wants: (name: string) => boolean): Promise<Answer | undefined> {
  if (source.unsettled === undefined || reading === undefined) return undefined
  // What was read of it before is on its way to the core by then.
  await turn()
  const rest = createSlices(slice)
  const files: Seen[] = []
  let characters = 0
  try {
    for (const one of source.unsettled()) {
      const found = seenHere(reading, readSeen(one))
      if (wants(found.name)) files.push(found)
      characters += found.name.length + 1
      if (characters > MOST_CHARACTERS) return { files, isCut: true }
      const others = rest()
      if (others !== undefined) await others
    }
  } catch {
    // Its offers tell, in time.
    return undefined
  }
  return { files, isCut: false }
}

const seenHere = ({ timeHere }: Reading, found: Seen): Seen => ({ ...found, seen: timeHere(found.seen) })

/** At least one, also of nothing: what was noted before, and isn't there any more, is to be forgotten. */
function eventsOf(source: string, { files: all, isCut }: Answer, at: number, whole: boolean): CoreEvent[] {
  const events: CoreEvent[] = []
  for (let from = 0; from === 0 || from < all.length; from += mostFiles) {
    const files = all.slice(from, from + mostFiles)
    const last = !isCut && from + mostFiles >= all.length
    events.push({ type: 'seen', at, source, files, first: from === 0, last, whole })
  }
  return events
}
