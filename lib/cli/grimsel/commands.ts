import type { Command } from '../command.js'
import { add } from './add.js'
import { checkConfig } from './check-config.js'
import { dismiss, failures, retry } from './failed.js'
import { run } from './run.js'
import { shift } from './shift.js'
import { start } from './start.js'
import { status } from './status.js'
import { restart, stop } from './stop.js'
import { accept, pause, resume } from './storages.js'

/** All subcommands, in the order of the list that `grimsel --help` prints. */
export const commands: readonly Command[] = [
  start,
  stop,
  restart,
  status,
  run,
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
