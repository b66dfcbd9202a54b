/** The plot: a panel of bars per set and file system, with the spread of the runs across each bar. */
import { machineLines } from '../machine.mjs'
import { figures, three, units } from './figures.mjs'

/** @typedef {import('./results.mjs').Results} Results */
/** @typedef {import('../rounds.mjs').Group} Group */
/** @typedef {import('./figures.mjs').Per} Per */

const labelWidth = 290
const barWidth = 330
const valueWidth = 60
const panelWidth = labelWidth + barWidth + valueWidth + 30
const lineHeight = 20
const barHeight = 12
const headHeight = 46
const colours = { ours: '#1f6feb', peer: '#9aa4b2', ceiling: '#3d444d' }

/** @param {string} text */
const markup = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

/** @param {number} x @param {number} y @param {string} content @param {string} [more] */
const words = (x, y, content, more = '') => `<text x="${x}" y="${y}" ${more}>${markup(content)}</text>`

/** A round number at or above `value`, for the axis to end with. @param {number} value */
function ceilingOf(value) {
  const power = 10 ** Math.floor(Math.log10(value))
  return ([1, 2, 2.5, 5, 10].find((step) => step * power >= value) ?? 10) * power
}

/** @param {Group} group @param {Per} per @param {number} left @param {number} top */
function panel(group, per, left, top) {
  const bars = group.rows.flatMap((row) => {
    const found = figures(group, row, per)
    return found ? [{ row, rate: found.rate }] : []
  })
  const end = ceilingOf(Math.max(0.001, ...bars.map(({ rate }) => rate.max)))
  const x = (/** @type {number} */ value) => left + labelWidth + (value / end) * barWidth
  const bottom = top + headHeight + bars.length * lineHeight
  const parts = [words(left, top + 18, `${group.set.title}, tmpfs → ${group.fileSystem}`, 'class="title"')]
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    const at = x(end * part)
    parts.push(`<line x1="${at}" x2="${at}" y1="${top + headHeight - 6}" y2="${bottom}" class="grid"/>`)
    const text = part === 1 ? `${three(end)} ${units[per]}` : three(end * part)
    parts.push(words(at, top + headHeight - 10, text, 'class="axis" text-anchor="middle"'))
  }
  bars.forEach(({ row, rate }, index) => {
    const y = top + headHeight + index * lineHeight
    const middle = y + lineHeight / 2
    const bar = `x="${x(0)}" y="${middle - barHeight / 2}" width="${x(rate.median) - x(0)}" height="${barHeight}"`
    const mark = row.side === 'ours' ? 'class="ours"' : ''
    parts.push(
      words(left + labelWidth - 8, middle + 4, row.label, `text-anchor="end" ${mark}`),
      `<rect ${bar} fill="${colours[row.side]}"/>`,
      `<path d="M${x(rate.min)} ${middle}H${x(rate.max)}M${x(rate.min)} ${middle - 4}v8M${x(rate.max)} ${middle - 4}v8" class="spread"/>`,
      words(x(end) + 12, middle + 4, three(rate.median), mark),
    )
  })
  return parts.join('\n')
}

/** Trees that are copied; other operations have figures that no bar shows. @param {{ name: string }} section */
export const isPlotted = ({ name }) => name === 'copy-tree' || name === 'million-files'

/** @param {Results} results @returns {string} An SVG document. */
export function plot(results) {
  const rows = results.sections.filter(isPlotted).flatMap(({ groups, per }) => {
    const sets = [...new Set(groups.map(({ set }) => set.name))]
    return sets.map((name) => ({ found: groups.filter(({ set }) => set.name === name), per }))
  })
  const columns = Math.max(1, ...rows.map(({ found }) => found.length))
  const width = 20 + columns * (panelWidth + 20)
  /** @type {string[]} */
  const parts = []
  let top = 84
  for (const { found, per } of rows) {
    parts.push(...found.map((group, column) => panel(group, per, 20 + column * (panelWidth + 20), top)))
    top += headHeight + Math.max(...found.map(({ rows }) => rows.length)) * lineHeight + 24
  }
  const [hardware = '', software = ''] = machineLines(results.machine)
  const legend = `bars: median of ${results.rounds} interleaved rounds; marks: slowest to fastest; black: bare C++ loops${results.quick ? '; a quick run, not for figures' : ''}`
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${top}" viewBox="0 0 ${width} ${top}">
<title>Copy throughput of susten and its peers</title>
<style>
text { font: 12px system-ui, sans-serif; fill: #24292f }
.head { font-size: 18px; font-weight: 600 }
.title { font-size: 14px; font-weight: 600 }
.ours { font-weight: 600; fill: #0b4fc4 }
.axis, .note { fill: #57606a; font-size: 11px }
.grid { stroke: #d8dee4 }
.spread { stroke: #d1242f; stroke-width: 1.5; fill: none }
</style>
<rect width="100%" height="100%" fill="#fff"/>
${words(20, 32, 'susten: copy throughput', 'class="head"')}
${words(20, 52, `${hardware}; ${software}; ${results.date.slice(0, 10)}`, 'class="note"')}
${words(20, 68, legend, 'class="note"')}
${parts.join('\n')}
</svg>
`
}
