/** When a source's memory will be full, as it goes now. Pure. */

/** Milliseconds over which the change is averaged: long enough for files and removals that come in bursts. */
const timeConstant = 10_000
/** Milliseconds of observation before which nothing is foreseen. */
const least = 2000
/** Seconds: less is worth a warning, which is given again only once there was more than the latter; more is for ever. */
const soon = 60
const relieved = 120
const forever = 86_400
/**
 * Of the most that was ever left: with more than that nobody is warned. At the beginning of every series memory becomes
 * less, since files are removed some seconds after they were received.
 */
const plenty = 0.5

export interface Forecast {
  /** Takes in what is left, in bytes. Undefined: not known any more, nothing is foreseen. */
  see(at: number, free: number | undefined): void
  /** Seconds until nothing is left; undefined: not within a day, or not known. */
  secondsToFull(at: number): number | undefined
  /** The same if a warning is due: once each time that it comes near. */
  warning(at: number): number | undefined
}

interface Seen {
  readonly at: number
  readonly free: number
  /** Bytes a millisecond by which it becomes less, and the weight of what that was seen from: 1 in the long run. */
  readonly loss: number
  readonly weight: number
  /** Milliseconds for which it was observed. */
  readonly observed: number
}

export function createForecast(): Forecast {
  let last: Seen | undefined
  let most = 0
  let warned = false

  function secondsToFull(at: number): number | undefined {
    if (last === undefined) return undefined
    if (last.free <= 0) return 0
    // Nothing was told since then: nothing has changed.
    const quiet = Math.max(0, at - last.at)
    if (last.observed + quiet < least) return undefined
    const fade = Math.exp(-quiet / timeConstant)
    const loss = (last.loss * fade) / (1 - (1 - last.weight) * fade)
    const seconds = last.free / loss / 1000
    return seconds >= 0 && seconds <= forever ? seconds : undefined
  }

  return {
    see(at, free) {
      if (free === undefined) {
        last = undefined
        return
      }
      most = Math.max(most, free)
      if (last === undefined) {
        last = { at, free, loss: 0, weight: 0, observed: 0 }
        return
      }
      const elapsed = at - last.at
      if (elapsed <= 0) return
      const fade = Math.exp(-elapsed / timeConstant)
      const loss = last.loss * fade + ((last.free - free) / elapsed) * (1 - fade)
      last = { at, free, loss, weight: 1 - (1 - last.weight) * fade, observed: last.observed + elapsed }
    },
    secondsToFull,
    warning(at) {
      const seconds = secondsToFull(at)
      if (seconds === undefined || seconds > relieved) warned = false
      if (warned || seconds === undefined || seconds > soon || (last?.free ?? 0) > most * plenty) return undefined
      warned = true
      return seconds
    },
  }
}
