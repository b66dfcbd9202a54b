/** The tables, as grids of text; laid out for a screen and as Markdown. */
import { figures, loopText, range, referenceOf, three, units } from './figures.mjs'

/** @typedef {import('../bench.mjs').Section} Section */
/** @typedef {import('../goals.mjs').Outcome} Outcome */
/** @typedef {import('../rounds.mjs').Group} Group */
/** @typedef {import('../rounds.mjs').Row} Row */

/** A table: the first line is its head. @typedef {string[][]} Grid */

/** @param {Row} row */
function label(row) {
  return row.loop ? `${row.label} (${loopText(row.loop)})` : row.label
}

/** The line of a failure that says most; `results.json` has all. @param {string | undefined} failure */
function brief(failure = '') {
  const line = /^\w*Error.*$/m.exec(failure)?.[0] ?? failure.split('\n')[0] ?? ''
  return line.length > 160 ? `${line.slice(0, 160)}…` : line
}

/** @param {Group} group @param {Section['per']} per @returns {Grid} */
export function groupGrid(group, per) {
  const head = [
    'contender',
    units[per],
    'min–max',
    `× ${referenceOf(group)?.label}`,
    'min–max',
    'CPU s',
    'CPU s/GB',
    'peak RSS',
    'then kept',
    'latency p50, p99 (max)',
    'loop delay p99 (max)',
    'keeps',
    '',
  ]
  const lines = group.rows.map((row) => {
    const found = figures(group, row, per)
    if (!found) return [label(row), 'failed', ...Array.from({ length: 10 }, () => ''), brief(row.failed)]
    const { rate, toReference, cpuSeconds, cpuPerGB, peakRssMiB, restRssMiB, latencyMs, loopDelayMs } = found
    return [
      label(row),
      three(rate.median),
      range(rate),
      toReference ? three(toReference.median) : '',
      toReference ? range(toReference) : '',
      three(cpuSeconds),
      cpuPerGB === undefined ? '' : three(cpuPerGB),
      `${peakRssMiB.toFixed(0)} MiB`,
      restRssMiB ? `${restRssMiB.toFixed(0)} MiB` : '',
      latencyMs ? `${three(latencyMs.p50)}, ${three(latencyMs.p99)} (${three(latencyMs.max)}) ms` : '',
      loopDelayMs ? `${three(loopDelayMs.p99)} (${three(loopDelayMs.max)}) ms` : '',
      row.kept?.join(', ') || (row.kept ? '–' : ''),
      [
        row.failed ? `then failed: ${brief(row.failed)}` : '',
        found.disturbed > 0 ? `${found.disturbed} of ${row.runs.length} runs disturbed` : '',
      ]
        .filter(Boolean)
        .join('; '),
    ]
  })
  return withoutEmptyColumns([head, ...lines])
}

/** @param {Outcome[]} outcomes @returns {Grid} */
export function goalGrid(outcomes) {
  const head = ['goal', 'set', 'wanted', 'median', 'min–max', '']
  const lines = outcomes.map(({ goal, set, of, to, value, reached, disturbed }) => {
    const text = {
      speed: `speed of ${of} / ${to}`,
      loopDelay: `event-loop delay p99 of ${of}, ms`,
      loopDelayRatio: `event-loop delay p99 of ${of} / ${to}`,
      time: `time of ${of} / ${to}`,
      seconds: `time of ${of}, s`,
      latencyP50: `latency p50 of ${of} / ${to}`,
      latencyP99: `latency p99 of ${of} / ${to}`,
      latencyP50Beyond: `latency p50 of ${of} − 1.5 × p50 of ${to}, ms`,
      latencyP99Beyond: `latency p99 of ${of} − 4.5 × p50 of ${to}, ms`,
      peakRss: `peak RSS of ${of}, MiB`,
      restRss: `RSS after ${of}, MiB`,
      cpu: `CPU of ${of}, % of a core`,
      linkUse: `link used by ${of}, headers included, %`,
    }[goal.what]
    const wanted = goal.atLeast === undefined ? `≤ ${goal.atMost}` : `≥ ${goal.atLeast}`
    return [
      text,
      set,
      wanted,
      three(value.median),
      range(value),
      (reached ? 'reached' : 'MISSED') + (disturbed ? ' (disturbed)' : ''),
    ]
  })
  return [head, ...lines]
}

/** @param {Grid} grid @returns {Grid} */
function withoutEmptyColumns(grid) {
  const kept = (grid[0] ?? []).map((_, column) => grid.slice(1).some((line) => line[column]))
  return grid.map((line) => line.filter((_, column) => kept[column]))
}

/** First columns to the left, numbers to the right. @param {Grid} grid @param {string} indent */
export function screenTable(grid, indent = '  ') {
  const widths = (grid[0] ?? []).map((_, column) => Math.max(...grid.map((line) => line[column]?.length ?? 0)))
  const numeric = widths.map((_, column) => grid.slice(1).every((line) => /^[\d.,–]*( MiB)?$/.test(line[column] ?? '')))
  return grid
    .map((line) =>
      line
        .map((cell, column) =>
          numeric[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
        )
        .join('  '),
    )
    .map((line) => (indent + line).trimEnd())
    .join('\n')
}

/** @param {Grid} grid */
export function markdownTable(grid) {
  const oneCell = (/** @type {string} */ cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')
  const [head = [], ...lines] = grid.map((line) => `| ${line.map(oneCell).join(' | ')} |`)
  return [head, `|${'---|'.repeat(grid[0]?.length ?? 0)}`, ...lines].join('\n')
}
