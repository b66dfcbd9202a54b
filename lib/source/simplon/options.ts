/** What the source for SIMPLON file writers can be told. */
import { inspect } from 'node:util'
import { checkInteger, checkNames, optionError } from '../../options.js'
import type { Patience } from '../complete.js'
import type { PaceTimes } from '../pace.js'
import { isVersion } from './answers.js'

/** Options of {@link openSimplon}. Times are milliseconds. */
export interface SimplonOptions {
  /**
   * The detector server: `10.42.41.10`, `dcu.example.org:8080`, `http://…` or `https://…`. No path, no user. Default
   * port: 80, or 443.
   */
  readonly host: string
  /** Default: host and port. */
  readonly id?: string
  /** As `1.8.0`. Default: the server is asked; one that doesn't tell is tried with those that are known. */
  readonly apiVersion?: string
  /** Connections for looks and removals, and as many for contents that come the slow way, 1…64. Default 4. */
  readonly connections?: number
  /** For an answer; for the head of one with a content. Default 10,000. */
  readonly timeout?: number
  /** For which a content that comes the slow way may stop. Default 30,000. */
  readonly stall?: number
  /** For which a file must look the same to be offered. Default 40. */
  readonly settle?: number
  /**
   * For which a file must look the same to be removed; and to be offered, once it was seen to change. Default 2000; at
   * least `settle`.
   */
  readonly sure?: number
  /** Waits between two lists. */
  readonly poll?: {
    /** While files arrive. Default 50. */
    readonly arriving?: number
    /** While the detector acquires. Default 100. */
    readonly acquiring?: number
    /** When nothing has happened for long. Default 300. */
    readonly idle?: number
    /** While the server fails, at most. Default 5000. */
    readonly longest?: number
    /** Between two questions for the states; a quarter of it while the detector is busy. Default 500. */
    readonly status?: number
  }
  /**
   * Files that are dealt with at once, as long as their names have no more than 64 Mi characters together; what is beyond
   * waits until others are removed. Default 100,000.
   */
  readonly maxFiles?: number
  /** HTTPS: certificates, in PEM, to trust instead of the system's. */
  readonly ca?: string
}

/** Options, checked and complete. */
export interface CheckedSimplon {
  readonly id: string
  readonly origin: string
  readonly url: URL
  readonly apiVersion: string | undefined
  readonly connections: number
  readonly timeout: number
  readonly stall: number
  readonly patience: Patience
  readonly poll: PaceTimes & { readonly status: number }
  readonly maxFiles: number
  readonly ca: string | undefined
}

const names = [
  'host',
  'id',
  'apiVersion',
  'connections',
  'timeout',
  'stall',
  'settle',
  'sure',
  'poll',
  'maxFiles',
  'ca',
] as const
const pollNames = ['arriving', 'acquiring', 'idle', 'longest', 'status'] as const
const HOUR = 3_600_000

/** @throws SustenError `ERR_SUSTEN_OPTION` */
export function checkSimplon(options: SimplonOptions): CheckedSimplon {
  checkNames('openSimplon', options, names)
  const { poll = {} } = options
  checkNames('poll', poll, pollNames)
  const url = checkHost(options.host)
  const id = options.id ?? url.host
  if (typeof id !== 'string' || id === '') throw optionError(`option 'id' must be some text, not ${inspect(id)}`)
  const { apiVersion } = options
  if (apiVersion !== undefined && !(typeof apiVersion === 'string' && isVersion(apiVersion))) {
    throw optionError(`option 'apiVersion' must be a version as '1.8.0', not ${inspect(apiVersion)}`)
  }
  const { ca } = options
  if (ca !== undefined && typeof ca !== 'string') throw optionError(`option 'ca' must be certificates in PEM`)
  const settle = checkInteger('settle', options.settle ?? 40, 0, HOUR)
  const time = (name: (typeof pollNames)[number], usual: number): number =>
    checkInteger(`poll.${name}`, poll[name] ?? usual, 1, HOUR)
  return {
    id,
    url,
    origin: url.origin,
    apiVersion,
    connections: checkInteger('connections', options.connections ?? 4, 1, 64),
    timeout: checkInteger('timeout', options.timeout ?? 10_000, 1, HOUR),
    stall: checkInteger('stall', options.stall ?? 30_000, 1, HOUR),
    patience: { settle, sure: checkInteger('sure', options.sure ?? Math.max(2000, settle), settle, HOUR) },
    poll: {
      arriving: time('arriving', 50),
      acquiring: time('acquiring', 100),
      idle: time('idle', 300),
      longest: time('longest', 5000),
      status: time('status', 500),
    },
    maxFiles: checkInteger('maxFiles', options.maxFiles ?? 100_000, 1, 1_000_000),
    ca,
  }
}

function checkHost(host: unknown): URL {
  const url = typeof host === 'string' ? parsed(host.includes('://') ? host : `http://${host}`) : undefined
  const isBare = url !== undefined && url.href === `${url.origin}/`
  if (isBare && (url.protocol === 'http:' || url.protocol === 'https:')) return url
  throw optionError(`option 'host' must be a server as '10.42.41.10' or 'http://dcu:8080', not ${inspect(host)}`)
}

function parsed(text: string): URL | undefined {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}
