/** Long work in slices, so that nobody else waits for it. */
import { setImmediate } from 'node:timers/promises'

/** Milliseconds that a slice may take. */
const slice = 0.5

/** Does something for each item; lets others run every half millisecond. */
export async function inSlices<T>(items: readonly T[], work: (item: T, index: number) => void): Promise<void> {
  let begun = performance.now()
  for (const [index, item] of items.entries()) {
    work(item, index)
    if (index % 16 === 15 && performance.now() - begun > slice) {
      await setImmediate()
      begun = performance.now()
    }
  }
}
