/** `check-config` of a program: what is wrong with a configuration file, or what it says. */
import { type Loaded, printable } from '../config/index.js'
import { SustenError } from '../errors.js'
import { type Command, CommandError, UsageError } from './command.js'
import { unreadable } from './unreadable.js'

/** A program's configuration. */
interface Checked<C> {
  /** Its forms, for `--help`: `in the form of /etc/x.conf or as JSON`. */
  readonly forms: string
  load(file: string): Promise<Loaded<C>>
  /** What it amounts to, in a few lines. */
  summarise(config: C): readonly string[]
}

export function checkConfigCommand<C>(checked: Checked<C>): Command {
  return {
    name: ['check-config'],
    summary: 'check a configuration file',
    usage: 'FILE',
    help: `Reads FILE, ${checked.forms}, and changes nothing.
Prints 'FILE: ok', what it configures, and notes; or all errors, one a line, as
FILE:LINE: KEY …, and the exit code is 1.`,
    options: {},
    async run({ positionals }, { out }) {
      const [file, ...more] = positionals
      if (file === undefined || more.length > 0) throw new UsageError('one file is needed')
      const { lines, code } = await check(file, checked)
      await out.write(lines.map((line) => `${line}\n`).join(''))
      await out.end()
      return code
    },
  }
}

async function check<C>(
  file: string,
  { load, summarise }: Checked<C>,
): Promise<{ lines: readonly string[]; code: number }> {
  try {
    const { config, notes } = await load(file)
    return { lines: [`${printable(file)}: ok`, ...summarise(config), ...notes.map(({ text }) => text)], code: 0 }
  } catch (error) {
    if (!(error instanceof SustenError)) throw error
    if (error.code !== 'ERR_SUSTEN_CONFIG') {
      throw new CommandError(unreadable('configuration', file, error), { exitCode: 1, cause: error })
    }
    return { lines: error.failures.map(({ message }) => message), code: 1 }
  }
}
