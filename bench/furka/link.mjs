/** A link of 10 Gbit/s between two network namespaces. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { system } from '../scratch.mjs'

/** @typedef {import('../tools.mjs').Tools} Tools */
/** @typedef {import('../file-systems.mjs').Skip} Skip */

/**
 * @typedef {object} Link
 * @property {string} host The server's address.
 * @property {string[]} server Runs the command that follows in the server's namespace.
 * @property {string[]} client The same in the client's.
 * @property {string} description
 * @property {() => void} close
 */

const prefix = 'susten-bench-'
/** Documentation's own (RFC 5737): nobody's. */
const host = '192.0.2.1'
const client = '192.0.2.2'
const delayMicroseconds = 200

/** What the shaper counts, in bits per second: whole Ethernet frames, without preamble and gap. */
const linkBitsPerSecond = 10e9
/** Bytes of a frame of 1500 bytes of IP, and what of them is a stream's: 14 are Ethernet's, 20 IP's, 32 TCP's. */
const [frame, payload] = [1514, 1448]

/** The part of the link that a stream of so many bytes in so many seconds used. @param {number} bytes @param {number} seconds */
export const linkUse = (bytes, seconds) => (bytes * 8 * frame) / payload / seconds / linkBitsPerSecond

/** @param {string} name */
const space = (name) => `/run/netns/${name}`

/** Those of an earlier bench that was killed before it could tidy up. */
function clearLeftovers() {
  if (!existsSync('/run/netns')) return
  for (const name of readdirSync('/run/netns')) {
    const pid = name.startsWith(prefix) ? Number(name.slice(prefix.length).split('-')[0]) : Number.NaN
    if (Number.isInteger(pid) && !existsSync(`/proc/${pid}`)) system('ip', 'netns', 'delete', name)
  }
}

/** Why there can't be one, or undefined. */
function obstacle() {
  if (process.getuid?.() !== 0) return 'needs root, for network namespaces'
  const missing = ['ip', 'tc', 'nsenter'].find((program) => spawnSync(program, ['-V']).error)
  if (missing) return `${missing} is not installed`
  return existsSync('/dev/net/tun') ? undefined : 'needs /dev/net/tun'
}

/**
 * A veth pair, shaped on the server's side. The time that light takes is put on the way back: the acknowledgements go by
 * `native/delay.cc`, since not every kernel has netem. For a stream it makes no difference on which way it waits. Routes
 * ask for cubic, as Debian has it, whatever the machine's default.
 *
 * @param {Tools} tools
 * @returns {Promise<Link | Skip>}
 */
export async function openLink(tools) {
  const why = obstacle()
  if (why) return { skipped: why }
  clearLeftovers()
  const [near, far] = [`${prefix}${process.pid}-client`, `${prefix}${process.pid}-server`]
  const enter = (/** @type {string} */ name) => ['nsenter', `--net=${space(name)}`]
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let delay
  const close = () => {
    process.off('exit', close)
    delay?.kill('SIGKILL')
    for (const name of [near, far]) if (existsSync(space(name))) system('ip', 'netns', 'delete', name)
  }
  process.on('exit', close)
  try {
    for (const name of [near, far]) system('ip', 'netns', 'add', name)
    system('ip', 'link', 'add', 'wire', 'netns', far, 'type', 'veth', 'peer', 'name', 'wire', 'netns', near)
    const args = [String(delayMicroseconds), space(near), space(far), 'back']
    delay = spawn('setpriv', ['--pdeathsig', 'KILL', tools.delay, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [ready] = await Promise.race([once(/** @type {any} */ (delay.stdout), 'data'), once(delay, 'exit')])
    if (!Buffer.isBuffer(ready)) throw new Error(`native/delay.cc: exit ${ready}`)
    for (const name of [near, far]) {
      // The two ways differ.
      const filters = ['all', 'wire', 'back'].map((device) => `net.ipv4.conf.${device}.rp_filter=0`)
      const [run = '', ...rest] = enter(name)
      system(run, ...rest, 'sysctl', '-qw', ...filters, 'net.ipv4.tcp_rmem=4096 131072 6291456')
      for (const device of ['lo', 'wire', 'back']) system('ip', '-n', name, 'link', 'set', device, 'up')
    }
    system('ip', '-n', far, 'address', 'add', `${host}/32`, 'dev', 'wire')
    system('ip', '-n', near, 'address', 'add', `${client}/32`, 'dev', 'wire')
    const cubic = ['congctl', 'cubic']
    system('ip', '-n', far, 'route', 'add', client, 'dev', 'wire', 'src', host, ...cubic)
    system('ip', '-n', near, 'route', 'add', host, 'dev', 'back', 'src', client, ...cubic)
    const shape = ['tbf', 'rate', `${linkBitsPerSecond}`, 'burst', '512kb', 'latency', '5ms']
    system('tc', '-n', far, 'qdisc', 'add', 'dev', 'wire', 'root', ...shape)
  } catch (error) {
    close()
    throw error
  }
  return {
    host,
    server: enter(far),
    client: enter(near),
    description: `10 Gbit/s (tbf, frames of 1514 bytes), ${delayMicroseconds / 1000} ms of delay, cubic, between two network namespaces`,
    close,
  }
}
