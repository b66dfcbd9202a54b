#!/usr/bin/env node
import { commands } from './furka/commands.js'
import { run } from './run.js'

// Not process.exit(): what is on its way to a pipe would be lost.
process.exitCode = await run({ name: 'furka', commands }, process.argv.slice(2), process.stdout, process.stderr)
