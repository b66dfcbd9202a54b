/** Where a daemon is to be found: its configuration, and its control socket. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { type ConfigNote, type Loaded, printable, quoted } from '../../config/index.js'
import { SustenError } from '../../errors.js'
import { type Arguments, CommandError } from '../command.js'
import { exitCodeOf, exitCodes, linesOf } from './exit-codes.js'

export const configOption = { config: { type: 'string', short: 'c' } } as const
export const placeOptions = { ...configOption, socket: { type: 'string' } } as const

/** A configuration that was read. */
export interface FoundConfig<C> extends Loaded<C> {
  /** Absolute. */
  readonly file: string
}

export interface Place<C> {
  /** Lines for `--help`: of the configuration alone, and of the socket too. */
  readonly configHelp: string
  readonly placeHelp: string
  /** @throws CommandError 6: there is none, or it is wrong; 4: it may not be read */
  readConfig(args: Arguments): Promise<FoundConfig<C>>
  /** The control socket that is meant. */
  socketOf(args: Arguments): Promise<string>
}

interface PlaceOptions<C> {
  /** Where the configuration is if none is given: the first of these that is there. */
  readonly files: readonly [string, ...string[]]
  load(file: string): Promise<Loaded<C>>
}

export function placeOf<C extends { readonly controlSocket: string }>({ files, load }: PlaceOptions<C>): Place<C> {
  const configHelp = `  -c, --config FILE   the configuration (default ${files.join(',\n                      else ')})`

  async function readConfig({ values }: Arguments): Promise<FoundConfig<C>> {
    const { config } = values
    const { file, notes } = typeof config === 'string' ? { file: resolve(config), notes: [] } : usualFile(files)
    try {
      const loaded = await load(file)
      return { ...loaded, file, notes: [...notes, ...loaded.notes] }
    } catch (error) {
      if (!(error instanceof SustenError)) throw error
      const isMissing = error.code === 'ENOENT'
      const exitCode = isMissing ? exitCodes.notConfigured : exitCodeOf(error)
      const hint = typeof config === 'string' ? `${quoted(file)}; write it, or correct -c` : usualHint(files)
      const lines = isMissing ? [`there is no configuration file ${hint}`] : linesOf(error)
      throw new CommandError(lines, { exitCode, cause: error })
    }
  }

  return {
    configHelp,
    placeHelp: `${configHelp}
  --socket PATH       the daemon's control socket, instead of the configuration's`,
    readConfig,
    async socketOf(args) {
      const { socket } = args.values
      return typeof socket === 'string' ? resolve(socket) : (await readConfig(args)).config.controlSocket
    },
  }
}

/** The first file that is there, else the first; noted are those that are there too. */
export function usualFile(files: readonly [string, ...string[]]): { file: string; notes: readonly ConfigNote[] } {
  const [file = files[0], ...others] = files.filter((candidate) => existsSync(candidate))
  const notes = others.map((other) => ({
    position: undefined,
    text: `${printable(file)}: note: ${printable(other)} is there too, and is not read`,
  }))
  return { file, notes }
}

/** Where one would be found, and what to do. */
const usualHint = ([first, ...others]: readonly [string, ...string[]]): string =>
  `${[quoted(first), ...others.map(quoted)].join(' or ')}; write it, or give another by -c FILE`
