/**
 * Puts tables, and the plot, into `docs/`:  node bench/publish.mjs RESULTS_FOLDER…
 *
 * The page has a place for each group of operations, `<!-- figures of A, B: … --> … <!-- end of figures -->`. A place is
 * written anew if the folders have its operations, all of them, in one run or several; of one that several have, the
 * last one's is taken. Other places stay as they are.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isPlotted, plot } from './report/plot.mjs'
import { markdownReport } from './report/text.mjs'

/** @typedef {import('./report/results.mjs').Results} Results */

const place = /(<!-- figures of ([\w, -]+): written by bench\/publish\.mjs -->\n)[\s\S]*?(<!-- end of figures -->)/g

const folders = process.argv.slice(2)
if (folders.length === 0) throw new Error('usage: node bench/publish.mjs bench/results/<date>…')
const all = folders.map((folder) => {
  const text = readFileSync(join(folder, 'results.json'), 'utf8')
  return /** @type {Results} */ (JSON.parse(text))
})

/** The runs that have any of these operations, each with those that are taken from it. @param {string[]} operations */
function runsOf(operations) {
  const taken = new Map(
    all.flatMap((results) => results.sections.map(({ name }) => /** @type {const} */ ([name, results]))),
  )
  const missing = operations.filter((name) => !taken.has(name))
  if (missing.length === operations.length) return []
  if (missing.length > 0) throw new Error(`${folders.join(', ')}: lacks ${missing.join(', ')} of ${operations.join()}`)
  return all
    .map((results) => ({
      ...results,
      sections: results.sections.filter(({ name }) => operations.includes(name) && taken.get(name) === results),
    }))
    .filter(({ sections }) => sections.length > 0)
}

const docs = join(import.meta.dirname, '../docs')
const page = join(docs, 'BENCHMARKS.md')
const before = readFileSync(page, 'utf8')
const after = before.replace(place, (whole, begin, operations, end) => {
  const runs = runsOf(operations.split(', '))
  if (runs.length === 0) return whole
  const plotted = runs.find(({ sections }) => sections.some(isPlotted))
  if (plotted) writeFileSync(join(docs, 'benchmarks.svg'), plot(plotted))
  const image = plotted ? '![Throughput](benchmarks.svg)\n\n' : ''
  return `${begin}\n${image}${runs.map(markdownReport).join('\n')}\n${end}`
})
if (after === before) throw new Error(`${page}: nothing to write: no place for these operations, or nothing new`)
writeFileSync(page, after)
