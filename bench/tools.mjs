/** The bench's own programs, compiled where they run. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { system } from './scratch.mjs'

/**
 * @typedef {object} Tools
 * @property {string} raw See `native/raw.cc`.
 * @property {string} stopwatch See `native/stopwatch.cc`.
 * @property {string} make See `native/make.cc`.
 * @property {string} pace See `native/pace.cc`.
 * @property {string} durable See `native/durable.cc`.
 * @property {string} links See `native/links.cc`.
 * @property {string} delay See `native/delay.cc`.
 * @property {string} compiler
 */

const flags = ['-std=c++20', '-O3', '-march=native', '-pthread']

/** @param {string} directory Where the programs go. @returns {Tools} */
export function compileTools(directory) {
  const here = import.meta.dirname
  mkdirSync(directory, { recursive: true })
  const compile = (/** @type {string} */ name) => {
    const program = join(directory, name)
    const include = join(here, '../node_modules/xxhash-addon/xxHash')
    system('g++', ...flags, '-I', include, join(here, 'native', `${name}.cc`), '-o', program)
    return program
  }
  const compiler = `${system('g++', '--version').split('\n')[0]} ${flags.join(' ')}`
  return {
    raw: compile('raw'),
    stopwatch: compile('stopwatch'),
    make: compile('make'),
    pace: compile('pace'),
    durable: compile('durable'),
    links: compile('links'),
    delay: compile('delay'),
    compiler,
  }
}
