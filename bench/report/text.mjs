/** The report for the screen, and the same as Markdown for `docs/BENCHMARKS.md`. */
import { machineLines } from '../machine.mjs'
import { goalGrid, groupGrid, markdownTable, screenTable } from './tables.mjs'

/** @typedef {import('./results.mjs').Results} Results */

/** @param {Results} results */
const manner = ({ rounds, quick, date }) =>
  `${date.slice(0, 10)}, ${rounds} interleaved rounds, medians` +
  (quick ? '. A quick run with small sets: to see that all works, not for figures' : '')

/** @param {import('../goals.mjs').Outcome[]} outcomes */
const goalTitle = (outcomes) =>
  `Goals, tmpfs → ${[...new Set(outcomes.map(({ goal }) => goal.fileSystem))].join(', ')}: ${score(outcomes)}`

/** @param {import('../goals.mjs').Outcome[]} outcomes */
const score = (outcomes) => `${outcomes.filter(({ reached }) => reached).length} of ${outcomes.length} reached`

/** @param {Results} results */
export function screenReport(results) {
  const parts = [manner(results), ...machineLines(results.machine).map((line) => `  ${line}`)]
  for (const { title, groups, outcomes, skipped, per } of results.sections) {
    parts.push('', `# ${title}`)
    for (const group of groups) {
      parts.push('', `${group.set.title}, tmpfs → ${group.fileSystem}`, screenTable(groupGrid(group, per)))
    }
    if (skipped.length > 0) parts.push('', 'Left out:', ...skipped.map((line) => `  ${line}`))
    if (outcomes.length > 0) parts.push('', goalTitle(outcomes), screenTable(goalGrid(outcomes)))
  }
  return `${parts.join('\n')}\n`
}

/** @param {Results} results */
export function markdownReport(results) {
  const parts = [`${manner(results)}.`, '', ...machineLines(results.machine).map((line) => `- ${line}`)]
  for (const { description, fileSystem } of results.sections.flatMap(({ groups }) => groups)) {
    const line = `- ${fileSystem}: ${description}`
    if (!parts.includes(line)) parts.push(line)
  }
  for (const { title, groups, outcomes, skipped, per } of results.sections) {
    parts.push('', `### ${title}`)
    for (const group of groups) {
      parts.push('', `**${group.set.title}, tmpfs → ${group.fileSystem}**`, '', markdownTable(groupGrid(group, per)))
    }
    if (skipped.length > 0) parts.push('', 'Left out:', '', ...skipped.map((line) => `- ${line}`))
    if (outcomes.length > 0) {
      parts.push('', `**${goalTitle(outcomes)}**`, '', markdownTable(goalGrid(outcomes)))
    }
  }
  return `${parts.join('\n')}\n`
}
