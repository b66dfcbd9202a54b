/** Paths that others chose, before anything is made under them. */
import type { ByteString } from '../bytes.js'
import { ownNames } from '../paths.js'

/** Why a path isn't taken. */
export type PathFault = 'empty' | 'absolute' | 'dots' | 'slashes' | 'nul' | 'too-long' | 'reserved'

/** In words, for messages: what follows a name. */
export const pathFaults: Readonly<Record<PathFault, string>> = {
  empty: 'is empty',
  absolute: 'is absolute',
  dots: "has a part '.' or '..'",
  slashes: 'has an empty part, or ends with a slash',
  nul: 'has a NUL byte',
  'too-long': 'is longer than Linux allows (255 bytes a part, 4095 in all)',
  reserved: `has a part that begins with '${ownNames}', as this program's own temporary files do`,
}

const LONGEST_PATH = 4095
const LONGEST_PART = 255

/** What is wrong with a path that is to be made below a target; undefined if it names a file there and nowhere else. */
export function pathFault(path: ByteString): PathFault | undefined {
  if (path === '') return 'empty'
  if (path.includes('\0')) return 'nul'
  if (path.startsWith('/')) return 'absolute'
  if (path.length > LONGEST_PATH) return 'too-long'
  const parts = path.split('/')
  if (parts.includes('..') || parts.includes('.')) return 'dots'
  if (parts.includes('')) return 'slashes'
  if (parts.some((part) => part.length > LONGEST_PART)) return 'too-long'
  return parts.some((part) => part.startsWith(ownNames)) ? 'reserved' : undefined
}
