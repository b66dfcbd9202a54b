/** Medians and spreads of a few runs. */

/**
 * @typedef {object} Spread
 * @property {number} median
 * @property {number} min
 * @property {number} max
 */

/** @param {readonly number[]} values At least one. @returns {Spread} */
export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const at = (/** @type {number} */ index) => sorted[index] ?? Number.NaN
  return {
    median: Number.isInteger(middle) ? (at(middle - 1) + at(middle)) / 2 : at(Math.floor(middle)),
    min: at(0),
    max: at(sorted.length - 1),
  }
}

/** @param {readonly number[]} values */
export const median = (values) => spread(values).median
