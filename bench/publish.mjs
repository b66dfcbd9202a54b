/** Puts a run's tables and plot into `docs/`:  node bench/publish.mjs bench/results/<date> */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const begin = '<!-- figures: written by bench/publish.mjs -->'
const end = '<!-- end of figures -->'

const [results] = process.argv.slice(2)
if (results === undefined) throw new Error('usage: node bench/publish.mjs bench/results/<date>')
const docs = join(import.meta.dirname, '../docs')
const page = join(docs, 'BENCHMARKS.md')
const text = readFileSync(page, 'utf8')
const [before, rest] = text.split(begin)
const after = rest?.split(end)[1]
if (before === undefined || after === undefined) throw new Error(`${page}: has no ${begin} … ${end}`)
const table = readFileSync(join(results, 'table.md'), 'utf8')
copyFileSync(join(results, 'plot.svg'), join(docs, 'benchmarks.svg'))
writeFileSync(page, `${before}${begin}\n\n![Throughput](benchmarks.svg)\n\n${table}\n${end}${after}`)
