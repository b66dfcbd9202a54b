/** Says that all is well, twice in the time after which the supervisor would restart us, as long as it is true. */
import type { Notifier } from './notifier.js'

/**
 * That the timer fires shows that the event loop turns; the rest is for the caller to judge.
 * @param makesProgress Asked each time; false: nothing is said.
 * @returns ends it
 */
export function startWatchdog(notifier: Notifier, makesProgress: () => boolean): () => void {
  if (notifier.patience === undefined) return () => {}
  const timer = setInterval(
    () => {
      if (makesProgress()) notifier.alive()
    },
    Math.min(notifier.patience / 2, 2 ** 31 - 1),
  )
  timer.unref()
  notifier.alive()
  return () => clearInterval(timer)
}
