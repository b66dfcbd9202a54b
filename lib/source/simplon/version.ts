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
  return { size, mtime, etag, age, version, exact: mtime !== undefined || etag !== undefined }
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

/** Of an HTTP date; what is before 1970, or no date, is none. */
function timeOf(text: string | undefined): number | undefined {
  const time = text === undefined || text.length > LONG ? Number.NaN : Date.parse(text)
  return time >= 0 ? time : undefined
}

const short = (text: string): string =>
  text.length <= LONG ? text : createHash('sha256').update(text).digest('base64url')
