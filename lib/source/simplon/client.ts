/**
 * Requests to a detector server: a few connections that stay open, bounds for what comes and for how long. Answers of
 * any status are results; an error means that there was none. Redirections aren't followed.
 */
import { Buffer } from 'node:buffer'
import { type Dispatcher, Pool } from 'undici'
import { answerError, connectionError, timeoutError } from './failures.js'

/** An answer without its body. */
export interface Head {
  readonly status: number
  readonly headers: Headers
}

export interface Answer extends Head {
  readonly body: Buffer
}

/** Fields of an answer, names in lower case. One that came several times: a list. */
export type Headers = Readonly<Record<string, string | string[] | undefined>>

/** An answer whose body comes. */
export interface Stream extends Head {
  readonly body: AsyncIterable<Uint8Array>
  /** Ends the connection. */
  destroy(): void
}

export interface Ask {
  /** Bytes of the body; one that is larger is an error. Default 64 KiB. */
  readonly limit?: number
  readonly headers?: Readonly<Record<string, string>>
}

export interface ClientOptions {
  /** As `http://10.42.41.10:80`. */
  readonly origin: string
  /** Connections for files; lists and states have two of their own, contents as many again. */
  readonly connections: number
  /** Milliseconds for a whole answer; of contents: for its head. */
  readonly timeout: number
  /** Milliseconds for which a content may stop. */
  readonly stall: number
  /** Certificates, in PEM, that are trusted instead of the system's. */
  readonly ca: string | undefined
}

/** `api`: lists and states; `files`: what is about a single file. */
export type Lane = 'api' | 'files'

export interface Client {
  ask(lane: Lane, method: 'GET' | 'HEAD' | 'DELETE', path: string, ask?: Ask): Promise<Answer>
  /** GET of a content. Rejects with the signal's `ABORT_ERR` while the head is waited for; the body throws it later. */
  stream(path: string, headers: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<Stream>
  /** What is under way rejects. */
  close(): Promise<void>
}

const LIMIT = 64 * 1024
const CONNECT = 5000
const API_CONNECTIONS = 2

export function openClient({ origin, connections, timeout, stall, ca }: ClientOptions): Client {
  const open = (most: number, bodyTimeout: number): Pool =>
    new Pool(origin, {
      connections: most,
      pipelining: 1,
      headersTimeout: timeout,
      bodyTimeout,
      connect: { timeout: Math.min(CONNECT, timeout), ...(ca === undefined ? {} : { ca }) },
    })
  const lanes = { api: open(API_CONNECTIONS, timeout), files: open(connections, timeout) }
  const contents = open(connections, stall)

  return {
    async ask(lane, method, path, { limit = LIMIT, headers = {} } = {}) {
      const what = `${method} ${origin}${path}`
      const deadline = new AbortController()
      const timer = setTimeout(() => deadline.abort(timeoutError(what, timeout)), timeout)
      try {
        // By itself the client would end the connection after each HEAD, for servers that answer it with a body.
        const request = { method, path, headers, signal: deadline.signal, reset: false }
        const { statusCode, headers: fields, body } = await lanes[lane].request(request)
        return { status: statusCode, headers: fields, body: await whole(body, limit, what) }
      } catch (error) {
        throw connectionError(what, deadline.signal.aborted ? deadline.signal.reason : error)
      } finally {
        clearTimeout(timer)
      }
    },

    async stream(path, headers, signal) {
      const what = `GET ${origin}${path}`
      try {
        const request = { method: 'GET', path, headers, ...(signal && { signal }) } as const
        const { statusCode, headers: fields, body } = await contents.request(request)
        // Ending it early is no failure.
        body.on('error', () => {})
        return { status: statusCode, headers: fields, body: bytesOf(body, what), destroy: () => void body.destroy() }
      } catch (error) {
        throw connectionError(what, error)
      }
    },

    async close() {
      await Promise.all([lanes.api, lanes.files, contents].map((pool) => pool.destroy()))
    },
  }
}

type Body = Dispatcher.ResponseData['body']

async function whole(body: Body, limit: number, what: string): Promise<Buffer> {
  const parts: Buffer[] = []
  let size = 0
  // Leaving the loop early ends the connection.
  for await (const part of body as AsyncIterable<Buffer>) {
    size += part.length
    if (size > limit) throw answerError(what, `the answer has more than ${limit} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

async function* bytesOf(body: Body, what: string): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* body as AsyncIterable<Uint8Array>
  } catch (error) {
    throw connectionError(what, error)
  }
}
