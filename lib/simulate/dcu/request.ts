/** What a request asks for, by its path as it was sent: nothing is decoded or tidied but what must be. */
import { Buffer } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import type { Target } from './faults.js'

/** A path of the API: `/<module>/api/<version>/<task>/<name>`. */
export interface ApiPath {
  readonly module: string
  /** Or `version`, if that is what is asked for. */
  readonly version: string
  readonly task: string
  /** May have slashes; empty if there is none. */
  readonly name: string
}

/** Path and query as they were sent. */
export function rawPath(request: IncomingMessage): string {
  const target = request.url ?? '/'
  // A proxy's form has the host in it.
  return target.replace(/^https?:\/\/[^/]*/i, '')
}

/** Path without its query. */
export const withoutQuery = (path: string): string => path.replace(/\?.*$/s, '')

/** What follows `/data/`; undefined if something else is asked for. */
export function dataName(path: string): string | undefined {
  return path.startsWith('/data/') ? path.slice('/data/'.length) : undefined
}

/** A slash at the end is allowed: clients use both forms. */
export function apiPath(path: string): ApiPath | undefined {
  const [, module, version, task = '', name = ''] =
    /^\/(\w+)\/api\/([\w.]+)(?:\/(\w+)(?:\/(.*?))?)?\/?$/.exec(withoutQuery(path)) ?? []
  return module === undefined || version === undefined ? undefined : { module, version, task, name }
}

export function areaOf(path: string): Target['area'] {
  if (dataName(path) !== undefined) return 'data'
  const api = apiPath(path)
  if (api?.module !== 'filewriter') return 'api'
  return api.task === 'files' || (api.task === 'status' && api.name === 'files') ? 'list' : 'api'
}

/** Bytes of a body that are taken. */
const LARGEST_BODY = 1024 * 1024

/** The body as text; undefined if it is too large. Rejects if the client is gone. */
export async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length
    if (size <= LARGEST_BODY) parts.push(part)
  }
  return size > LARGEST_BODY ? undefined : Buffer.concat(parts).toString('utf8')
}
