#!/usr/bin/env node
import { checkConfig } from './check-config.js'
import { run } from './run.js'

// Not process.exit(): what is on its way to a pipe would be lost.
process.exitCode = await run(
  { name: 'grimsel', commands: [checkConfig] },
  process.argv.slice(2),
  process.stdout,
  process.stderr,
)
