/** Reads a command's options and arguments. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { quoted } from '../config/index.js'
import { type Arguments, UsageError } from './command.js'

type Options = NonNullable<ParseArgsConfig['options']>

/**
 * What a command line says, `--help` besides the options.
 * @throws UsageError what isn't an option, or has a value that it can't have, as it was written
 */
export function parse(args: readonly string[], given: Options): Arguments {
  const options: Options = { ...given, help: { type: 'boolean', short: 'h' } }
  // Node's own complaints speak of its programming interface.
  const parsed = parseArgs({ args: [...args], options, allowPositionals: true, strict: false, tokens: true })
  for (const token of parsed.tokens) if (token.kind === 'option') check(token, options)
  const values: Record<string, string | boolean> = {}
  const lists: Record<string, readonly string[]> = {}
  for (const [name, value] of Object.entries<unknown>(parsed.values)) {
    if (Array.isArray(value)) lists[name] = value.map(String)
    else if (typeof value === 'string' || typeof value === 'boolean') values[name] = value
  }
  return { values, lists, positionals: parsed.positionals }
}

interface OptionToken {
  readonly name: string
  /** As it was written: `-u`, `--user`. */
  readonly rawName: string
  readonly value?: string | undefined
  readonly inlineValue?: boolean | undefined
}

function check({ name, rawName, value, inlineValue }: OptionToken, options: Options): void {
  const option = Object.hasOwn(options, name) ? options[name] : undefined
  if (option === undefined) throw new UsageError(`unknown option ${quoted(rawName)}`)
  if (option.type === 'boolean') {
    if (value !== undefined) throw new UsageError(`option ${quoted(rawName)} takes no value`)
    return
  }
  if (value === undefined) throw new UsageError(`option ${quoted(rawName)} needs a value`)
  // More likely the next option than a value.
  if (inlineValue === true || value.length < 2 || !value.startsWith('-')) return
  throw new UsageError(
    `option ${quoted(rawName)} needs a value, and ${quoted(value)} looks like an option; if it is one, write ` +
      quoted(`--${name}=${value}`),
  )
}
