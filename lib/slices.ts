/** Long work in slices, so that nothing else on the event loop has to wait for its end. */
import { setImmediate as turn } from 'node:timers/promises'

/**
 * To be awaited between two steps of the work: lets others run once a slice is over.
 * @param length Milliseconds of work at a stretch, but for the step that exceeds them.
 */
export function createSlices(length: number): () => Promise<void> | undefined {
  let end = performance.now() + length

  async function rest(): Promise<void> {
    await turn()
    end = performance.now() + length
  }

  return () => (performance.now() < end ? undefined : rest())
}

/** Milliseconds that {@link inSlices} takes at a stretch. */
const SLICE = 0.5
/** So many items, whatever they take: the clock costs too. */
const AT_ONCE = 16

/** Does something for each item; lets others run every half millisecond. */
export async function inSlices<T>(items: Iterable<T>, work: (item: T, index: number) => void): Promise<void> {
  const pause = createSlices(SLICE)
  let index = 0
  for (const item of items) {
    work(item, index++)
    const rest = index % AT_ONCE === 0 ? pause() : undefined
    if (rest !== undefined) await rest
  }
}
