/** What goes over the control socket: lines of JSON-RPC 2.0, documented in docs/PROTOCOLS.md. */
import { SustenError, type SustenErrorDetails } from '../errors.js'
import { textOf } from './json-text.js'

/** The version of the protocol, which the server's first line tells. */
export const version = 1

/** A request that has been looked at. */
export interface Request {
  readonly id: number | string
  readonly method: string
  readonly params: unknown
}

/** JSON-RPC's numbers for what is wrong with a request; the error's own code is in its data. */
const numbers = { parse: -32700, request: -32600, method: -32601, failed: -32000 } as const
export type Problem = keyof typeof numbers

/** The parts of an error that go over the wire. */
interface WireError {
  readonly code: string
  readonly errno: number
  readonly syscall: string
  readonly path?: string
  readonly dest?: string
  readonly pathBase64?: string
  readonly destBase64?: string
}

/** What a thrown error may have of them: nothing is certain. */
type WireFields = { readonly [name in keyof SustenErrorDetails]?: unknown }

const line = (message: object): string => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`

/** The server's first line. */
export const helloLine = (): string =>
  line({ method: 'hello', params: { protocol: 'susten-control', version, pid: process.pid } })

export const requestLine = (id: number, method: string, params: unknown): string => line({ id, method, params })

/** @throws TypeError if the value isn't JSON */
export function resultLine(id: number | string, result: unknown): string {
  const text = textOf(result)
  if (text === undefined) return line({ id, result: result ?? null })
  return `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${text}}\n`
}

/** One of many results. @throws TypeError if the value isn't JSON */
export const itemLine = (id: number | string, value: unknown): string =>
  line({ method: 'item', params: { id, value: value ?? null } })

/** @param id null where the request couldn't be read. */
export function errorLine(id: number | string | null, problem: Problem, error: unknown): string {
  const { message, data } = toWire(error)
  return line({ id, error: { code: numbers[problem], message, data } })
}

/** @throws SustenError `EPROTO` */
export function parseLine(text: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new SustenError('a line of JSON was expected', { code: 'EPROTO', syscall: 'read', cause })
  }
  if (isRecord(value)) return value
  throw new SustenError('a JSON object was expected', { code: 'EPROTO', syscall: 'read' })
}

/** @throws SustenError `EPROTO` */
export function parseRequest(message: Readonly<Record<string, unknown>>): Request {
  const { jsonrpc, id, method, params } = message
  const isId = typeof id === 'number' || (typeof id === 'string' && id.length <= 64)
  if (jsonrpc === '2.0' && isId && typeof method === 'string') return { id, method, params }
  throw new SustenError("a request has jsonrpc '2.0', an id (a number or up to 64 characters) and a method", {
    code: 'EPROTO',
    syscall: 'read',
  })
}

/** The error that a response carries. */
export function fromWire(wire: unknown, method: string): SustenError {
  const { message, data } = isRecord(wire) ? wire : {}
  const fields = isRecord(data) ? data : {}
  const text = (name: string): string | undefined => {
    const value = fields[name]
    return typeof value === 'string' ? value : undefined
  }
  const bytes = (name: string): Buffer | undefined => {
    const base64 = text(name)
    return base64 === undefined ? undefined : Buffer.from(base64, 'base64')
  }
  const errno = fields['errno']
  const details: SustenErrorDetails = {
    code: text('code') ?? 'EPROTO',
    errno: typeof errno === 'number' ? errno : 0,
    syscall: text('syscall') ?? method,
    path: text('path'),
    dest: text('dest'),
    pathBytes: bytes('pathBase64'),
    destBytes: bytes('destBase64'),
  }
  return new SustenError(typeof message === 'string' ? message : `${method} failed without a reason`, details)
}

/** What anything thrown tells a caller. System errors keep their fields; of others there is the message. */
function toWire(thrown: unknown): { readonly message: string; readonly data: WireError } {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown))
  const { code, errno, syscall, path, dest, pathBytes, destBytes } = error as Error & WireFields
  return {
    message: error.message,
    data: {
      code: typeof code === 'string' ? code : 'EUNKNOWN',
      errno: typeof errno === 'number' ? errno : 0,
      syscall: typeof syscall === 'string' ? syscall : '',
      ...textPart('path', path),
      ...textPart('dest', dest),
      ...bytesPart('pathBase64', pathBytes),
      ...bytesPart('destBase64', destBytes),
    },
  }
}

function textPart(name: string, value: unknown): object {
  return typeof value === 'string' ? { [name]: value } : {}
}

function bytesPart(name: string, value: unknown): object {
  return value instanceof Uint8Array ? { [name]: Buffer.from(value).toString('base64') } : {}
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
