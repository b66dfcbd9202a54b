/** Tells listeners and iterations what the core has to say. */
import { createTelling as createTeller, type Telling as Teller } from '../observe/index.js'
import type { Notice } from './core/index.js'
import type { FurkaEvents } from './types.js'
import { announcedFile, messageView, receivedFile, removedFile, userChanged } from './views.js'

const eventNames = [
  'received',
  'announced',
  'removed',
  'userChanged',
  'message',
  'idle',
  'error',
] as const satisfies (keyof FurkaEvents)[]

export interface Telling extends Teller<FurkaEvents> {
  tell(notice: Notice): void
}

export function createTelling(): Telling {
  const teller = createTeller<FurkaEvents>(eventNames)
  return {
    ...teller,
    tell(notice) {
      if (!teller.heard(notice.type)) return
      switch (notice.type) {
        case 'received':
          return teller.emit('received', receivedFile(notice))
        case 'announced':
          return teller.emit('announced', announcedFile(notice))
        case 'removed':
          return teller.emit('removed', removedFile(notice))
        case 'userChanged':
          return teller.emit('userChanged', userChanged(notice))
        case 'message':
          return teller.emit('message', messageView(notice))
      }
    },
  }
}
