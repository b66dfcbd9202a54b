/** Files that wait their turn, first come first served. One that leaves otherwise is passed over later. */
export interface Queue<T> {
  items: T[]
  at: number
}

interface Queued<T> {
  queue: Queue<T> | undefined
}

export const createQueue = <T>(): Queue<T> => ({ items: [], at: 0 })

export function push<T extends Queued<T>>(queue: Queue<T>, item: T): void {
  item.queue = queue
  queue.items.push(item)
}

function first<T extends Queued<T>>(queue: Queue<T>): T | undefined {
  while (queue.at < queue.items.length) {
    const item = queue.items[queue.at]
    if (item !== undefined && item.queue === queue) return item
    queue.at += 1
  }
  queue.items = []
  queue.at = 0
  return undefined
}

export const isEmpty = <T extends Queued<T>>(queue: Queue<T>): boolean => first(queue) === undefined

/** Takes up to `most` items from the front, as long as they are ready. */
export function takeWhile<T extends Queued<T>>(queue: Queue<T>, most: number, isReady: (item: T) => boolean): T[] {
  const taken: T[] = []
  while (taken.length < most) {
    const item = first(queue)
    if (item === undefined || !isReady(item)) break
    item.queue = undefined
    queue.at += 1
    taken.push(item)
  }
  if (queue.at > 4096 && queue.at * 2 > queue.items.length) {
    queue.items = queue.items.slice(queue.at)
    queue.at = 0
  }
  return taken
}
