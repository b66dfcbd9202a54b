/** The forms that answers have. */
import { Buffer } from 'node:buffer'
import type { Answer } from './send.js'

/** The clients' parsers look for `json` in the type, and need the length: ADEiger `restApi.cpp`, `DEigerClient`. */
export function json(value: unknown, status = 200): Answer {
  const body = Buffer.from(JSON.stringify(value), 'utf8')
  return { status, headers: { 'Content-Type': 'application/json; charset=utf-8' }, body }
}

export function text(status: number, words: string): Answer {
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body: Buffer.from(`${words}\n`, 'utf8') }
}

/** @param path As it was sent. */
export const notFound = (path: string): Answer => text(404, `${path} not found`)

/** @param allowed Methods, as in `GET, HEAD`. */
export function wrongMethod(allowed: string): Answer {
  return { ...text(405, `allowed: ${allowed}`), headers: { 'Content-Type': 'text/plain', Allow: allowed } }
}
