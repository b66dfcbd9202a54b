/** All that a bench found out: what the reports are made of, and what `results.json` holds. */

/**
 * @typedef {object} Results
 * @property {1} format
 * @property {string} date ISO 8601.
 * @property {boolean} quick
 * @property {number} rounds
 * @property {import('../machine.mjs').Machine} machine
 * @property {(import('../bench.mjs').Section & { outcomes: import('../goals.mjs').Outcome[] })[]} sections
 */
export {}
