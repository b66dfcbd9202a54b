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

/**
 * The smallest of the values that so great a part of them doesn't exceed.
 *
 * @param {readonly number[]} sorted Ascending; at least one.
 * @param {number} part In percent, above 0.
 */
export const percentile = (sorted, part) => sorted[Math.ceil((sorted.length * part) / 100) - 1] ?? Number.NaN
