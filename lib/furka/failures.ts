/** What goes wrong, as the core takes it, and as it is thrown. */
import { SustenError } from '../errors.js'
import { textOfThrown } from '../thrown.js'
import type { Failure } from './core/index.js'

/** Of calls on a Furka that is closed. */
export const closedError = (): SustenError => new SustenError('the Furka is closed', { code: 'ERR_SUSTEN_CLOSED' })

/** Whatever was thrown, by code of other people's too. */
export function failureOf(thrown: unknown): Failure {
  const { code, errno, syscall } = (thrown instanceof Error ? thrown : {}) as NodeJS.ErrnoException
  return {
    code: typeof code === 'string' ? code : 'EUNKNOWN',
    errno: typeof errno === 'number' ? Math.abs(errno) : 0,
    syscall: typeof syscall === 'string' ? syscall : '',
    text: textOfThrown(thrown),
  }
}

/** Something that this program found out itself. */
export const finding = (code: string, text: string, syscall = ''): Failure => ({ code, errno: 0, syscall, text })
