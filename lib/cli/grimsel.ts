#!/usr/bin/env node
import { exitCodes } from './daemon/exit-codes.js'
import { run } from './run.js'

try {
  const { commands } = await import('./grimsel/commands.js')
  // Not process.exit(): what is on its way to a pipe would be lost.
  process.exitCode = await run({ name: 'grimsel', commands }, process.argv.slice(2), process.stdout, process.stderr)
} catch (error) {
  // The addon is missing, or isn't for this machine.
  process.stderr.write(`grimsel: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = exitCodes.notInstalled
}
