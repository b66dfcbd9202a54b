/** How long files took lately. Pure. */

/** Files that count. */
const most = 1000

export interface Latencies {
  add(milliseconds: number): void
  /** Undefined: there were none yet. */
  percentiles(): { readonly p50: number; readonly p99: number } | undefined
}

export function createLatencies(): Latencies {
  const ring: number[] = []
  let next = 0
  return {
    add(milliseconds) {
      ring[next] = milliseconds
      next = (next + 1) % most
    },
    percentiles() {
      if (ring.length === 0) return undefined
      const sorted = Float64Array.from(ring).sort()
      const at = (fraction: number): number => sorted[Math.ceil(fraction * sorted.length) - 1] ?? 0
      return { p50: at(0.5), p99: at(0.99) }
    },
  }
}
