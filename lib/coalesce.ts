/** Messages without floods: the first of a kind is told at once, its like within a while as one with a count. Pure. */

/** Milliseconds for which the like of a message is collected; doubles as long as there is some. */
const firstWindow = 10_000
const longestWindow = 600_000

/** A message, and how often it happened. */
export type Counted<M> = M & {
  /** How many times it happened since it was last told. */
  readonly count: number
  /** Milliseconds since the epoch: the first and the last of them. */
  readonly first: number
  readonly last: number
}

/** One kind of message that was told lately. */
interface Kind<M> {
  /** When what was collected is told, or the kind forgotten. */
  due: number
  window: number
  collected: Counted<M> | undefined
}

/** By what makes messages alike: few. */
export type Coalescer<M> = Map<string, Kind<M>>

/**
 * Takes a message in.
 * @param key What makes it alike to others. The last one stands for all.
 * @returns what is to be told now, if its like wasn't told lately
 */
export function collect<M extends object>(
  kinds: Coalescer<M>,
  now: number,
  key: string,
  message: M,
): Counted<M> | undefined {
  const kind = kinds.get(key)
  if (kind === undefined) {
    kinds.set(key, { due: now + firstWindow, window: firstWindow, collected: undefined })
    return { ...message, count: 1, first: now, last: now }
  }
  const count = (kind.collected?.count ?? 0) + 1
  kind.collected = { ...message, count, first: kind.collected?.first ?? now, last: now }
  return undefined
}

/** What was collected of a kind isn't told any more: it isn't so any more. */
export function retract<M>(kinds: Coalescer<M>, isMeant: (key: string) => boolean): void {
  for (const [key, kind] of kinds) if (isMeant(key)) kind.collected = undefined
}

/** What was collected for long enough, in order of its last occurrence. */
export function ripe<M extends object>(kinds: Coalescer<M>, now: number): Counted<M>[] {
  const collected: Counted<M>[] = []
  for (const [key, kind] of kinds) {
    if (kind.due > now) continue
    if (kind.collected === undefined) {
      kinds.delete(key)
      continue
    }
    collected.push(kind.collected)
    kind.collected = undefined
    kind.window = Math.min(2 * kind.window, longestWindow)
    kind.due = now + kind.window
  }
  return collected.sort((a, b) => a.last - b.last)
}

/** When {@link ripe} has something to do next. */
export function nextRipe<M>(kinds: Coalescer<M>): number {
  let next = Number.POSITIVE_INFINITY
  for (const { due } of kinds.values()) next = Math.min(next, due)
  return next
}
