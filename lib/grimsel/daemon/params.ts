/** What comes by the control socket, looked at before it is believed. All throw `ERR_SUSTEN_OPTION`. */
import { Buffer } from 'node:buffer'
import { inspect } from 'node:util'
import { type ByteString, bytesOfBuffer, bytesOfText } from '../../bytes.js'
import { namesOf } from '../../daemon/index.js'
import type { FailureFilter } from '../../mirror/index.js'
import { checkBoolean, optionError } from '../../options.js'
import type { User } from '../types.js'

/** A path as text, or as `{ base64 }` where it isn't UTF-8. */
function pathOf(name: string, value: unknown): ByteString {
  if (typeof value === 'string') return bytesOfText(value)
  if (typeof value === 'object' && value !== null && 'base64' in value && typeof value.base64 === 'string') {
    return bytesOfBuffer(Buffer.from(value.base64, 'base64'))
  }
  throw optionError(`${name} must be text or { base64 }, not ${inspect(value, { maxStringLength: 80 })}`)
}

export function checkPaths(method: string, params: unknown): readonly ByteString[] {
  const { paths } = namesOf(method, params, ['paths'])
  if (!Array.isArray(paths)) throw optionError(`${method}: paths must be a list`)
  return paths.map((path, index) => pathOf(`paths[${index}]`, path))
}

/** Paths of one question. */
const mostSought = 1000

export function checkSought(params: unknown): readonly ByteString[] {
  const paths = checkPaths('find', params)
  if (paths.length > mostSought) throw optionError(`find: at most ${mostSought} paths, not ${paths.length}`)
  return paths
}

/** What the parts are is looked at by who takes them. */
export const checkUser = (params: unknown): User => namesOf('shift', params, ['uid', 'gid', 'userDirectory'])

/** Files that failed. */
export function checkFilter(method: string, params: unknown): FailureFilter {
  const { storage, path } = namesOf(method, params, ['storage', 'path'])
  return {
    ...(storage === undefined ? {} : { storage: textOf('storage', storage) }),
    ...(path === undefined ? {} : { path: Buffer.from(pathOf('path', path), 'latin1') }),
  }
}

/** A storage, or none for all. */
export function checkStorage(method: string, params: unknown): string | undefined {
  const { storage } = namesOf(method, params, ['storage'])
  return storage === undefined ? undefined : textOf('storage', storage)
}

export function checkAccept(params: unknown): { storage: string; recopy: boolean } {
  const { storage, recopy } = namesOf('accept', params, ['storage', 'recopy'])
  return { storage: textOf('storage', storage), recopy: checkBoolean('recopy', recopy ?? true) }
}

function textOf(name: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw optionError(`${name} must be text, not ${inspect(value, { maxStringLength: 80 })}`)
}
