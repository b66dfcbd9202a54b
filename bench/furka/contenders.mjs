/** Who receives files from an HTTP server. */
import { join } from 'node:path'
import { programVersion } from '../contenders.mjs'
import { nginxVersion } from './nginx.mjs'

/** @typedef {import('../contenders.mjs').Contender} Contender */

/**
 * What is received, and from where.
 *
 * @typedef {object} Download
 * @property {string} host
 * @property {number} port
 * @property {string} list A file with a path of the server in each line.
 * @property {string} warmUp The same, of what is received before.
 * @property {string} urls A file with the whole address in each line.
 * @property {string} curl The same addresses, as `curl --config` reads them, each with the name of its file.
 * @property {number} connections
 * @property {string[]} [within] A command that runs another one, which it is given.
 */

/** Programs, with their versions. */
const programs = {
  nginx: nginxVersion,
  curl: () => programVersion('curl', /^curl (\S+)/),
  wget2: () => programVersion('wget2', /^GNU Wget2 (\S+)/),
  iperf3: () => programVersion('iperf3', /^iperf (\S+)/),
}

export const furkaPrograms = /** @type {(keyof typeof programs)[]} */ (Object.keys(programs))

/** @param {keyof typeof programs} name @returns {string | undefined} Undefined if not installed. */
export const furkaVersion = (name) => programs[name]()

/**
 * A module of this directory, in a Node of its own.
 *
 * @param {string} name
 * @param {string} label
 * @param {'ours' | 'peer'} side
 * @param {string} module
 * @param {Download} download
 * @returns {Contender}
 */
const inNode = (name, label, side, module, { host, port, list, warmUp, connections, within = [] }) => ({
  name,
  label,
  kind: 'in-process',
  side,
  durable: false,
  version: () => process.version,
  command: (_, dest) => [
    ...within,
    process.execPath,
    join(import.meta.dirname, `${module}.mjs`),
    ...[host, String(port), list, warmUp, dest, String(connections)],
  ],
})

/**
 * @param {'curl' | 'wget2'} name
 * @param {string} label
 * @param {(dest: string) => string[]} args
 * @param {Download} download
 * @returns {Contender}
 */
const program = (name, label, args, { within = [] }) => ({
  name,
  label,
  kind: 'external',
  side: 'peer',
  durable: false,
  version: programs[name],
  command: (_, dest) => [...within, name, ...args(dest)],
})

/** The one that Furka receives with. @param {Download} download */
export const susten = (download) =>
  inNode('susten-receive', 'susten, digest, owner, mode, time', 'ours', 'receive', download)

/** @param {Download} download */
export const curl = (download) =>
  program(
    'curl',
    'curl -Z',
    (dest) => [
      ...['--disable', '--silent', '--show-error', '--fail', '--parallel'],
      ...['--parallel-max', String(download.connections), '--create-dirs', '--output-dir', dest],
      ...['--config', download.curl],
    ],
    download,
  )

/** @param {Download} download */
export const wget2 = (download) =>
  program(
    'wget2',
    'wget2',
    (dest) => [
      ...['--no-config', '--quiet', '--max-threads', String(download.connections), '--directory-prefix', dest],
      ...['--no-directories', '--no-compression', '--input-file', download.urls],
    ],
    download,
  )

/** @param {Download} download */
export const httpPipeline = (download) =>
  inNode('http-pipeline', "Node's http + pipeline", 'peer', 'http-pipeline', download)

/** What the link gives: no files, no disk. @param {Download} download Its port is iperf3's. @param {number} bytes */
export const iperf3 = ({ host, port, connections, within = [] }, bytes) =>
  /** @type {Contender} */ ({
    name: 'iperf3',
    label: 'iperf3: what the link gives',
    kind: 'in-process',
    side: 'ceiling',
    durable: false,
    version: programs.iperf3,
    command: () => [
      ...within,
      process.execPath,
      join(import.meta.dirname, 'iperf3.mjs'),
      ...[host, String(port), String(bytes), String(connections)],
    ],
  })

/**
 * A module of this directory whose files come one by one.
 *
 * @param {string} name
 * @param {string} label
 * @param {'ours' | 'peer'} side
 * @param {string} module
 * @returns {(args: string[]) => Contender}
 */
const latency = (name, label, side, module) => (args) => ({
  name,
  label,
  kind: 'in-process',
  side,
  durable: false,
  version: () => process.version,
  command: () => [process.execPath, join(import.meta.dirname, `${module}.mjs`), ...args],
})

export const furkaLatency = latency('furka-latency', 'Furka, until Grimsel has it', 'ours', 'latency')

export const curlLatency = latency('curl-latency', 'curl of every tenth, its own time', 'peer', 'curl-latency')

/** Names that `--contenders` knows besides those of `copyContenders`. */
export const furkaNames = [
  'susten-receive',
  'curl',
  'wget2',
  'http-pipeline',
  'iperf3',
  'furka-latency',
  'curl-latency',
].map((name) => ({ name }))
