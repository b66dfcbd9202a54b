/** The commands that every daemon has. */
import type { DaemonBasics } from '../../daemon/index.js'
import type { Command } from '../command.js'
import type { DaemonProgram } from './program.js'
import { runCommand } from './run.js'
import { startCommand } from './start.js'
import { statusCommand } from './status.js'
import { restartCommand, stopCommand } from './stop.js'

/** In the order of the list that `--help` prints. */
export const daemonCommands = <C extends { readonly controlSocket: string }, S extends DaemonBasics>(
  program: DaemonProgram<C, S>,
): readonly Command[] => [
  startCommand(program),
  stopCommand(program),
  restartCommand(program),
  statusCommand(program),
  runCommand(program),
]
