/**
 * `/data/`: the files.
 * Source: areaDetector/ADEiger `restApi.cpp` (HEAD: 200 with Content-Length, or 404; DELETE: 204); SPEC18, "Data": an
 * HTML index of directories. Last-Modified, ETag and ranges are as nginx has them, for which the manuals have no word.
 */
import { Buffer } from 'node:buffer'
import { notFound, wrongMethod } from './answers.js'
import type { FaultKind } from './fault-types.js'
import type { FileStore, StoredFile } from './files.js'
import { dataName, withoutQuery } from './request.js'
import type { Answer } from './send.js'

/** What is asked for. */
export interface DataRequest {
  readonly method: string
  /** As it was sent. */
  readonly path: string
  readonly range: string | undefined
  readonly ifRange: string | undefined
}

/** The file that a path means: by its decoded name, or, if there is none, by what was sent. */
export function findFile(store: FileStore, path: string): StoredFile | undefined {
  const sent = dataName(path)
  if (sent === undefined) return undefined
  const bare = withoutQuery(sent)
  return store.find(decoded(bare)) ?? store.find(bare) ?? store.find(sent)
}

/** What isn't properly encoded stays as it is. */
function decoded(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

/** @param faults Kinds of those that hit the request. */
export function answerData(
  store: FileStore,
  request: DataRequest,
  withRanges: boolean,
  faults: readonly FaultKind[],
): Answer {
  const { method, path } = request
  const file = findFile(store, path)
  if (method === 'DELETE') {
    if (file === undefined) return notFound(path)
    store.remove(file, 'deleted')
    return { status: 204 }
  }
  if (method !== 'GET' && method !== 'HEAD') return wrongMethod('GET, HEAD, DELETE')
  if (file !== undefined) return answerFile(file, request, withRanges, faults)
  return indexOf(store, decoded(withoutQuery(dataName(path) ?? ''))) ?? notFound(path)
}

function answerFile(
  { record, content }: StoredFile,
  { method, range, ifRange }: DataRequest,
  withRanges: boolean,
  faults: readonly FaultKind[],
): Answer {
  const changed = new Date(record.completed ?? Date.now()).toUTCString()
  const tag = `"${Math.floor((record.completed ?? 0) / 1000).toString(16)}-${content.length.toString(16)}"`
  const headers = {
    'Content-Type': record.name.endsWith('.h5') ? 'application/hdf5' : 'application/octet-stream',
    'Last-Modified': changed,
    ETag: tag,
    ...(withRanges && { 'Accept-Ranges': 'bytes' }),
  }
  const isSame = ifRange === undefined || ifRange === tag || ifRange === changed
  if (method === 'HEAD' || range === undefined || !withRanges || !isSame || faults.includes('ignore-range')) {
    return { status: 200, headers, body: content }
  }
  const part = partOf(range, content.length)
  if (part === 'whole') return { status: 200, headers, body: content }
  if (part === 'none') return { status: 416, headers: { ...headers, 'Content-Range': `bytes */${content.length}` } }
  const [from, to] = faults.includes('wrong-range') ? [0, part.to - part.from] : [part.from, part.to]
  const body = content.subarray(from, to + 1)
  return { status: 206, headers: { ...headers, 'Content-Range': `bytes ${from}-${to}/${content.length}` }, body }
}

/** A single range (RFC 9110, 14.1.2); what can't be understood, and several at once, is the whole. */
function partOf(range: string, size: number): { readonly from: number; readonly to: number } | 'whole' | 'none' {
  const [found, first, last] = /^bytes=(\d*)-(\d*)$/.exec(range) ?? []
  if (found === undefined || (first === '' && last === '')) return 'whole'
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const to = first === '' || last === '' ? size - 1 : Math.min(size - 1, Number(last))
  if (first !== '' && last !== '' && Number(last) < from) return 'whole'
  return from > to ? 'none' : { from, to }
}

/** A page of what a directory has, with sizes rounded as on such pages. Undefined if there is no such directory. */
function indexOf(store: FileStore, directory: string): Answer | undefined {
  const prefix = directory === '' || directory.endsWith('/') ? directory : `${directory}/`
  const names = store.names({ late: 0, stale: 0 }).filter((name) => name.startsWith(prefix) && name !== prefix)
  if (names.length === 0 && prefix !== '') return undefined
  const entries = new Map<string, string>()
  for (const name of names) {
    const [entry = '', ...deeper] = name.slice(prefix.length).split('/')
    if (deeper.length > 0) entries.set(`${entry}/`, '-')
    else entries.set(entry, rounded(store.find(name)?.content.length ?? 0))
  }
  const lines = [...entries].map(
    ([entry, size]) => `<a href="${encodeURIComponent(wellFormed(entry))}">${escaped(entry)}</a> ${size}`,
  )
  const page = `<html><head><title>Index of /data/${escaped(prefix)}</title></head><body><pre>\n${lines.join('\n')}\n</pre></body></html>\n`
  return { status: 200, headers: { 'Content-Type': 'text/html; charset=utf-8' }, body: Buffer.from(page, 'utf8') }
}

/** Half characters become U+FFFD, as in UTF-8. */
const wellFormed = (words: string): string => Buffer.from(words, 'utf8').toString('utf8')

function rounded(size: number): string {
  if (size < 1024) return String(size)
  return size < 1024 ** 2 ? `${Math.round(size / 1024)}K` : `${Math.round(size / 1024 ** 2)}M`
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
