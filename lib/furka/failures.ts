/** What goes wrong, as the core takes it, and as it is thrown. */
import { type ByteString, textOfBytes } from '../bytes.js'
import { SustenError } from '../errors.js'
import { textOfThrown } from '../thrown.js'
import type { Failure } from './core/index.js'

/** Of calls on a Furka that is closed. */
export const closedError = (): SustenError => new SustenError('the Furka is closed', { code: 'ERR_SUSTEN_CLOSED' })

/** Characters that are kept of what other people's code says. */
const longestText = 4000
const longestWord = 100

/** Whatever was thrown, by code of other people's too. Never throws itself. */
export function failureOf(thrown: unknown): Failure {
  const text = textOfThrown(thrown).slice(0, longestText)
  try {
    const { code, errno, syscall } = (thrown instanceof Error ? thrown : {}) as NodeJS.ErrnoException
    return {
      code: typeof code === 'string' ? code.slice(0, longestWord) : 'EUNKNOWN',
      errno: typeof errno === 'number' ? Math.abs(errno) || 0 : 0,
      syscall: typeof syscall === 'string' ? syscall.slice(0, longestWord) : '',
      text,
    }
  } catch {
    return finding('EUNKNOWN', text)
  }
}

/** Why nothing can be written to a target at first, with what to do where it isn't there. */
export function absentTarget(root: ByteString, failure: Failure): Failure {
  const why = { ENOENT: "isn't there", ENOTDIR: 'is no directory' }[failure.code]
  if (why === undefined) return failure
  return { ...failure, text: `the target '${textOfBytes(root)}' ${why}; make the directory, or correct the target` }
}

/** Something that this program found out itself. */
export const finding = (code: string, text: string, syscall = ''): Failure => ({ code, errno: 0, syscall, text })
