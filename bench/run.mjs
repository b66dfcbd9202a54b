/** `npm run bench`: runs the operations, prints the tables, writes the results folder. */
import { join } from 'node:path'
import { chosen } from './bench.mjs'
import { copyContenders } from './contenders.mjs'
import { furkaNames } from './furka/contenders.mjs'
import { judge } from './goals.mjs'
import { grimselNames } from './grimsel/contenders.mjs'
import { describeMachine, machineLines } from './machine.mjs'
import { run as copyTree } from './operations/copy-tree.mjs'
import { run as furkaLatency } from './operations/furka-latency.mjs'
import { run as furkaLink } from './operations/furka-link.mjs'
import { run as furkaReceive } from './operations/furka-receive.mjs'
import { run as grimselClearing } from './operations/grimsel-clearing.mjs'
import { run as grimselCopy } from './operations/grimsel-copy.mjs'
import { run as grimselIdle } from './operations/grimsel-idle.mjs'
import { run as grimselLatency } from './operations/grimsel-latency.mjs'
import { run as grimselPending } from './operations/grimsel-pending.mjs'
import { run as millionFiles } from './operations/million-files.mjs'
import { parseOptions, usage } from './options.mjs'
import { screenReport } from './report/text.mjs'
import { writeResults } from './report/write.mjs'
import { openScratch } from './scratch.mjs'
import { copySets, emptyFiles } from './sets.mjs'
import { compileTools } from './tools.mjs'

/** @typedef {import('./bench.mjs').Bench} Bench */
/** @typedef {import('./bench.mjs').Operation} Operation */
/** @typedef {import('./options.mjs').Options} Options */
/** @typedef {import('./report/results.mjs').Results} Results */

/** One module each: a new operation gets a line here and a file there. @type {Record<string, Operation['run']>} */
const operations = {
  'copy-tree': copyTree,
  'million-files': millionFiles,
  'grimsel-copy': grimselCopy,
  'grimsel-latency': grimselLatency,
  'grimsel-clearing': grimselClearing,
  'grimsel-pending': grimselPending,
  'grimsel-idle': grimselIdle,
  'furka-receive': furkaReceive,
  'furka-link': furkaLink,
  'furka-latency': furkaLatency,
}

/** @param {string} line */
function progress(line) {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`)
}

/** @param {string} line */
function say(line) {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}\n` : `${line}\n`)
}

/** Refuses what none of the names begins with. @param {string} option @param {string[]} wanted @param {{ name: string }[]} all */
function refuseUnknown(option, wanted, all) {
  const unknown = wanted.find((name) => chosen(all, [name]).length === 0)
  if (unknown) throw new Error(`--${option} ${unknown}: give some of ${all.map(({ name }) => name).join(', ')}`)
}

/**
 * What is found out is handed to `save` after each operation: an abort costs only what isn't done.
 *
 * @param {Options} options
 * @param {AbortSignal} signal
 * @param {(results: Results) => void} save
 * @returns {Promise<Results>}
 */
async function runAll(options, signal, save) {
  const names = options.operations.length > 0 ? options.operations : Object.keys(operations)
  const unknown = names.find((name) => !operations[name])
  if (unknown) throw new Error(`${unknown}: no such operation; give ${Object.keys(operations).join(', ')}`)
  refuseUnknown('sets', options.sets, [...copySets(options.quick), emptyFiles(options.quick)])
  refuseUnknown('contenders', options.contenders, [...copyContenders(''), ...grimselNames, ...furkaNames])
  refuseUnknown('file-systems', options.fileSystems, [{ name: 'tmpfs' }, { name: 'ext4' }])
  const scratch = openScratch(options.memory, options.disk)
  try {
    const tools = compileTools(join(scratch.disk, 'tools'))
    const machine = describeMachine(tools)
    for (const line of machineLines(machine)) say(line)
    /** @type {Results} */
    const results = {
      format: 1,
      date: new Date().toISOString(),
      quick: options.quick,
      rounds: options.rounds,
      machine,
      sections: [],
    }
    const patience = { left: options.patience }
    for (const name of names) {
      const section = await operations[name]?.({ options, scratch, tools, signal, patience, progress, say })
      if (!section) continue
      results.sections.push({ ...section, outcomes: judge(section.goals, section.groups) })
      save(results)
    }
    progress('')
    return results
  } finally {
    scratch.close()
  }
}

const abort = new AbortController()
for (const [signal, number] of /** @type {const} */ ([
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
])) {
  process.on(signal, () => {
    process.exitCode = 128 + number
    abort.abort()
  })
}

try {
  const options = parseOptions(process.argv.slice(2))
  if (options) {
    const results = await runAll(options, abort.signal, (found) => writeResults(found, options.out))
    process.stdout.write(`${screenReport(results)}\nwritten to ${options.out}\n`)
    // A contender of ours that failed, or copied wrongly, is a failure of the bench.
    const rows = results.sections.flatMap(({ groups }) => groups).flatMap((group) => group.rows)
    if (rows.some(({ side, failed }) => side === 'ours' && failed !== undefined)) process.exitCode = 1
  } else {
    process.stdout.write(usage)
  }
} catch (error) {
  if (!abort.signal.aborted) {
    process.stderr.write(`bench: ${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
  }
}
