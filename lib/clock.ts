import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Milliseconds since the epoch that never run backwards: waits must not grow when somebody puts the clock back. Where
 * it is put forward, so is this one.
 */
export function createClock(): () => number {
  let offset = Date.now() - performance.now()
  return () => {
    const monotonic = performance.now()
    offset = Math.max(offset, Date.now() - monotonic)
    return Math.floor(monotonic + offset)
  }
}

/** Milliseconds by which this clock and the computer's may differ without its having been put back. */
const noise = 50

/** Resolves when whatever happens is later than a time, by this clock and, unless that was put back, the computer's. */
export async function untilAfter(time: number, now: () => number): Promise<void> {
  const end = performance.now() + noise
  // One more: the difference of two whole numbers of milliseconds may be one less than it is.
  while (now() <= time + 1 || (Date.now() <= time && performance.now() < end)) await sleep(1)
}
