/** `npm run sim`: lives through histories, and tells how one fails. */
import { parseArgs } from 'node:util'
import { drawHistory, live, shorten } from './history.js'

const usage = `npm run sim -- [--seed N] [--histories N] [--steps N] [--verbose]

Lives through histories of the simulated beamline, one for each seed from --seed on (default 1).
  --histories N  how many; default 1 with --seed, else 1000
  --steps N      steps of each; default 500
  --verbose      print what happens
Exit codes: 0, 1 if one failed (it is printed, shortened), 2 for wrong use.`

function read(): { seed: number; histories: number; steps: number; verbose: boolean } | undefined {
  const number = { type: 'string' } as const
  try {
    const { values } = parseArgs({
      options: { seed: number, histories: number, steps: number, verbose: { type: 'boolean' } },
    })
    const chosen = {
      seed: Number(values.seed ?? 1),
      histories: Number(values.histories ?? (values.seed === undefined ? 1000 : 1)),
      steps: Number(values.steps ?? 500),
    }
    if (Object.values(chosen).every((value) => Number.isSafeInteger(value) && value > 0)) {
      return { ...chosen, verbose: values.verbose ?? false }
    }
  } catch {
    // What it was is plain from the usage.
  }
  return undefined
}

const chosen = read()
if (chosen === undefined) {
  console.error(usage)
  process.exit(2)
}
const { seed: first, histories, steps, verbose } = chosen
const began = performance.now()
for (let seed = first; seed < first + histories; seed++) {
  const history = drawHistory(seed, steps)
  const failed = await live(history, undefined, ({ log }) => verbose && console.log(log.join('\n')))
  if (failed === undefined) continue
  console.error(`Seed ${seed} fails in step ${failed.at} of ${steps}:`, failed.error)
  if (verbose) console.error(failed.world.log.join('\n'))
  console.error('Looking for a shorter history…')
  const short = await shorten(history, failed.at)
  const again = await live(short)
  console.error(`\n${JSON.stringify(short.setup)}\nThe same in ${short.steps.length} steps:`)
  console.error(again?.world.log.join('\n'))
  console.error(again?.error)
  process.exit(1)
}
const seconds = ((performance.now() - began) / 1000).toFixed(1)
console.log(`${histories} histories of ${steps} steps from seed ${first}: all is well (${seconds} s)`)
