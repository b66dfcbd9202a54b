/**
 * How long so many bytes take at what iperf3 gets out of a link:  node iperf3.mjs HOST PORT BYTES CONNECTIONS
 *
 * The server sends for some seconds. Prints one JSON object, as modules that copy do.
 */
import { system } from '../scratch.mjs'

const seconds = 3
const [, , host = '', port = '', bytes = '', connections = ''] = process.argv
const args = ['--client', host, '--port', port, '--reverse', '--time', String(seconds), '--parallel', connections]
const { end } =
  /** @type {{ end: { sum_received: { bits_per_second: number }, cpu_utilization_percent: { host_total: number } } }} */ (
    JSON.parse(system('iperf3', ...args, '--json'))
  )
const time = (Number(bytes) * 8) / end.sum_received.bits_per_second
process.stdout.write(
  JSON.stringify({
    seconds: time,
    cpuSeconds: (time * end.cpu_utilization_percent.host_total) / 100,
    peakRssBytes: process.resourceUsage().maxRSS * 1024,
  }),
)
