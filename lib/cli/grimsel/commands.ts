import type { Command } from '../command.js'
import { daemonCommands } from '../daemon/commands.js'
import { add } from './add.js'
import { checkConfig } from './check-config.js'
import { dismiss, failures, retry } from './failed.js'
import { program } from './program.js'
import { shift } from './shift.js'
import { accept, pause, resume } from './storages.js'

/** All subcommands, in the order of the list that `grimsel --help` prints. */
export const commands: readonly Command[] = [
  ...daemonCommands(program),
  shift,
  add,
  failures,
  retry,
  dismiss,
  pause,
  resume,
  accept,
  checkConfig,
]
