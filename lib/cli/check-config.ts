/** `grimsel check-config`: what is wrong with a configuration file, or what it says. */
import { SustenError } from '../errors.js'
import { loadConfig, printable } from '../grimsel/config/index.js'
import { type Command, UsageError } from './command.js'
import { summaryOf } from './config-summary.js'

export const checkConfig: Command = {
  name: ['check-config'],
  summary: 'check a configuration file',
  usage: 'FILE',
  help: `Reads FILE, in the form of /etc/grimsel_dectris.conf or as JSON, and changes nothing.
Prints 'FILE: ok', what it configures, and notes; or all errors, one a line, as
FILE:LINE: KEY …, and the exit code is 1.`,
  options: {},
  async run({ positionals }, { out }) {
    const [file, ...more] = positionals
    if (file === undefined || more.length > 0) throw new UsageError('one file is needed')
    const { lines, code } = await check(file)
    await out.write(lines.map((line) => `${line}\n`).join(''))
    await out.end()
    return code
  },
}

async function check(file: string): Promise<{ lines: readonly string[]; code: number }> {
  try {
    const { config, notes } = await loadConfig(file)
    return { lines: [`${printable(file)}: ok`, ...summaryOf(config), ...notes.map(({ text }) => text)], code: 0 }
  } catch (error) {
    if (!(error instanceof SustenError) || error.code !== 'ERR_SUSTEN_CONFIG') throw error
    return { lines: error.failures.map(({ message }) => message), code: 1 }
  }
}
