/** Who takes part in the rounds of Grimsel's operations. */
import { join } from 'node:path'

/** @typedef {import('../contenders.mjs').Contender} Contender */
/** @typedef {import('../tools.mjs').Tools} Tools */

/**
 * A module of this directory, in a Node of its own.
 *
 * @param {string} name
 * @param {string} label
 * @param {string} module
 * @param {(src: string, dest: string) => string[]} args
 * @returns {Contender}
 */
export const grimsel = (name, label, module, args) => ({
  name: `grimsel-${name}`,
  label,
  kind: 'in-process',
  side: 'ours',
  durable: true,
  version: () => 'bench/grimsel',
  command: (src, dest) => [
    process.execPath,
    '--expose-gc',
    join(import.meta.dirname, `${module}.mjs`),
    ...args(src, dest),
  ],
})

/**
 * A program of `native/` that times itself.
 *
 * @param {string} name
 * @param {string} label
 * @param {string[]} command
 * @returns {Contender}
 */
export const bare = (name, label, command) => ({
  name: `bare-${name}`,
  label,
  kind: 'ceiling',
  side: 'ceiling',
  durable: false,
  version: () => 'bench/native',
  command: () => command,
})

/** @param {string} journal */
export const grimselCopy = (journal) =>
  grimsel('copy', 'Grimsel, verify inline, durability batch', 'copy', (src, dest) => [src, dest, journal])

/** @param {string} raw The compiled `native/raw.cc`. @returns {Contender} */
export const onlooker = (raw) => ({
  ...grimsel('onlooker', 'a Node with nothing to do, beside the raw copy', 'onlooker', (src, dest) => [raw, src, dest]),
  side: 'ceiling',
})

/** Names that `--contenders` knows besides those of `copyContenders`. */
export const grimselNames = [
  'grimsel-copy',
  'grimsel-onlooker',
  'grimsel-latency',
  'grimsel-clear',
  'grimsel-links',
  'grimsel-announce',
  'grimsel-resume',
  'grimsel-drain',
  'grimsel-idle',
  'bare-durable-1',
  'bare-durable-4',
  'bare-links',
  'rm',
].map((name) => ({ name }))
