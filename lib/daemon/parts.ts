/** What a daemon has open, and how it is closed: the last first, and none for longer than it may take. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../log/index.js'

export interface Part {
  readonly name: string
  close(): unknown
  /** It ends what moves first, and may take its time for that. */
  readonly drains?: boolean
  /** Threads of its own may hold the process when it can't be closed. */
  readonly hasThreads?: boolean
}

/** What is told to end what moves, or to stop. */
export interface Drainable {
  close(mode?: 'drain' | 'stop'): Promise<void>
}

/** Milliseconds for what moves. */
const drainTime = 20_000
/** Milliseconds that closing one part may take: a thread in a dead file system must not hold up the others. */
const closeTime = 5000

/**
 * Closes parts. What goes wrong there is noted, and the next one's turn comes.
 * @param before Told before each.
 * @returns Whether threads haven't come back.
 */
export async function closeParts(
  parts: readonly Part[],
  log: () => Log | undefined,
  before: (part: Part) => void,
): Promise<boolean> {
  let isStuck = false
  for (const part of parts.toReversed()) {
    before(part)
    const isLate = await closePart(part, log)
    isStuck ||= isLate && part.hasThreads === true
  }
  return isStuck
}

/** @returns Whether it took too long. */
async function closePart({ name, close, drains = false }: Part, log: () => Log | undefined): Promise<boolean> {
  const limit = drains ? drainTime + closeTime : closeTime
  const over = new AbortController()
  try {
    const late = sleep(limit, true, { signal: over.signal }).catch(() => false)
    const isLate = await Promise.race([Promise.resolve(close()).then(() => false), late])
    if (isLate) log()?.error({ event: 'stuck', part: name }, `closing took more than ${limit / 1000} s: ${name}`)
    return isLate
  } catch (error) {
    log()?.error({ event: 'closing', part: name, err: error }, `closing failed: ${name}`)
    return false
  } finally {
    over.abort()
  }
}

/** Closes what ends what moves: when that takes too long, or at a hurry, it is stopped. */
export async function drain(of: Drainable, hurry: AbortSignal, log: Log): Promise<void> {
  const stopNow = (): void => void of.close('stop').catch(() => {})
  const timer = setTimeout(() => {
    log.warn({ event: 'drain' }, `not all came to its end within ${drainTime / 1000} s; the next start goes on with it`)
    stopNow()
  }, drainTime)
  hurry.addEventListener('abort', stopNow, { once: true })
  try {
    await of.close(hurry.aborted ? 'stop' : 'drain')
  } finally {
    clearTimeout(timer)
    hurry.removeEventListener('abort', stopNow)
  }
}
