/** The results folder: `results.json`, `table.txt`, `table.md`, `plot.svg`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { plot } from './plot.mjs'
import { markdownReport, screenReport } from './text.mjs'

/** @param {import('./results.mjs').Results} results @param {string} directory */
export function writeResults(results, directory) {
  mkdirSync(directory, { recursive: true })
  const write = (/** @type {string} */ name, /** @type {string} */ content) =>
    writeFileSync(join(directory, name), content)
  write('results.json', `${JSON.stringify(results, undefined, 1)}\n`)
  write('table.txt', screenReport(results))
  write('table.md', markdownReport(results))
  write('plot.svg', plot(results))
}
