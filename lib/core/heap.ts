/** A binary heap: push and take the least in O(log n). Equal keys come out in any order, the same every time. */
export interface Heap<T> {
  readonly size: number
  peek(): T | undefined
  push(item: T): void
  pop(): T | undefined
}

/** @param key What items are ordered by; must not change while an item is inside. */
export function createHeap<T>(key: (item: T) => number): Heap<T> {
  const items: T[] = []
  const keys: number[] = []

  function swap(i: number, j: number): void {
    const item = items[i] as T
    const itemKey = keys[i] as number
    items[i] = items[j] as T
    keys[i] = keys[j] as number
    items[j] = item
    keys[j] = itemKey
  }

  function up(from: number): void {
    let i = from
    while (i > 0) {
      const parent = (i - 1) >> 1
      if ((keys[parent] as number) <= (keys[i] as number)) return
      swap(i, parent)
      i = parent
    }
  }

  function down(): void {
    let i = 0
    for (;;) {
      const left = 2 * i + 1
      if (left >= items.length) return
      const right = left + 1
      const least = right < items.length && (keys[right] as number) < (keys[left] as number) ? right : left
      if ((keys[i] as number) <= (keys[least] as number)) return
      swap(i, least)
      i = least
    }
  }

  return {
    get size() {
      return items.length
    },
    peek: () => items[0],
    push(item) {
      items.push(item)
      keys.push(key(item))
      up(items.length - 1)
    },
    pop() {
      if (items.length === 0) return undefined
      swap(0, items.length - 1)
      const item = items.pop()
      keys.pop()
      down()
      return item
    },
  }
}
