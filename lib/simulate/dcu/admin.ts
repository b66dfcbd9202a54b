/**
 * The admin interface: what `Dcu` offers, over HTTP, on a port of its own. Orders must come as `application/json`, which
 * no page of another site can send unasked.
 */
import { Buffer } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { inspect } from 'node:util'
import { SustenError } from '../../errors.js'
import { checkInteger, checkNames, optionError } from '../../options.js'
import { json, notFound, text, wrongMethod } from './answers.js'
import { checkFault } from './fault-check.js'
import { bodyOf, rawPath, withoutQuery } from './request.js'
import { type Answer, send } from './send.js'
import type { Dcu } from './types.js'

type Handler = (body: unknown, query: URLSearchParams) => Promise<Answer> | Answer

export function createAdmin(dcu: Dcu): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { truth } = dcu
  const routes: Readonly<Record<string, Handler>> = {
    'GET /truth': () =>
      json({
        files: truth.files,
        dropped: truth.dropped,
        deletes: truth.deletes,
        requestCount: truth.requestCount,
        bytesSent: truth.bytesSent,
      }),
    'GET /requests': (_, query) => {
      const since = Number(query.get('since') ?? 0)
      return json(truth.requests.filter(({ id }) => id > since))
    },
    'GET /faults': () => json(dcu.faults().map(({ id, hits, fault }) => ({ id, hits, fault }))),
    'POST /faults': (body) => json({ id: dcu.fault(checkFault('the body', body)).id }, 201),
    'DELETE /faults': () => {
      dcu.clearFaults()
      return { status: 204 }
    },
    'POST /files': (body) => addFile(dcu, body),
    'POST /hostile': async () =>
      json(
        (await dcu.addHostile()).map(({ name }) => name),
        201,
      ),
    'POST /acquire': async (body) => json({ series: await dcu.acquire(known('acquire', body ?? {}, acquireNames)) }),
    'POST /trigger': async () => {
      await dcu.trigger()
      return { status: 204 }
    },
    'POST /restart': async (body) => {
      const { downtime = 0 } = known<{ downtime?: unknown }>('restart', body ?? {}, ['downtime'])
      await dcu.restart({ downtime: checkInteger('downtime', downtime, 0, 3_600_000) })
      return { status: 204 }
    },
  }
  const paths = new Set(Object.keys(routes).map((route) => route.split(' ')[1]))

  async function answerOf(request: IncomingMessage): Promise<Answer> {
    const { method = 'GET' } = request
    const sent = rawPath(request)
    const path = withoutQuery(sent)
    const one = /^\/faults\/(\d+)$/.exec(path)
    if (one !== null && method === 'DELETE') return dcu.removeFault(Number(one[1])) ? { status: 204 } : notFound(path)
    const handler = routes[`${method} ${path}`]
    if (handler === undefined) return paths.has(path) ? wrongMethod(methodsOf(path)) : notFound(path)
    const body = await bodyOf(request)
    if (method === 'POST' && !isJson(request)) return text(415, 'Content-Type must be application/json')
    if (body === undefined) return text(413, 'the body is too large')
    return handler(body === '' ? undefined : parsed(body), new URLSearchParams(sent.slice(path.length)))
  }

  const methodsOf = (path: string): string =>
    Object.keys(routes)
      .filter((route) => route.endsWith(` ${path}`))
      .map((route) => route.split(' ')[0])
      .join(', ')

  return async (request, response) => {
    const answer = await answerOf(request).catch((error: unknown) => {
      const words = error instanceof Error ? error.message : String(error)
      return text(error instanceof SustenError ? 400 : 500, words)
    })
    await send(request, response, answer, [])
  }
}

const acquireNames = ['images', 'triggers', 'imagesPerFile', 'namePattern', 'frameTime']

const isJson = ({ headers }: IncomingMessage): boolean => /^application\/json\b/i.test(headers['content-type'] ?? '')

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch (cause) {
    throw optionError(`the body is no JSON: ${(cause as Error).message}`)
  }
}

function known<T extends object>(where: string, body: unknown, names: readonly string[]): T {
  checkNames(where, body as object, names)
  return body as T
}

/** The content is given as text or as Base64. */
async function addFile(dcu: Dcu, body: unknown): Promise<Answer> {
  const {
    name,
    text: words,
    base64,
  } = known<{ name?: unknown; text?: unknown; base64?: unknown }>('files', body, ['name', 'text', 'base64'])
  if (typeof name !== 'string') throw optionError(`option 'name' must be text, not ${inspect(name)}`)
  const content = typeof base64 === 'string' ? Buffer.from(base64, 'base64') : Buffer.from(String(words ?? ''), 'utf8')
  const file = await dcu.add(name, content)
  return file === undefined ? text(507, 'no room') : json(file, 201)
}
