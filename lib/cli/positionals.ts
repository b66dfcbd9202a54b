/** What stands on a command line besides options. */
import { type Arguments, UsageError } from './command.js'

export function noPositionals({ positionals }: Arguments): void {
  if (positionals.length > 0) throw new UsageError(`'${positionals[0]}' is too much`)
}

/** The one name that is given, if one is. */
export function optionalOne({ positionals }: Arguments): string | undefined {
  if (positionals.length > 1) throw new UsageError('one name at most is taken')
  return positionals[0]
}
