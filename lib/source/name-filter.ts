/** A set of names in little memory that may, rarely, hold what was never added (a Bloom filter). */
export interface NameFilter {
  add(name: string): void
  /** False: certainly not added. True: added, or with a chance of about 1 in 2,000 not. */
  mayHave(name: string): boolean
}

/**
 * @param expected How many names will be added; more make it less sure, not wrong. Takes 2 bytes each.
 * @param seed Two filters of different seed err on different names.
 */
export function createNameFilter(expected: number, seed: number): NameFilter {
  const bits = 2 ** Math.max(10, Math.ceil(Math.log2(16 * Math.max(1, expected))))
  const mask = bits - 1
  const words = new Uint32Array(bits / 32)
  const probes = 8

  function hash(name: string, start: number): number {
    let h = start | 0
    for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), 0x01000193)
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
    return (h ^ (h >>> 16)) >>> 0
  }

  return {
    add(name) {
      const a = hash(name, seed)
      const b = hash(name, ~seed) | 1
      for (let i = 0; i < probes; i++) {
        const bit = (a + Math.imul(i, b)) & mask
        words[bit >>> 5] = (words[bit >>> 5] ?? 0) | (1 << (bit & 31))
      }
    },
    mayHave(name) {
      const a = hash(name, seed)
      const b = hash(name, ~seed) | 1
      for (let i = 0; i < probes; i++) {
        const bit = (a + Math.imul(i, b)) & mask
        if (((words[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0) return false
      }
      return true
    },
  }
}
