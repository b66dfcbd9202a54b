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
