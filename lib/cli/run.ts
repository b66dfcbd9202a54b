/** Finds the command, reads its options, runs it, and turns what goes wrong into one line and an exit code. */
import type { Writable } from 'node:stream'
import { printable } from '../config/index.js'
import { packageVersion } from '../version.js'
import { type Command, CommandError, UsageError } from './command.js'
import { type Output, outputTo } from './output.js'
import { parse } from './parse.js'

/** A program and its subcommands, in the order of the list that `--help` prints. */
export interface Program {
  readonly name: string
  readonly commands: readonly Command[]
}

/** Exit codes: 0 done, 1 failed, 2 wrong use; others where a command says so. */
export async function run(
  program: Program,
  args: readonly string[],
  stdout: Writable,
  stderr: Writable,
): Promise<number> {
  const out = outputTo(stdout)
  const err = outputTo(stderr)
  const warn = async (line: string): Promise<void> => {
    await err.write(`${program.name}: ${printable(line.replaceAll('\n', ' '))}\n`)
    await err.end()
  }
  const command = find(program, args)
  try {
    if (command === undefined) return await runAlone(program, args, out)
    const given = parse(args.slice(command.name.length), command.options)
    if (given.values['help'] === true) return await print(out, helpOf(program, command))
    return await command.run(given, { out, isTerminal: 'isTTY' in stdout && stdout.isTTY === true, warn })
  } catch (error) {
    if (error instanceof CommandError) {
      for (const line of error.lines) await warn(line)
      return error.exitCode
    }
    const message = error instanceof Error ? error.message : String(error)
    if (!(error instanceof UsageError)) {
      await warn(message)
      return 1
    }
    const name = [program.name, ...(command?.name ?? [])].join(' ')
    await warn(`${message}; see '${name} --help'`)
    return 2
  }
}

/** The command whose words come first. */
function find({ commands }: Program, args: readonly string[]): Command | undefined {
  return commands.find(({ name }) => name.every((word, i) => args[i] === word))
}

/** Without a command there are only the general options. */
async function runAlone(program: Program, args: readonly string[], out: Output): Promise<number> {
  const { values, positionals } = parse(args, { version: { type: 'boolean', short: 'V' } })
  if (values['help'] === true) return print(out, overview(program, positionals))
  if (values['version'] === true) return print(out, `${packageVersion()}\n`)
  if (positionals.length === 0) throw new UsageError('a command is needed')
  const words = positionals.join(' ')
  const isBegun = beginWith(program, positionals).length > 0
  throw new UsageError(isBegun ? `'${words}' needs a further word` : `no command '${words}'`)
}

async function print(out: Output, text: string): Promise<number> {
  await out.write(text)
  await out.end()
  return 0
}

function helpOf(program: Program, { name, usage, help }: Command): string {
  return `Usage: ${program.name} ${name.join(' ')} ${usage}\n\n${help}\n`
}

const beginWith = ({ commands }: Program, words: readonly string[]): Command[] =>
  commands.filter(({ name }) => words.every((word, i) => name[i] === word))

/** The commands that begin with these words. */
function overview(program: Program, words: readonly string[]): string {
  const some = beginWith(program, words)
  if (some.length === 0) throw new UsageError(`no command '${words.join(' ')}'`)
  const lines = some.map(({ name, summary }) => `  ${name.join(' ').padEnd(16)}  ${summary}`)
  return `Usage: ${program.name} COMMAND [OPTION]… [ARGUMENT]…

Commands:
${lines.join('\n')}

Options:
  -h, --help        print this, or what '${program.name} COMMAND --help' has to say
  -V, --version     print the version
`
}
