/** What an operation is given to work with, and what it hands back. */

/** @typedef {import('./options.mjs').Options} Options */
/** @typedef {import('./rounds.mjs').Group} Group */
/** @typedef {import('./scratch.mjs').Scratch} Scratch */
/** @typedef {import('./tools.mjs').Tools} Tools */
/** @typedef {import('./goals.mjs').Goal} Goal */

/**
 * @typedef {object} Bench
 * @property {Options} options
 * @property {Scratch} scratch
 * @property {Tools} tools
 * @property {AbortSignal} signal
 * @property {{ left: number }} patience Seconds left, see `Options`.
 * @property {(line: string) => void} progress What is being done now; one line, overwritten in a terminal.
 * @property {(line: string) => void} say Something worth keeping.
 */

/**
 * What an operation found out.
 *
 * @typedef {object} Section
 * @property {string} name
 * @property {string} title
 * @property {'bytes' | 'files' | 'cpu'} per What the first column of figures counts.
 * @property {Group[]} groups
 * @property {string[]} skipped What was left out, and why.
 * @property {Goal[]} goals
 */

/** A module in `operations/`. @typedef {{ run: (bench: Bench) => Promise<Section> }} Operation */

/**
 * Those whose name is, or begins with, one of `names`; all if there are none.
 *
 * @template {{ name: string }} T
 * @param {readonly T[]} all
 * @param {readonly string[]} names
 */
export const chosen = (all, names) =>
  names.length === 0 ? [...all] : all.filter(({ name }) => names.some((wanted) => name.startsWith(wanted)))
