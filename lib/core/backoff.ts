/** How long to wait before trying again. Deterministic: the spread comes from a hash, not from chance. */

/**
 * Doubling waits with a spread of 0.75…1, so that what failed together isn't tried again together.
 * @param attempts Failed ones so far, 1 or more.
 * @param seed Tells one file from another.
 */
export function backoff(attempts: number, first: number, max: number, seed: number): number {
  const full = Math.min(max, first * 2 ** Math.min(attempts - 1, 30))
  return Math.round(full * (0.75 + 0.25 * spread(seed, attempts)))
}

/** A number in [0, 1) that looks random and is always the same for the same arguments. */
function spread(seed: number, step: number): number {
  let x = (Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul(step | 0, 0x85ebca6b)) >>> 0
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d)
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b)
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32
}
