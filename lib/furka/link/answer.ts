/** What Grimsel's word on a file means for its removal at the source. Pure. */
import type { Answer, Here } from '../core/index.js'
import type { Confirm } from '../types.js'
import type { Found } from './link.js'

/**
 * @param confirm The tier on which that very content must be durable.
 * @param here What was received.
 */
export function answerOf(
  found: Found | undefined,
  confirm: Confirm,
  here: Pick<Here, 'digest' | 'size'>,
): { readonly answer: Answer; readonly text?: string } {
  if (found === undefined) return { answer: 'unknown' }
  const copy = found.storages.find(({ type }) => type === confirm)
  if (copy === undefined) return { answer: 'nowhere' }
  const { state, digest, size, error } = copy
  if (state === 'failed') return { answer: 'failed', ...(error === undefined ? {} : { text: error.message }) }
  // What another process says: anything but the word itself is no yes.
  if (state !== 'copied') return { answer: 'pending' }
  // With `verify: 'none'` there is no digest, by Grimsel's own wish: then the size must do.
  const isSame = digest === undefined ? size === here.size : digest === here.digest
  return { answer: isSame ? 'durable' : 'different' }
}
