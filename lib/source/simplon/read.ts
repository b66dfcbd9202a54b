/**
 * The slow path for a content: whatever Node's HTTP client can receive (chunks, TLS), and what servers compress without being asked.
 */
import { pipeline, Readable, type Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import type { FileBody, FileOffer } from '../files.js'
import type { Client, Stream } from './client.js'
import { answerError, changedError, connectionError, lengthError, missingError, statusError } from './failures.js'
import { targetOf } from './target.js'
import { factsOf, field, mayBe } from './version.js'

/** What to ask for: the form that EIGER clients ask for, or any; and not compressed, if that can be helped. */
export const contentHeaders = { accept: 'application/hdf5, */*' } as const

const decoders = new Map<string, () => Transform>([
  ['gzip', createGunzip],
  ['x-gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
])

export async function readFile(
  client: Client,
  origin: string,
  file: FileOffer,
  signal?: AbortSignal,
): Promise<FileBody> {
  const path = targetOf(file.name)
  const what = `GET ${origin}${path}`
  const answer = await client.stream(path, { ...contentHeaders, 'accept-encoding': 'identity' }, signal)
  try {
    if (answer.status === 404 || answer.status === 410) throw missingError(what)
    if (answer.status !== 200) throw statusError(what, answer.status)
    const facts = factsOf(answer.headers)
    if (!mayBe(file.version, facts)) throw changedError(what)
    const size = file.size ?? facts.size
    const content = ending(checked(decoded(answer, what), size, what, answer), answer)
    return {
      ...(size === undefined ? {} : { size }),
      ...(facts.mtime === undefined ? {} : { mtime: facts.mtime }),
      content,
    }
  } catch (error) {
    answer.destroy()
    throw error
  }
}

function decoded(answer: Stream, what: string): AsyncIterable<Uint8Array> {
  const coding = (field(answer.headers, 'content-encoding') ?? 'identity').trim().toLowerCase()
  if (coding === 'identity' || coding === '') return answer.body
  const decoder = decoders.get(coding)
  if (decoder === undefined) throw answerError(what, `its content is encoded as '${coding.slice(0, 50)}'`)
  // What goes wrong is thrown where the content is read.
  return pipeline(Readable.from(answer.body), decoder(), () => {})
}

/** A generator that was never begun doesn't run its `finally`. */
function ending<T>(content: AsyncGenerator<T, void, undefined>, answer: Stream): AsyncGenerator<T, void, undefined> {
  const close = content.return.bind(content)
  content.return = (value) => {
    answer.destroy()
    return close(value)
  }
  return content
}

/** Counts: neither less nor more than the size, if that is known. */
async function* checked(
  content: AsyncIterable<Uint8Array>,
  size: number | undefined,
  what: string,
  answer: Stream,
): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = 0
  try {
    for await (const part of content) {
      bytes += part.length
      if (size !== undefined && bytes > size) throw lengthError(what, bytes, size)
      yield part
    }
  } catch (error) {
    throw connectionError(what, error)
  } finally {
    answer.destroy()
  }
  if (size !== undefined && bytes !== size) throw lengthError(what, bytes, size)
}
