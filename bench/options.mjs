/** The command line of `npm run bench`. */
import { join } from 'node:path'
import { parseArgs } from 'node:util'

/**
 * @typedef {object} Options
 * @property {string[]} operations Names of modules in `operations/`; empty for all.
 * @property {boolean} quick Small sets, three rounds: to see that all works, not for figures.
 * @property {number} rounds How often each contender runs per set and file system.
 * @property {string[]} sets Names of sets; empty for all.
 * @property {string[]} contenders Names, or beginnings of names, of contenders; empty for all.
 * @property {string[]} fileSystems `tmpfs`, `ext4`.
 * @property {string} memory A directory on a tmpfs: sources, and the tmpfs destination.
 * @property {string} disk A directory for the loop device's image.
 * @property {number} patience Seconds that may be spent, in all, on waiting for others to leave the processors alone
 *   and on repeating runs that they disturbed.
 * @property {string} out The folder that the results go to.
 */

export const usage = `usage: npm run bench -- [OPERATION…] [options]

  OPERATION             copy-tree, million-files, grimsel-copy, grimsel-latency, grimsel-clearing, grimsel-pending,
                        grimsel-idle, furka-receive, furka-link, furka-latency (default: all)
  --quick               small sets and three rounds: to see that all works, not for figures
  --rounds N            runs of each contender (default 5; with --quick 3)
  --sets A,B            of large, medium, small, deep, million (default: all)
  --contenders A,B      by name or the beginning of it: susten, cp, raw, … (default: all)
  --file-systems A,B    destinations, of tmpfs, ext4 (default: both)
  --memory DIR          a directory on a tmpfs (default /dev/shm)
  --disk DIR            where the image of the ext4 loop device is put (default /var/tmp)
  --patience SECONDS    how long, in all, to wait for a quiet machine and repeat disturbed runs (default 600;
                        with --quick 0)
  --out DIR             where results go (default bench/results/<date>)
  --help
`

/** @param {string | undefined} text @returns {string[]} */
const list = (text) => (text ? text.split(',').filter(Boolean) : [])

/** @param {string} name @param {string | undefined} text @param {number} fallback @param {number} least */
function count(name, text, fallback, least) {
  if (text === undefined) return fallback
  const value = Number(text)
  if (!Number.isInteger(value) || value < least) throw new Error(`--${name} ${text}: give a whole number ≥ ${least}`)
  return value
}

/** A folder name for this moment: `2026-01-31T1259`. */
const stamp = () => new Date().toISOString().slice(0, 16).replace(':', '')

/**
 * @param {string[]} args
 * @returns {Options | undefined} Undefined if help was asked for.
 */
export function parseOptions(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      sets: { type: 'string' },
      contenders: { type: 'string' },
      'file-systems': { type: 'string', default: 'tmpfs,ext4' },
      memory: { type: 'string', default: '/dev/shm' },
      disk: { type: 'string', default: '/var/tmp' },
      patience: { type: 'string' },
      out: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return undefined
  return {
    operations: positionals,
    quick: values.quick,
    rounds: count('rounds', values.rounds, values.quick ? 3 : 5, 1),
    sets: list(values.sets),
    contenders: list(values.contenders),
    fileSystems: list(values['file-systems']),
    memory: values.memory,
    disk: values.disk,
    patience: count('patience', values.patience, values.quick ? 0 : 600, 0),
    out: values.out ?? join(import.meta.dirname ?? '.', 'results', stamp()),
  }
}
