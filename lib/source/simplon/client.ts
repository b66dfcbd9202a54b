/**
 * Requests to a detector server: a few connections that stay open, bounds for what comes and for how long. Answers of
 * any status are results; an error means that there was none. Redirections aren't followed.
 */
import { Buffer } from 'node:buffer'
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { urlToHttpOptions } from 'node:url'
import { SustenError } from '../../errors.js'
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
  ask(lane: Lane, method: Method, path: string, ask?: Ask): Promise<Answer>
  /** GET of a content. Rejects with the signal's `ABORT_ERR` while the head is waited for; the body throws it later. */
  stream(path: string, headers: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<Stream>
  /** What is under way rejects. */
  close(): Promise<void>
}

type Method = 'GET' | 'HEAD' | 'DELETE'

const LIMIT = 64 * 1024
const CONNECT = 5000
const API_CONNECTIONS = 2

export function openClient({ origin, connections, timeout, stall, ca }: ClientOptions): Client {
  const url = new URL(origin)
  const isSecure = url.protocol === 'https:'
  const server = urlToHttpOptions(url)
  /** What ends each request that is under way. */
  const stops = new Set<AbortController>()
  let isClosed = false
  const agentFor = (most: number): HttpAgent => {
    const options = { keepAlive: true, maxSockets: most, maxFreeSockets: most }
    return isSecure ? new HttpsAgent({ ...options, ...(ca === undefined ? {} : { ca }) }) : new HttpAgent(options)
  }
  const lanes = { api: agentFor(API_CONNECTIONS), files: agentFor(connections) }
  const contents = agentFor(connections)

  interface Order {
    readonly agent: HttpAgent
    readonly method: Method
    readonly path: string
    readonly headers: Readonly<Record<string, string>>
    readonly signal: AbortSignal
  }

  /** Resolves with the head. A connection that the server had closed before it heard of the request is taken for none. */
  async function send(order: Order): Promise<IncomingMessage> {
    for (;;) {
      const sent = begin(order)
      try {
        return await headOf(sent)
      } catch (error) {
        const isStale = sent.reusedSocket && error instanceof Error && 'code' in error && error.code === 'ECONNRESET'
        if (!isStale || order.signal.aborted) throw error
      }
    }
  }

  function begin({ agent, method, path, headers, signal }: Order): ClientRequest {
    const options = { ...server, agent, method, path, headers, signal }
    const sent = isSecure ? httpsRequest(options) : httpRequest(options)
    sent.once('socket', (socket) => {
      if (!socket.connecting) return
      const limit = Math.min(CONNECT, timeout)
      const timer = setTimeout(() => sent.destroy(timeoutError(`connection to ${origin}`, limit)), limit)
      for (const event of [isSecure ? 'secureConnect' : 'connect', 'close']) {
        socket.once(event, () => clearTimeout(timer))
      }
    })
    return sent.end()
  }

  /** Ends a request when its time is over, its signal aborts, or the client is closed. */
  function stopFor(what: string, given?: AbortSignal): Stop {
    const controller = new AbortController()
    const timer = setTimeout(() => controller.abort(timeoutError(what, timeout)), timeout)
    const abort = (): void => controller.abort(cancelledError(what, given?.reason))
    stops.add(controller)
    if (isClosed) controller.abort(closedClient())
    else if (given?.aborted) abort()
    else given?.addEventListener('abort', abort, { once: true })
    return {
      signal: controller.signal,
      noDeadline: () => clearTimeout(timer),
      end() {
        clearTimeout(timer)
        given?.removeEventListener('abort', abort)
        stops.delete(controller)
      },
    }
  }

  return {
    async ask(lane, method, path, { limit = LIMIT, headers = {} } = {}) {
      const what = `${method} ${origin}${path}`
      const { signal, end } = stopFor(what)
      try {
        const answer = await send({ agent: lanes[lane], method, path, headers, signal })
        return { ...headFields(answer), body: await whole(answer, limit, what) }
      } catch (error) {
        throw connectionError(what, signal.aborted ? signal.reason : error)
      } finally {
        end()
      }
    },

    async stream(path, headers, given) {
      const what = `GET ${origin}${path}`
      const { signal, noDeadline, end } = stopFor(what, given)
      try {
        const answer = await send({ agent: contents, method: 'GET', path, headers, signal })
        noDeadline()
        // Ending it early is no failure.
        answer.on('error', () => {})
        answer.once('close', end)
        return {
          ...headFields(answer),
          body: bytesOf(answer, stall, what, signal),
          destroy: () => void answer.destroy(),
        }
      } catch (error) {
        end()
        throw connectionError(what, signal.aborted ? signal.reason : error)
      }
    },

    async close() {
      isClosed = true
      for (const stop of stops) stop.abort(closedClient())
      for (const agent of [lanes.api, lanes.files, contents]) agent.destroy()
    },
  }
}

interface Stop {
  readonly signal: AbortSignal
  /** It may take as long as it wants from now on. */
  noDeadline(): void
  end(): void
}

const closedClient = (): SustenError =>
  new SustenError('The source is closed', { code: 'ERR_SUSTEN_CLOSED', syscall: 'http' })

const cancelledError = (what: string, cause: unknown): SustenError =>
  new SustenError(`ABORT_ERR: cancelled by the signal, ${what}`, { code: 'ABORT_ERR', syscall: 'http', cause })

/** Errors that come later are the answer's, or nobody's. */
function headOf(sent: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once('response', resolve)
    sent.on('error', reject)
    sent.once('upgrade', (_, socket) => {
      socket.destroy()
      reject(new SustenError('the server changes the protocol', { code: 'ERR_SUSTEN_HTTP', syscall: 'http' }))
    })
  })
}

function headFields({ statusCode = 0, headersDistinct }: IncomingMessage): Head {
  const headers: Record<string, string | string[]> = Object.create(null)
  for (const [name, values = []] of Object.entries(headersDistinct)) {
    const [first = ''] = values
    headers[name] = values.length > 1 ? values : first
  }
  return { status: statusCode, headers }
}

async function whole(answer: IncomingMessage, limit: number, what: string): Promise<Buffer> {
  const parts: Buffer[] = []
  let size = 0
  // Leaving the loop early ends the connection.
  for await (const part of answer as AsyncIterable<Buffer>) {
    size += part.length
    if (size > limit) throw answerError(what, `the answer has more than ${limit} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** Time that the reader takes doesn't count. */
async function* bytesOf(
  answer: IncomingMessage,
  stall: number,
  what: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const parts = (answer as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
  try {
    for (;;) {
      const timer = setTimeout(() => answer.destroy(stallError(what, stall)), stall)
      const { done, value } = await parts.next().finally(() => clearTimeout(timer))
      if (done) return
      yield value
    }
  } catch (error) {
    throw connectionError(what, signal.aborted ? signal.reason : error)
  } finally {
    answer.destroy()
  }
}

const stallError = (what: string, ms: number): SustenError =>
  new SustenError(`ETIMEDOUT: nothing came for ${ms} ms, ${what}`, { code: 'ETIMEDOUT', errno: -110, syscall: 'http' })
