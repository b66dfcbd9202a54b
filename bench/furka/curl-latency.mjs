/**
 * What a file takes if somebody asks for it at once:  node curl-latency.mjs DIRECTORY SIZE FILES PER_SECOND
 *
 * Starts a curl as soon as each file is complete at a simulated detector server, and tells how long curl took for it: from
 * the connection to the last byte, as it says itself. That leaves out its start, and that of its process.
 */
import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { watchSelf } from '../self.mjs'
import { percentile } from '../statistics.mjs'
import { startDcu } from './paced.mjs'

const execute = promisify(execFile)
const [, , directory = '', ...numbers] = process.argv
const [size = 0, files = 0, perSecond = 0] = numbers.map(Number)
await mkdir(directory)
const dcu = await startDcu(size, perSecond)

const stop = await watchSelf()
/** @type {Promise<number>[]} */
const times = []
for await (const { name } of dcu.series(files)) {
  const args = ['--disable', '--silent', '--show-error', '--fail', '--write-out', '%{time_total}']
  const done = execute('curl', [...args, '--output', join(directory, name), `${dcu.url}/data/${name}`])
  times.push(done.then(({ stdout }) => Number(stdout) * 1000))
}
const latencies = await Promise.all(times)
const told = stop()
await dcu.close()
latencies.sort((a, b) => a - b)
process.stdout.write(
  JSON.stringify({
    ...told,
    latencyMs: { p50: percentile(latencies, 50), p99: percentile(latencies, 99), max: latencies.at(-1) },
  }),
)
