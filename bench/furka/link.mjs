/** A link of 10 Gbit/s between two network namespaces. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { system } from '../scratch.mjs'
import { cubic, obstacle, openNamespaces } from './namespaces.mjs'

/** @typedef {import('../tools.mjs').Tools} Tools */
/** @typedef {import('../file-systems.mjs').Skip} Skip */
/** @typedef {import('./namespaces.mjs').Namespace} Namespace */

/**
 * @typedef {object} Link
 * @property {string} host The server's address.
 * @property {string[]} server Runs the command that follows in the server's namespace.
 * @property {string[]} client The same in the client's.
 * @property {string} description
 * @property {() => void} close
 */

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

/** Carries what comes out of `from`'s device to `to`'s. @param {Tools} tools @param {Namespace} from @param {Namespace} to */
async function startDelay(tools, from, to) {
  const args = [tools.delay, String(delayMicroseconds), from.path, to.path, 'back']
  // The kernel ends it too if this process is killed.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [ready] = await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])
  if (!Buffer.isBuffer(ready)) throw new Error(`native/delay.cc: exit ${ready}`)
  return child
}

/**
 * A veth pair, shaped on the server's side. The time that light takes is put on the way back: the acknowledgements go by
 * `native/delay.cc`, since not every kernel has netem. For a stream it makes no difference on which way it waits.
 *
 * @param {Tools} tools
 * @returns {Promise<Link | Skip>}
 */
export async function openLink(tools) {
  const why = obstacle('tc') ?? (existsSync('/dev/net/tun') ? undefined : 'needs /dev/net/tun')
  if (why) return { skipped: why }
  const { spaces, close: closeSpaces } = openNamespaces('client', 'server')
  const [near, far] = /** @type {[Namespace, Namespace]} */ (spaces)
  /** @type {import('node:child_process').ChildProcess | undefined} */
  let delay
  const close = () => {
    delay?.kill('SIGKILL')
    closeSpaces()
  }
  try {
    system('ip', 'link', 'add', 'wire', 'netns', far.name, 'type', 'veth', 'peer', 'name', 'wire', 'netns', near.name)
    delay = await startDelay(tools, near, far)
    for (const { name, enter } of [near, far]) {
      // The two ways differ.
      const filters = ['all', 'wire', 'back'].map((device) => `net.ipv4.conf.${device}.rp_filter=0`)
      const [nsenter = '', ...into] = enter
      system(nsenter, ...into, 'sysctl', '-qw', ...filters, 'net.ipv4.tcp_rmem=4096 131072 6291456')
      for (const device of ['wire', 'back']) system('ip', '-n', name, 'link', 'set', device, 'up')
    }
    system('ip', '-n', far.name, 'address', 'add', `${host}/32`, 'dev', 'wire')
    system('ip', '-n', near.name, 'address', 'add', `${client}/32`, 'dev', 'wire')
    system('ip', '-n', far.name, 'route', 'add', client, 'dev', 'wire', 'src', host, ...cubic)
    system('ip', '-n', near.name, 'route', 'add', host, 'dev', 'back', 'src', client, ...cubic)
    const shape = ['tbf', 'rate', String(linkBitsPerSecond), 'burst', '512kb', 'latency', '5ms']
    system('tc', '-n', far.name, 'qdisc', 'add', 'dev', 'wire', 'root', ...shape)
  } catch (error) {
    close()
    throw error
  }
  return {
    host,
    server: far.enter,
    client: near.enter,
    description:
      `10 Gbit/s (tbf; frames of ${frame} bytes with ${payload} of content), ` +
      `${delayMicroseconds / 1000} ms of delay, cubic, between two network namespaces`,
    close,
  }
}
