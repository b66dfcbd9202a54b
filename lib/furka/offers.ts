/** Between what sources offer and what the core keeps of it. */
import { type ByteString, bufferOfBytes, bytesOfBuffer, bytesOfText, textOfBytes } from '../bytes.js'
import type { FileOffer } from '../source/files.js'
import { type PathFault, pathFault, pathFaults } from '../source/plain-path.js'
import type { Offer, Seen } from './core/index.js'

/**
 * Characters of a name and of a version: they are kept in memory and in the journal. Enough for the longest path, of which
 * no byte is text: each is spelled with five.
 */
const longest = 20_480

/** A path that can't be taken. */
export interface RefusedOffer {
  readonly reason: PathFault
  readonly text: string
}

/**
 * What a source offers, looked at before it is relied on.
 * @throws TypeError: it isn't an offer; the source breaks its contract
 */
export function readOffer(file: unknown): Offer | RefusedOffer {
  if (typeof file !== 'object' || file === null) throw wrong('a file', file)
  const { path, version, exact, mtime } = file as Readonly<Record<string, unknown>>
  const seen = readSeen(file)
  checkText('version', version)
  if (typeof exact !== 'boolean') throw wrong('exact', exact)
  if (mtime !== undefined && !isTime(mtime)) throw wrong('mtime', mtime)
  const bytes = bytesOf(path)
  const fault = pathFault(bytes)
  if (fault !== undefined) return { reason: fault, text: `its path ${pathFaults[fault]}; it stays where it is` }
  return { ...seen, path: bytes, version, exact, ...(mtime === undefined ? {} : { mtime }) }
}

/**
 * The same of a file that isn't offered yet.
 * @throws TypeError: it isn't one
 */
export function readSeen(file: unknown): Seen {
  if (typeof file !== 'object' || file === null) throw wrong('a file', file)
  const { name, version, size, identity, seen } = file as Readonly<Record<string, unknown>>
  checkText('name', name)
  if (version !== undefined) checkText('version', version)
  if (identity !== undefined) checkText('identity', identity)
  if (size !== undefined && !(Number.isSafeInteger(size) && (size as number) >= 0)) throw wrong('size', size)
  if (!isTime(seen)) throw wrong('seen', seen)
  return {
    name,
    seen,
    ...(version === undefined ? {} : { version }),
    ...(size === undefined ? {} : { size: size as number }),
    ...(identity === undefined ? {} : { identity }),
  }
}

/** The same as its source gave it. */
export function offerOf({ path, ...offer }: Offer): FileOffer {
  const text = textOfBytes(path)
  return { ...offer, path: text.includes('\ufffd') ? bufferOfBytes(path) : text }
}

export function checkText(what: string, value: unknown): asserts value is string {
  if (typeof value !== 'string' || value.length > longest) throw wrong(what, value)
}

function bytesOf(path: unknown): ByteString {
  if (typeof path === 'string') return bytesOfText(path)
  if (path instanceof Uint8Array) return bytesOfBuffer(path)
  throw wrong('path', path)
}

/** Milliseconds since the epoch that a file can have. */
const isTime = (value: unknown): value is number => typeof value === 'number' && Math.abs(value) <= 8.64e15

const wrong = (what: string, value: unknown): TypeError =>
  new TypeError(
    `its ${what} is ${typeof value === 'string' ? 'too long' : `of type ${typeof value}`}, or has a wrong value`,
  )
