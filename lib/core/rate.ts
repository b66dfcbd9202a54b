/** Exponential averages of things per second, from events at irregular times. */

/** Seconds after which an old event weighs 1/e. */
const timeConstant = 5

export interface Rate {
  /** Per second, as of `at`. */
  value: number
  /** Milliseconds. */
  at: number
}

export const createRate = (at: number): Rate => ({ value: 0, at })

/** Counts `amount` at a time. */
export function addToRate(rate: Rate, at: number, amount: number): void {
  rate.value = rateAt(rate, at) + amount / timeConstant
  rate.at = Math.max(rate.at, at)
}

/** Counts `amount`, which came bit by bit since the last time. */
export function spreadOverRate(rate: Rate, at: number, amount: number): void {
  const seconds = (at - rate.at) / 1000
  if (seconds <= 0) {
    addToRate(rate, at, amount)
    return
  }
  rate.value = rateAt(rate, at) + (amount / seconds) * (1 - Math.exp(-seconds / timeConstant))
  rate.at = at
}

/** The average at a time not before the last event. */
export function rateAt(rate: Rate, at: number): number {
  if (at <= rate.at) return rate.value
  const seconds = (at - rate.at) / 1000
  return rate.value * Math.exp(-seconds / timeConstant)
}
