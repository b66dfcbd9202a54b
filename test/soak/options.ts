/** What a soak can be told. */
import { parseArgs } from 'node:util'

export interface SoakOptions {
  readonly minutes: number
  readonly files: number
  readonly seed: number
  readonly json: boolean
  /** Undefined: one of its own, removed at the end. */
  readonly dir: string | undefined
}

export const usage = `npm run test:soak -- [--minutes N] [--files N] [--seed N] [--dir DIRECTORY] [--json]

Runs Furka and Grimsel against three simulated detector servers, with faults all the time. Needs root.
  --minutes N  for how long files are made; default 60
  --files N    how many; default 3333 a minute
  --seed N     of all chances; default: another one each time
  --dir DIR    work there, and leave it all there; default: below the directory for temporary files, removed at the end
  --json       print the final report as JSON
Exit codes: 0, 1 if something was lost, wrong, or twice, 2 for wrong use.`

/** Undefined: wrong use. */
export function readOptions(args: readonly string[]): SoakOptions | undefined {
  const text = { type: 'string' } as const
  try {
    const { values } = parseArgs({
      args: [...args],
      options: { minutes: text, files: text, seed: text, dir: text, json: { type: 'boolean' } },
    })
    const minutes = Number(values.minutes ?? 60)
    const files = Number(values.files ?? Math.ceil((minutes * 200_000) / 60))
    const seed = Number(values.seed ?? Date.now() % 1_000_000)
    if (!(minutes > 0) || !Number.isSafeInteger(files) || files < 1 || !Number.isSafeInteger(seed)) return undefined
    return { minutes, files, seed, json: values.json ?? false, dir: values.dir }
  } catch {
    return undefined
  }
}
