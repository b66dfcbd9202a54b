/** A daemon's program: runs the command that was asked for, and says so if its code can't be loaded. */
import type { Command } from '../command.js'
import { run } from '../run.js'
import { exitCodes } from './exit-codes.js'

/** Sets the exit code. */
export async function main(
  name: string,
  load: () => Promise<{ readonly commands: readonly Command[] }>,
): Promise<void> {
  try {
    const { commands } = await load()
    // Not process.exit(): what is on its way to a pipe would be lost.
    process.exitCode = await run({ name, commands }, process.argv.slice(2), process.stdout, process.stderr)
  } catch (error) {
    // The addon is missing, or isn't for this machine.
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = exitCodes.notInstalled
  }
}
