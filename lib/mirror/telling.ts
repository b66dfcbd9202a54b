/** Tells listeners and iterations of a Mirror or Grimsel what the core has to say. */
import type { Notice } from '../core/index.js'
import { createTelling as createTeller, type Telling as Teller } from '../observe/index.js'
import type { MirrorEvents } from './types.js'
import { copiedFile, failedFile, type Geography, messageView } from './views.js'

const eventNames = ['copied', 'failed', 'message', 'idle', 'error'] as const satisfies (keyof MirrorEvents)[]

export interface Telling extends Teller<MirrorEvents> {
  /** Tells what the core has to say. */
  tell(notice: Notice): void
}

export function createTelling(where: Geography): Telling {
  const teller = createTeller<MirrorEvents>(eventNames)
  return {
    ...teller,
    tell(notice) {
      if (!teller.heard(notice.type)) return
      if (notice.type === 'copied') teller.emit('copied', copiedFile(where, notice))
      else if (notice.type === 'failed') teller.emit('failed', failedFile(where, notice))
      else teller.emit('message', messageView(notice.message))
    },
  }
}
