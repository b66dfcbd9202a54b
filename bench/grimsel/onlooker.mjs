/**
 * An event loop with nothing to do, while the bare loop copies a tree beside it at the priority of our threads: what
 * the processors leave to any loop under such a load:  node onlooker.mjs RAW SRC DEST
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { watchSelf } from '../self.mjs'
import { tell } from './world.mjs'

const [, , raw = '', src = '', dest = ''] = process.argv
const copy = [raw, src, dest, '--loop', 'readwrite', '--buffer', String(128 * 1024), '--threads', '4', '--sync']

const stop = await watchSelf()
const [status] = await once(spawn('nice', ['-n', '5', 'chrt', '--batch', '0', ...copy], { stdio: 'ignore' }), 'exit')
const told = stop()

if (status !== 0) throw new Error(`${raw} ended with status ${status}`)
tell(told)
