/** A Grimsel of another process, by its control socket: one connection is kept, and made anew once it is gone. */
import { Buffer } from 'node:buffer'
import { type ByteString, bufferOfBytes, bytesOfBuffer, bytesOfText, textOfBytes } from '../../bytes.js'
import { type ControlClient, openControlClient } from '../../control/index.js'
import { SustenError } from '../../errors.js'
import { closedError } from '../failures.js'
import type { Found, Link, RefusedPath } from './link.js'

/** Paths of one request: as many as its answer names, if all are refused. Characters: what is worked on at a stretch. */
const mostPaths = 100
const mostCharacters = 100_000
/** Milliseconds for an answer. */
const patience = 30_000

/** @param trust Users, beside root and one's own, who may listen there. */
export function linkToControl(path: string, trust: readonly number[]): Link {
  const closing = new AbortController()
  const { signal } = closing
  let opening: Promise<ControlClient> | undefined

  /** Announcements and questions share it. */
  async function client(): Promise<ControlClient> {
    const open = await opening?.catch(() => undefined)
    if (open?.isOpen) return open
    opening = openControlClient(path, { trust, signal, timeout: patience })
    return opening
  }

  async function call(method: string, params: unknown): Promise<Readonly<Record<string, unknown>>> {
    if (signal.aborted) throw closedError()
    const answer = await (await client()).call(method, params, { signal, timeout: patience })
    if (typeof answer === 'object' && answer !== null) return answer as Readonly<Record<string, unknown>>
    throw wrongAnswer(method)
  }

  const wrongAnswer = (method: string): SustenError =>
    new SustenError(`what answers to '${method}' at ${path} isn't a Grimsel`, { code: 'EPROTO', syscall: method, path })

  /** Which of the paths were refused. */
  function refusedOf(answer: Readonly<Record<string, unknown>>, paths: readonly ByteString[]): RefusedPath[] {
    const { refused, reasons } = answer
    if (refused === 0) return []
    if (!Array.isArray(reasons) || reasons.length !== refused) throw wrongAnswer('add')
    // In the order of the paths; one that was given twice is refused twice.
    let from = 0
    return reasons.map((reason: unknown) => {
      const { path: text, pathBase64, code, message } = reason as Readonly<Record<string, unknown>>
      const bytes = typeof pathBase64 === 'string' ? bytesOfBuffer(Buffer.from(pathBase64, 'base64')) : undefined
      const index = paths.indexOf(bytes ?? bytesOfText(String(text)), from)
      if (index < 0) throw wrongAnswer('add')
      from = index + 1
      return { index, error: new SustenError(String(message), { code: String(code), syscall: 'add' }) }
    })
  }

  return {
    by: 'control',
    path,
    async announce(paths) {
      const refused: RefusedPath[] = []
      for (const [first, part] of parts(paths)) {
        const answer = await call('add', { paths: part.map(wirePath) })
        for (const { index, error } of refusedOf(answer, part)) refused.push({ index: first + index, error })
      }
      return refused
    },
    async changeUser(user) {
      // Whole: what is left out would stay as it is.
      await call('shift', { ...user })
    },
    async find(paths) {
      const found: (Found | undefined)[] = []
      for (const [, part] of parts(paths)) {
        const { files } = await call('find', { paths: part.map(wirePath) })
        if (!Array.isArray(files) || files.length !== part.length) throw wrongAnswer('find')
        for (const file of files) found.push(foundOf(file))
      }
      return found
    },
    async close() {
      closing.abort(closedError())
      const open = await opening?.catch(() => undefined)
      await open?.close()
    },
  }
}

/** Paths by request, each with the index of its first. */
function* parts(paths: readonly ByteString[]): Generator<[number, readonly ByteString[]]> {
  let first = 0
  let characters = 0
  for (const [index, path] of paths.entries()) {
    if (index > first && (index - first >= mostPaths || characters + path.length > mostCharacters)) {
      yield [first, paths.slice(first, index)]
      first = index
      characters = 0
    }
    characters += path.length
  }
  if (first < paths.length) yield [first, paths.slice(first)]
}

function wirePath(path: ByteString): unknown {
  const text = textOfBytes(path)
  return text.includes('\ufffd') ? { base64: bufferOfBytes(path).toString('base64') } : text
}

/** What another process says is looked at before it is believed. */
function foundOf(file: unknown): Found | undefined {
  if (typeof file !== 'object' || file === null) return undefined
  const { storages } = file as Readonly<Record<string, unknown>>
  return { storages: (Array.isArray(storages) ? storages : []) as Found['storages'] }
}
