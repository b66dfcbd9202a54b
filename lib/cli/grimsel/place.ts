/** Where the daemon is to be found. */
import { resolve } from 'node:path'
import { SustenError } from '../../errors.js'
import { type LoadedConfig, loadConfig } from '../../grimsel/config/index.js'
import { type Arguments, CommandError, UsageError } from '../command.js'
import { exitCodeOf, exitCodes } from './exit-codes.js'

const defaultConfig = '/etc/grimsel_dectris.conf'

export const configOption = { config: { type: 'string', short: 'c' } } as const
export const placeOptions = { ...configOption, socket: { type: 'string' } } as const

/** Lines for `--help`. */
export const configHelp = `  -c, --config FILE   the configuration (default ${defaultConfig})`
export const placeHelp = `${configHelp}
  --socket PATH       the daemon's control socket, instead of the configuration's`

export const configFile = ({ values }: Arguments): string => resolve(String(values['config'] ?? defaultConfig))

/** @throws CommandError 6: there is none, or it is wrong; 4: it may not be read */
export async function readConfig(file: string): Promise<LoadedConfig> {
  try {
    return await loadConfig(file)
  } catch (error) {
    if (!(error instanceof SustenError)) throw error
    const exitCode = error.code === 'ENOENT' ? exitCodes.notConfigured : exitCodeOf(error)
    const messages = error.failures.length > 0 ? error.failures.map(({ message }) => message) : [error.message]
    throw new CommandError(messages, { exitCode, cause: error })
  }
}

/** The control socket that is meant. */
export async function socketOf(args: Arguments): Promise<string> {
  const { socket } = args.values
  if (typeof socket === 'string') return resolve(socket)
  return (await readConfig(configFile(args))).config.controlSocket
}

export function noPositionals({ positionals }: Arguments): void {
  if (positionals.length > 0) throw new UsageError(`'${positionals[0]}' is too much`)
}

/** The one storage that is named, if one is. */
export function optionalOne({ positionals }: Arguments): string | undefined {
  if (positionals.length > 1) throw new UsageError('one name at most is taken')
  return positionals[0]
}
