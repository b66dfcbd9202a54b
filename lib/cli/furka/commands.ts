import type { Command } from '../command.js'
import { checkConfig } from './check-config.js'

/** All subcommands, in the order of the list that `furka --help` prints. */
export const commands: readonly Command[] = [checkConfig]
