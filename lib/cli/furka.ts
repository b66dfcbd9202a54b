#!/usr/bin/env node
import { main } from './daemon/main.js'

await main('furka', () => import('./furka/commands.js'))
