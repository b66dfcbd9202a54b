/** One request, from its arrival to the record of how it ended. */
import { Buffer } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { notFound, text } from './answers.js'
import type { Api } from './api.js'
import { answerData, findFile } from './data.js'
import type { FaultEffect } from './fault-types.js'
import type { FaultBook } from './faults.js'
import type { FileStore } from './files.js'
import { apiPath, areaOf, bodyOf, dataName, rawPath } from './request.js'
import { type Answer, type Sent, send } from './send.js'
import type { ServedRequest } from './types.js'

/** What requests are served with. */
export interface ServeParts {
  readonly api: Api
  readonly store: FileStore
  readonly faults: FaultBook
  readonly ranges: boolean
  readonly onRequest: (request: ServedRequest) => void
}

/** Serves one request; never rejects. */
export type Serve = (request: IncomingMessage, response: ServerResponse) => Promise<void>

export function createServe({ api, store, faults, ranges, onRequest }: ServeParts): Serve {
  const connections = new WeakMap<Socket, number>()
  let [lastRequest, lastConnection] = [0, 0]

  function connectionOf(socket: Socket): number {
    const known = connections.get(socket)
    if (known !== undefined) return known
    connections.set(socket, ++lastConnection)
    return lastConnection
  }

  async function answerOf(request: IncomingMessage, path: string, effects: readonly FaultEffect[]): Promise<Answer> {
    const body = await bodyOf(request)
    const instead = replacement(effects)
    if (instead !== undefined && !isExecuted(effects)) return instead
    const answer = await properAnswer(request, path, effects, body)
    return instead ?? answer
  }

  async function properAnswer(
    request: IncomingMessage,
    path: string,
    effects: readonly FaultEffect[],
    body: string | undefined,
  ): Promise<Answer> {
    const method = request.method ?? 'GET'
    if (dataName(path) !== undefined) {
      const { range, 'if-range': ifRange } = request.headers
      const kinds = effects.map(({ kind }) => kind)
      return answerData(store, { method, path, range, ifRange: textOf(ifRange) }, ranges, kinds)
    }
    const wanted = apiPath(path)
    if (wanted === undefined) return notFound(path)
    if (body === undefined) return text(413, 'the body is too large')
    return api({ ...wanted, method, url: path, body })
  }

  return async (request, response) => {
    const path = rawPath(request)
    const { method = 'GET', socket } = request
    const id = ++lastRequest
    const record = { id, at: Date.now(), connection: connectionOf(socket), method, path, range: request.headers.range }
    const hits = faults.hitting({ area: areaOf(path), method, path })
    const effects = hits.map(({ fault }): FaultEffect => fault)
    const file = findFile(store, path)?.record.id
    let sent: Sent
    try {
      const answer = await answerOf(request, path, effects)
      sent = await send(request, response, answer, effects)
    } catch (error) {
      // A client that left in the middle of its request, or a mistake, which must not stay hidden.
      sent = { status: 0, bytes: 0, outcome: 'left' }
      if (response.headersSent) socket.destroy()
      if (!socket.destroyed) {
        const words = error instanceof Error ? error.message : String(error)
        sent = await send(request, response, text(500, words), [])
      }
    }
    onRequest({ ...record, file, faults: hits.map((hit) => hit.id), ...sent })
  }
}

const isExecuted = (effects: readonly FaultEffect[]): boolean =>
  effects.some((one) => one.kind === 'status' && one.executed === true)

/** What is answered whatever was asked. */
function replacement(effects: readonly FaultEffect[]): Answer | undefined {
  const status = effects.findLast((one) => one.kind === 'status')
  if (status !== undefined) return text(status.status, `a fault: ${status.status}`)
  const other = effects.findLast((one) => one.kind === 'body')
  if (other === undefined) return undefined
  const body = other.base64 === undefined ? Buffer.from(other.text ?? '', 'utf8') : Buffer.from(other.base64, 'base64')
  return { status: 200, headers: { 'Content-Type': other.type ?? 'application/json; charset=utf-8' }, body }
}

const textOf = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header.join(', ') : header
