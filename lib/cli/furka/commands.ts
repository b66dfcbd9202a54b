import type { Command } from '../command.js'
import { daemonCommands } from '../daemon/commands.js'
import { checkConfig } from './check-config.js'
import { program } from './program.js'
import { user } from './user.js'

/** All subcommands, in the order of the list that `furka --help` prints. */
export const commands: readonly Command[] = [...daemonCommands(program), user, checkConfig]
