/** The demo's command line. */
import { parseArgs } from 'node:util'

/** What the demo is asked to do. */
export interface DemoOptions {
  /** How long the detectors measure. */
  readonly seconds: number
  /** Files per second, all detectors together. */
  readonly rate: number
  /** Same seed, same images. */
  readonly seed: number
  /** Directories of the user's; made by the demo where undefined. */
  readonly buffer: string | undefined
  readonly internal: string | undefined
  readonly external: string | undefined
  /** Leave everything in place. */
  readonly keep: boolean
  /** Print the report as JSON on standard output, the display on standard error. */
  readonly json: boolean
}

/** What the command line asks for: a run, or one of the answers that need none. */
export type Request =
  | { readonly type: 'run'; readonly options: DemoOptions }
  | { readonly type: 'help' }
  | { readonly type: 'wrong'; readonly message: string }

export const HELP = `Two simulated detector servers serve HDF5 series and CBF images. Furka receives
them into a buffer, Grimsel copies them to two storages and gives the buffer's
space back; at half time the user changes. Then every file is verified, byte by
byte.

usage: npm start -- [options]

  --seconds N     how long the detectors measure (default 20)
  --rate N        files per second, all together (default 16)
  --seed N        same seed, same images (default 1)
  --buffer DIR    where files arrive (default: a folder on /dev/shm if it has room, else in a temporary folder)
  --internal DIR  the first storage (default: a temporary folder, on a disk if there is one)
  --external DIR  the second storage (default: likewise)
  --keep          leave all files where they are
  --json          print the report as JSON, the display on standard error
  --help          print this

DIR must be empty or new. Only what the demo made is removed at the end.
Exit codes: 0 every byte is right, 1 something is wrong or missing, 2 wrong options, 130 ended by Ctrl-C.
`

/** Reads the command line. */
export function readOptions(args: readonly string[]): Request {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        seconds: { ...text, default: '20' },
        rate: { ...text, default: '16' },
        seed: { ...text, default: '1' },
        buffer: text,
        internal: text,
        external: text,
        keep: flag,
        json: flag,
        help: { ...flag, short: 'h' },
      },
    })
    if (values.help) return { type: 'help' }
    const { buffer, internal, external, keep, json } = values
    for (const [name, directory] of Object.entries({ buffer, internal, external })) {
      if (directory === '') throw new Error(`--${name} must name a directory`)
    }
    const seconds = readNumber('seconds', values.seconds, 0.1, 86_400)
    const rate = readNumber('rate', values.rate, 0.1, 10_000)
    const seed = readNumber('seed', values.seed, 0, 0xffff_ffff)
    if (!Number.isInteger(seed)) throw new Error(`--seed must be a whole number: ${values.seed}`)
    return { type: 'run', options: { seconds, rate, seed, buffer, internal, external, keep, json } }
  } catch (error) {
    // parseArgs explains at length; its first sentence says it all.
    const message = error instanceof Error ? error.message.replace(/\. .*/s, '') : String(error)
    return { type: 'wrong', message }
  }
}

function readNumber(name: string, text: string, least: number, most: number): number {
  const value = text.trim() === '' ? Number.NaN : Number(text)
  if (value >= least && value <= most) return value
  throw new Error(`--${name} must be a number from ${least} to ${most}: ${text}`)
}
