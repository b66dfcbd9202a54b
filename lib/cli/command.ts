/** What a subcommand is. One file per command; `commands.ts` lists them. */
import type { ParseArgsConfig } from 'node:util'
import type { Output } from './output.js'

/** What was given on the command line after the command's name. */
export interface Arguments {
  readonly values: Readonly<Record<string, string | boolean | undefined>>
  /** Values of options that may be given several times. */
  readonly lists: Readonly<Record<string, readonly string[]>>
  readonly positionals: readonly string[]
}

/** Where a command writes to. */
export interface Streams {
  readonly out: Output
  /** Whether `out` is a terminal. */
  readonly isTerminal: boolean
  /** Writes one line to standard error. */
  readonly warn: (line: string) => Promise<void>
}

export interface Command {
  /** The words that call it: `['journal', 'dump']`. */
  readonly name: readonly string[]
  /** One line, for the list of commands. */
  readonly summary: string
  /** What follows `Usage: <program> <name> `, then a description and the options, for `--help`. */
  readonly usage: string
  readonly help: string
  readonly options: NonNullable<ParseArgsConfig['options']>
  /** @returns The exit code: 0, or 1 where it has said why itself. Errors thrown are told, and exit with 1. */
  run(args: Arguments, streams: Streams): Promise<number>
}

/** Wrong use: told with a hint to `--help`, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Ends a command with one or several lines of error, and with another exit code than 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number
  readonly lines: readonly string[]

  constructor(lines: string | readonly string[], options: { readonly exitCode: number; readonly cause?: unknown }) {
    const all = typeof lines === 'string' ? [lines] : lines
    super(all.join('\n'), options)
    this.exitCode = options.exitCode
    this.lines = all
  }
}
