/** Has sources look at what they have, before something is said of all of it. */
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { OpenSource } from './sources.js'
import { within } from './within.js'

/** Milliseconds that a look may take where a user waits for it, and between two attempts where nobody does. */
const lookTime = 5000
const pause = 200
/** Milliseconds between two looks whether a source has said how it is. */
const step = 20
/** Milliseconds between two times that it is asked whether sources have told all, and until nobody waits for that. */
const tellPause = 10
const tellTime = 20_000

export interface Looks {
  /** Resolves when the sources have seen all that they can see soon; those that fail, or take long, aren't waited for. */
  soon(): Promise<void>
  /** Has a source look once. @returns whether it has seen all that it has; not if it is unavailable, fails, or can't look */
  at(source: OpenSource): Promise<boolean>
  /** Resolves when sources have told of all that they have seen. Those that are unavailable, or slow, aren't waited for. */
  told(sources: readonly OpenSource[]): Promise<void>
  /** Begins to look, again and again as long as there is something that isn't offered yet. */
  whole(): Whole
}

export interface Whole {
  /** All that was there when it began has been seen, and offered as far as the sources tell. */
  readonly done: boolean
  /** To be called when nobody wants to know any more. */
  end(): void
}

export interface LooksHost {
  readonly sources: ReadonlyMap<string, OpenSource>
  readonly signal: AbortSignal
  /** What `whole` gave may be done now. */
  readonly onChange: () => void
}

export function lookAtSources({ sources, signal, onChange }: LooksHost): Looks {
  const isAvailable = ({ reading }: OpenSource): boolean => reading?.state?.available === true
  /** It has said why it isn't available. Until then it may be about to be. */
  const isOut = ({ reading }: OpenSource): boolean => reading?.state?.failure !== undefined

  async function lookOnce({ source }: OpenSource): Promise<void> {
    if (source.look !== undefined) await within(source.look(), { signal, timeout: lookTime, what: 'look' })
  }

  async function lookSoon(one: OpenSource): Promise<void> {
    const end = performance.now() + lookTime
    while (!isAvailable(one) && !isOut(one) && performance.now() < end) await rest(step)
    if (isAvailable(one)) await lookOnce(one)
  }

  async function rest(milliseconds: number): Promise<void> {
    await sleep(milliseconds, undefined, { signal, ref: false })
  }

  return {
    async soon() {
      await Promise.all([...sources.values()].map((one) => lookSoon(one).catch(() => {})))
    },
    async at(one) {
      if (!isAvailable(one) || one.source.look === undefined) return false
      return await lookOnce(one).then(
        () => true,
        () => false,
      )
    },
    async told(sources) {
      const hasTold = (one: OpenSource): boolean => !isAvailable(one) || one.reading?.quiet !== false
      const end = performance.now() + tellTime
      do {
        // What has been told is taken in before the loop's next turn.
        await rest(tellPause).catch(() => {})
      } while (!signal.aborted && performance.now() < end && !sources.every(hasTold))
    },
    whole() {
      const unseen = new Set(sources.values())
      let ended = false

      async function look(one: OpenSource): Promise<void> {
        while (!ended && !signal.aborted) {
          if (isAvailable(one) && (unseen.has(one) || !one.reading?.quiet)) {
            try {
              await lookOnce(one)
              // What the source tells of it is read by then.
              await turn()
              if (unseen.delete(one)) onChange()
            } catch {
              // What fails is told by its state.
            }
          }
          await rest(pause).catch(() => {})
        }
      }

      for (const one of unseen) void look(one)
      return {
        get done() {
          return unseen.size === 0 && [...sources.values()].every(({ reading }) => reading?.quiet ?? false)
        },
        end() {
          ended = true
        },
      }
    },
  }
}
