/** What tells one content of a name from another, by the fields of an answer about it. */
import { createHash } from 'node:crypto'
import type { Headers } from './client.js'

/** What fields say of a file. */
export interface FileFacts {
  /** Bytes; undefined: not told, or not of the content itself. */
  readonly size: number | undefined
  /** Milliseconds since 1970. */
  readonly mtime: number | undefined
  /** As it was sent. */
  readonly etag: string | undefined
  /** For so long it hasn't changed, by the server's own clock, in milliseconds. */
  readonly age: number | undefined
  readonly version: string
  /** There is more than a size. */
  readonly exact: boolean
  /** Parts of it can be asked for, the server says. */
  readonly hasRanges: boolean
}

/** Longer tags are digested: versions are kept for every file. */
const LONG = 100

export function factsOf(headers: Headers): FileFacts {
  const coding = field(headers, 'content-encoding')
  const isPlain = coding === undefined || coding.toLowerCase() === 'identity'
  const size = isPlain ? sizeOf(field(headers, 'content-length')) : undefined
  const mtime = timeOf(field(headers, 'last-modified'))
  const etag = field(headers, 'etag')
  const now = timeOf(field(headers, 'date'))
  const age = mtime === undefined || now === undefined ? undefined : now - mtime
  const version = `${size ?? ''}:${mtime ?? ''}:${etag === undefined ? '' : short(etag)}`
  const hasRanges = field(headers, 'accept-ranges')?.toLowerCase() === 'bytes'
  return { size, mtime, etag, age, version, exact: mtime !== undefined || etag !== undefined, hasRanges }
}

/** Whether an answer may be about the version that was offered; what it doesn't say isn't held against it. */
export function mayBe(version: string, { size, mtime, etag }: FileFacts): boolean {
  const [, ...known] = /^(\d*):(\d*):(.*)$/s.exec(version) ?? []
  const given = [size, mtime, etag && short(etag)].map((one) => (one === undefined ? '' : String(one)))
  return given.every((one, index) => one === '' || known[index] === '' || one === known[index])
}

/** A field that came once. */
export function field(headers: Headers, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? value : undefined
}

function sizeOf(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined
  const size = Number(text)
  return Number.isSafeInteger(size) ? size : undefined
}

const httpDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/
/** Nanoseconds since 1970 must fit in 64 bits. */
const LATEST = Date.UTC(2200)

function timeOf(text: string | undefined): number | undefined {
  const time = text !== undefined && httpDate.test(text) ? Date.parse(text) : Number.NaN
  return time >= 0 && time < LATEST ? time : undefined
}

const short = (text: string): string =>
  text.length <= LONG ? text : createHash('sha256').update(text).digest('base64url')
