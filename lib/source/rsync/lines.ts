/** Lines of `rsync --list-only`, with the C locale, UTC, and numbers as they are. Pure. */
import type { ByteString } from '../../bytes.js'
import type { ListedFile } from '../listing.js'
import { bytesOfSpelling } from '../spelling.js'

export type ListLine =
  /** A regular file. */
  | { readonly type: 'file'; readonly file: ListedFile }
  /** Anything else that has a name: a directory, a link, a device. */
  | { readonly type: 'other'; readonly name: ByteString }

const line = /^([-a-z])\S{9}\S? +(\d{1,16}) (\d{4,6})\/(\d\d)\/(\d\d) (\d\d):(\d\d):(\d\d) (.+)$/
const otherLine = /^[a-z]\S{9}\S? +\S+ \S+ \S+ (.+)$/

/** What rsync tells of times are whole seconds. */
const GRAIN = 1000
/** Nanoseconds since 1970 must fit in 64 bits. */
const LATEST = Date.UTC(2200)

/** Undefined: it isn't about a file. */
export function readLine(text: ByteString): ListLine | undefined {
  const found = line.exec(text)
  if (found === null) {
    const [, name] = otherLine.exec(text) ?? []
    return name === undefined ? undefined : { type: 'other', name: bytesOfSpelling(name) }
  }
  const [, type, digits, ...rest] = found
  const name = bytesOfSpelling(rest.pop() ?? '')
  if (type !== '-') return { type: 'other', name }
  const size = Number(digits)
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = rest.map(Number)
  const time = Date.UTC(year, month - 1, day, hour, minute, second)
  if (!Number.isSafeInteger(size) || Number.isNaN(time)) return undefined
  return { type: 'file', file: fileOf(name, size, time) }
}

/** @param time Milliseconds since 1970, of a whole second. */
function fileOf(name: ByteString, size: number, time: number): ListedFile {
  const mtime = time >= 0 && time < LATEST ? time : undefined
  return { name, size, mtime, version: versionOf(size, time / 1000), grain: GRAIN, age: undefined }
}

/** @param seconds Since 1970. */
export const versionOf = (size: number, seconds: number): string => `${size}:${seconds}`
