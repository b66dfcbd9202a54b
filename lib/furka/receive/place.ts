/** Where a source says that a file is, looked at before it is believed. */
import type { ByteString } from '../../bytes.js'
import { bytesOfPath } from '../../paths.js'
import type { FilePlace } from '../../source/files.js'

export type HttpPlace = Extract<FilePlace, { type: 'http' }>
export interface PathPlace {
  readonly type: 'path'
  readonly root: ByteString
  readonly name: ByteString
}

/** @throws TypeError, or SustenError: it is no place */
export function checkPlace(place: FilePlace | undefined): HttpPlace | PathPlace | undefined {
  if (place === undefined) return undefined
  if (place.type === 'path') {
    const root = bytesOfPath(place.root, "a place's root")
    if (!root.startsWith('/')) throw new TypeError("a place's root must be an absolute path")
    return { type: 'path', root, name: bytesOfPath(place.name, "a place's name") }
  }
  const { type, host, port, target, headers } = place
  const isRight =
    type === 'http' &&
    typeof host === 'string' &&
    Number.isInteger(port) &&
    typeof target === 'string' &&
    Array.isArray(headers)
  if (!isRight) throw new TypeError("a place must be of type 'http' or 'path', with all that belongs to it")
  return place
}
