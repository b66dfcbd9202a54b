#!/usr/bin/env node
import { main } from './daemon/main.js'

await main('grimsel', () => import('./grimsel/commands.js'))
