/** Seeded randomness: the same seed gives the same numbers on every machine, in any order of use. */

/** Mixes numbers into one 32-bit seed, so that each image, series or spot list has a stream of its own. */
export function deriveSeed(...parts: readonly number[]): number {
  let state = 0x9e3779b9
  for (const part of parts) {
    state = Math.imul(state ^ (part >>> 0), 0x85ebca6b)
    state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35)
    state ^= state >>> 16
  }
  return state >>> 0
}

/** A stream of pseudo-random numbers. */
export interface Random {
  /** A 32-bit unsigned integer. */
  readonly uint32: () => number
  /** Uniform in [0, 1). */
  readonly uniform: () => number
  /** Exponential with mean 1. */
  readonly exponential: () => number
  /** Normal with mean 0 and standard deviation 1. */
  readonly normal: () => number
}

/** Opens the stream of `seed` (mulberry32: one 32-bit word of state, full period, passes gjrand). */
export function openRandom(seed: number): Random {
  let state = seed >>> 0
  const uint32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let word = Math.imul(state ^ (state >>> 15), state | 1)
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61)
    return (word ^ (word >>> 14)) >>> 0
  }
  const uniform = (): number => uint32() / 0x1_0000_0000
  const exponential = (): number => -Math.log(1 - uniform())
  const normal = (): number => Math.sqrt(2 * exponential()) * Math.cos(2 * Math.PI * uniform())
  return { uint32, uniform, exponential, normal }
}
