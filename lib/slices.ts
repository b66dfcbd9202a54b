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
