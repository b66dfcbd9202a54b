/** The API of a detector server, as far as files concern: its version, the list of files, how it is doing. */
import type { Buffer } from 'node:buffer'
import { SustenError } from '../../errors.js'
import type { Claim } from '../complete.js'
import { shownName } from '../names.js'
import { isVersion, readFree, readList, readText } from './answers.js'
import { formatOf } from './claim.js'
import type { Client } from './client.js'
import { answerError, missingError, statusError } from './failures.js'
import { contentHeaders } from './read.js'
import { targetOf } from './target.js'
import { type FileFacts, factsOf, field, mayBe } from './version.js'

/** Versions that are tried, in this order, where a server doesn't tell its own. */
const knownVersions = ['1.8.0', '1.6.0', '1.5.0'] as const

/** What a server says of itself. What it didn't say in a usable form is undefined. */
export interface ServerStatus {
  readonly detector: string | undefined
  readonly filewriter: string | undefined
  /** Bytes left of its memory. */
  readonly free: number | undefined
}

export interface FileList {
  /** A name may come twice. */
  readonly names: readonly string[]
  /** Entries that are no text. */
  readonly strange: number
}

export interface Server {
  /** Of the API; undefined: not found yet. */
  readonly version: string | undefined
  /** Names of all files. Looks for the version first, if need be. Rejects with a SustenError. */
  list(): Promise<FileList>
  /** Nothing is asked before the version is known. */
  status(): Promise<ServerStatus>
  /** What is known of a file; undefined: there is none. Rejects with a SustenError, also for other errors' statuses. */
  look(name: string): Promise<FileFacts | undefined>
  /** What the file says itself of being whole; undefined: nothing, or it can't be asked cheaply. Never rejects. */
  claim(name: string, facts: FileFacts): Promise<Claim | undefined>
  /** @param etag If the server honours it, only this version is deleted. */
  delete(name: string, etag: string | undefined): Promise<'removed' | 'gone' | 'changed'>
  /** The version is looked for anew: the server may be another one by now. */
  forget(): void
}

/** A list of 100,000 names of ordinary length has about 4 MB. */
const LARGEST_LIST = 16 * 1024 * 1024

/** @param fixed The version, if it isn't to be looked for. */
export function createServer(client: Client, origin: string, fixed: string | undefined, mostNames: number): Server {
  /** Where the list is. */
  let place: { readonly version: string; readonly path: string } | undefined
  /** The last list, and how it came: most are the same as the one before. */
  let last: { readonly body: Buffer; readonly list: FileList } | undefined
  /** Ranges are answered with what was asked for, as far as is known. */
  let rangesWork = true

  async function text(path: string): Promise<string | undefined> {
    const { status, body } = await client.ask('api', 'GET', path)
    return status === 200 ? body.toString('utf8') : undefined
  }

  async function versions(): Promise<readonly string[]> {
    if (fixed !== undefined) return [fixed]
    for (const module of ['detector', 'filewriter']) {
      const answer = await text(`/${module}/api/version`)
      const version = answer === undefined ? undefined : readText(answer)
      if (version !== undefined && isVersion(version)) return [version]
    }
    return knownVersions
  }

  async function listAt(path: string): Promise<FileList | SustenError> {
    const what = `GET ${origin}${path}`
    const { status, body } = await client.ask('api', 'GET', path, { limit: LARGEST_LIST })
    if (status !== 200) return statusError(what, status)
    if (last !== undefined && body.equals(last.body)) return last.list
    const list = await readList(body, mostNames)
    if ('wrong' in list) return answerError(what, list.wrong)
    last = { body, list }
    return list
  }

  /** Finds the list. A server that says 404 to everything has crashed: that isn't taken for having no files. */
  async function search(): Promise<FileList> {
    let first: SustenError | undefined
    for (const version of await versions()) {
      const base = `/filewriter/api/${version}`
      for (const path of [`${base}/files`, `${base}/files/`, `${base}/status/files`]) {
        const list = await listAt(path)
        if ('names' in list) {
          place = { version, path }
          return list
        }
        first ??= list
      }
    }
    throw first ?? missingError(`GET ${origin}/filewriter/api`)
  }

  return {
    get version() {
      return place?.version
    },
    async list() {
      if (place === undefined) return search()
      const list = await listAt(place.path)
      if ('names' in list) return list
      throw list
    },
    async status() {
      if (place === undefined) return { detector: undefined, filewriter: undefined, free: undefined }
      const { version } = place
      const word = async (module: string): Promise<string | undefined> => {
        const answer = await text(`/${module}/api/${version}/status/state`)
        const state = answer === undefined ? undefined : readText(answer)
        return state === undefined ? undefined : shownName(state)
      }
      // One after the other: the other connection of this lane is the list's.
      const detector = await word('detector')
      const filewriter = await word('filewriter')
      const free = await text(`/filewriter/api/${version}/status/buffer_free`)
      return { detector, filewriter, free: free === undefined ? undefined : readFree(free, version) }
    },
    async look(name) {
      const path = targetOf(name)
      const { status, headers } = await client.ask('files', 'HEAD', path, { headers: contentHeaders })
      if (status === 200) return factsOf(headers)
      if (status === 404 || status === 410) return undefined
      throw statusError(`HEAD ${origin}${path}`, status)
    },
    async claim(name, { size, version, hasRanges }) {
      const format = formatOf(name)
      if (format === undefined || size === undefined || !hasRanges || !rangesWork) return undefined
      const headers = { ...contentHeaders, 'accept-encoding': 'identity', range: `bytes=0-${format.bytes - 1}` }
      try {
        const answer = await client.ask('files', 'GET', targetOf(name), { headers })
        // It sent the whole file: never again.
        if (answer.status === 200) rangesWork = false
        if (answer.status === 416 && size === 0) return 'part'
        if (answer.status !== 206) return undefined
        const [, total] = /^bytes 0-\d+\/(\d+)$/.exec(field(answer.headers, 'content-range') ?? '') ?? []
        if (total === undefined) return undefined
        // Another version by now: it is being written.
        const isSame = Number(total) === size && mayBe(version, { ...factsOf(answer.headers), size: undefined })
        return isSame ? format.claim(answer.body, size) : 'part'
      } catch (error) {
        if (error instanceof SustenError && error.code === 'ERR_SUSTEN_SERVER') rangesWork = false
        return undefined
      }
    },
    async delete(name, etag) {
      const path = targetOf(name)
      const isStrong = etag !== undefined && /^"[\x21\x23-\x7e]*"$/.test(etag)
      const headers: Record<string, string> = isStrong ? { 'if-match': etag } : {}
      const { status } = await client.ask('files', 'DELETE', path, { headers })
      if (status === 404 || status === 410) return 'gone'
      if (status === 412) return 'changed'
      if (status >= 200 && status < 300) return 'removed'
      throw statusError(`DELETE ${origin}${path}`, status)
    },
    forget() {
      place = undefined
      last = undefined
      rangesWork = true
    },
  }
}
