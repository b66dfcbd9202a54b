import type { Command } from './command.js'
import { journalDump } from './journal-dump.js'
import { simulateDcuCommand } from './simulate-dcu.js'

/** All subcommands, in the order of the list that `susten --help` prints. */
export const commands: readonly Command[] = [journalDump, simulateDcuCommand]
