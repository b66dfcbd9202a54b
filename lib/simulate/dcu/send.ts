/** Sends an answer, with all that goes wrong with it. */
import { Buffer } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { TLSSocket } from 'node:tls'
import { gzipSync } from 'node:zlib'
import type { FaultEffect, FaultKind } from './fault-types.js'

/** An answer as it should be. */
export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Buffer
}

/** How an answer ended: `sent`: all of it was handed to the network. */
export type Outcome = 'sent' | 'reset' | 'cut' | 'left'

/** What was sent. */
export interface Sent {
  readonly status: number
  /** Of the body. */
  readonly bytes: number
  readonly outcome: Outcome
}

type Effect<K extends FaultKind> = Extract<FaultEffect, { readonly kind: K }> | undefined

/** A slow body comes in so many pieces a second. */
const PIECES_PER_SECOND = 20
/** Milliseconds between pieces of a raw head. */
const BETWEEN_PIECES = 2

/** Never rejects. All waiting ends when the connection does. */
export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  effects: readonly FaultEffect[],
): Promise<Sent> {
  const effect = <K extends FaultKind>(kind: K): Effect<K> => effects.findLast((one) => one.kind === kind) as Effect<K>
  const { socket } = request
  const gone = new AbortController()
  const left = gone.signal
  response.once('close', () => gone.abort())
  // What took a while may find its client gone.
  if (response.closed || socket.destroyed) gone.abort()

  const delay = effect('delay')
  if (delay !== undefined) await pause(delay.ms, left)
  if (effect('reset') !== undefined) {
    if (socket instanceof TLSSocket) socket.destroy()
    else socket.resetAndDestroy()
    return { status: 0, bytes: 0, outcome: 'reset' }
  }
  if (left.aborted) return { status: 0, bytes: 0, outcome: 'left' }

  const body = spoiled(answer, effect('corrupt'), effect('gzip'))
  const raw = effect('raw')
  if (raw !== undefined) return sendRaw(socket, answer.status, raw, body, left)
  const length = effect('length')
  const isChunked = effect('chunked') !== undefined
  const hasBody = answer.status !== 204 && answer.status !== 304
  response.statusCode = answer.status
  for (const [name, value] of Object.entries(answer.headers ?? {})) response.setHeader(name, value)
  if (effect('gzip') !== undefined && body.length > 0) response.setHeader('Content-Encoding', 'gzip')
  if (hasBody && !isChunked) response.setHeader('Content-Length', Math.max(0, body.length + (length?.by ?? 0)))
  if (hasBody && isChunked) response.setHeader('Transfer-Encoding', 'chunked')
  if (effect('close') !== undefined) response.setHeader('Connection', 'close')
  if (request.method === 'HEAD' || !hasBody || body.length === 0) {
    await ended(response, undefined)
    return { status: answer.status, bytes: 0, outcome: left.aborted ? outcomeOf(response) : 'sent' }
  }
  const bytes = await sendBody(
    response,
    body,
    { slow: effect('slow'), stall: effect('stall'), cut: effect('cut') },
    left,
  )
  const isCut = bytes < body.length
  // A client that believes the length would wait for ever.
  if ((isCut && !left.aborted) || (length !== undefined && length.by > 0)) socket.destroySoon()
  const outcome = isCut ? (left.aborted ? 'left' : 'cut') : outcomeOf(response)
  return { status: answer.status, bytes, outcome }
}

/** Past the server's own idea of an answer, straight to the socket. */
async function sendRaw(
  socket: Socket,
  status: number,
  { head, body: hasBody = true, piece }: NonNullable<Effect<'raw'>>,
  body: Buffer,
  left: AbortSignal,
): Promise<Sent> {
  const bytes = Buffer.from(head.replaceAll('{length}', String(body.length)), 'latin1')
  for (let at = 0; at < bytes.length && !left.aborted; at += piece ?? bytes.length) {
    if (at > 0) await pause(BETWEEN_PIECES, left)
    socket.write(bytes.subarray(at, at + (piece ?? bytes.length)))
  }
  if (hasBody) socket.write(body)
  socket.destroySoon()
  return { status, bytes: hasBody ? body.length : 0, outcome: left.aborted ? 'left' : 'sent' }
}

const outcomeOf = (response: ServerResponse): Outcome => (response.writableFinished ? 'sent' : 'left')

function spoiled({ body }: Answer, corrupt: Effect<'corrupt'>, gzip: Effect<'gzip'>): Buffer {
  if (body === undefined || body.length === 0) return Buffer.alloc(0)
  let bytes = body
  if (corrupt !== undefined) {
    const at = Math.min(body.length - 1, corrupt.at ?? body.length >> 1)
    bytes = Buffer.from(body)
    bytes[at] = (bytes[at] ?? 0) ^ 0x01
  }
  return gzip === undefined ? bytes : gzipSync(bytes, { level: 1 })
}

interface Pace {
  readonly slow: Effect<'slow'>
  readonly stall: Effect<'stall'>
  readonly cut: Effect<'cut'>
}

/** @returns Bytes that were handed to the network. */
async function sendBody(response: ServerResponse, body: Buffer, pace: Pace, left: AbortSignal): Promise<number> {
  const { slow, stall, cut } = pace
  if (slow === undefined && stall === undefined && cut === undefined) {
    await ended(response, body)
    return body.length
  }
  const end = Math.min(body.length, cut?.after ?? body.length)
  const stallAt = stall === undefined ? undefined : Math.min(end, stall.after ?? 0)
  const piece = slow === undefined ? body.length : Math.max(1, Math.round(slow.bytesPerSecond / PIECES_PER_SECOND))
  response.flushHeaders()
  let at = 0
  while (!left.aborted) {
    if (at === stallAt) await pause(stall?.ms ?? Number.POSITIVE_INFINITY, left)
    if (at === end || left.aborted) break
    const next = Math.min(end, at + piece, stallAt !== undefined && at < stallAt ? stallAt : end)
    await written(response, body.subarray(at, next))
    if (slow !== undefined) await pause((1000 * (next - at)) / slow.bytesPerSecond, left)
    at = next
  }
  if (at === body.length && !left.aborted) await ended(response, undefined)
  return at
}

/** Resolves when the bytes are handed over, or the client is gone. */
function written(response: ServerResponse, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    response.once('close', resolve)
    response.write(bytes, () => {
      response.off('close', resolve)
      resolve()
    })
  })
}

function ended(response: ServerResponse, body: Buffer | undefined): Promise<void> {
  return new Promise((resolve) => {
    response.once('close', resolve)
    response.end(body, () => resolve())
  })
}

/** Never rejects. */
async function pause(ms: number, left: AbortSignal): Promise<void> {
  if (left.aborted || ms <= 0) return
  const most = 2 ** 31 - 1
  await sleep(Math.min(ms, most), undefined, { signal: left }).catch(() => {})
}
