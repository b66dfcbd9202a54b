/** Detectors' files, on the buffer the moment they are whole. */
import { abortError } from '../engine/index.js'
import { checkInteger, checkNames } from '../options.js'
import { type OpenedJournal, openFurkaJournal } from './journal.js'
import { type CompleteFurkaOptions, completeFurkaOptions } from './options.js'
import { checkMayGive } from './ownership.js'
import { openSession, type Session } from './session.js'
import { statusOf } from './status.js'
import type { Furka, FurkaEvents, FurkaOptions, FurkaWaitOptions } from './types.js'
import { resolveUser } from './user.js'
import { within } from './within.js'

/** Events that an iteration keeps for a slow reader. */
const defaultLimit = 10_000
/** Milliseconds for which a source may take its time to close. */
const closeTime = 5000

/**
 * Opens a Furka: locks its journal, goes on with what is there, and begins to read its sources, which it closes in any
 * case.
 * @throws SustenError `ERR_SUSTEN_OPTION`: a wrong option; `ERR_SUSTEN_LOCKED`: another process has the journal;
 *   the journal's other errors; `ENOENT` or `ENOTDIR`: there is no target; `ERR_SUSTEN_STORAGE`: nothing is mounted
 *   where something must be; `ABORT_ERR`
 */
export async function openFurka(options: FurkaOptions): Promise<Furka> {
  const complete = completeFurkaOptions(options)
  const session = await openSafely(complete)
  return faceOf(complete, session)
}

/** Sources are Furka's from the call on, also where nothing comes of it. */
async function openSafely(options: CompleteFurkaOptions): Promise<Session> {
  let opened: OpenedJournal | undefined
  try {
    if (options.signal?.aborted) throw abortError(options.signal)
    opened = await openFurkaJournal(options.journal)
    return await openSession(options, opened)
  } catch (error) {
    await opened?.journal.close().catch(() => {})
    const close = async ({ source }: (typeof options.sources)[number]): Promise<void> =>
      within(Promise.resolve(source.close()), { timeout: closeTime, what: 'end' })
    await Promise.allSettled(options.sources.map(close))
    throw error
  }
}

type Listening = {
  readonly [Method in 'on' | 'off' | 'once']: <K extends keyof FurkaEvents>(
    type: K,
    listener: (event: FurkaEvents[K]) => void,
  ) => Furka
}

function faceOf(options: CompleteFurkaOptions, session: Session): Furka {
  const { telling, close } = session

  const listening = (method: keyof Listening): Listening['on'] => {
    return (type, listener) => {
      telling.emitter[method](type, listener)
      return furka
    }
  }

  const events = (given: FurkaWaitOptions & { readonly limit?: number | undefined } = {}) => {
    checkNames('events', given, ['signal', 'limit'])
    return telling.streams.iterate(checkInteger('limit', given.limit ?? defaultLimit, 1, 1 << 24), given.signal)
  }

  const furka: Furka = {
    status: () => statusOf(options, session),
    async changeUser(change) {
      const user = resolveUser(change, options.openUser)
      checkMayGive(user)
      session.checkOpen()
      await session.changeUser(user)
      return user
    },
    async idle(given = {}) {
      checkNames('idle', given, ['signal'])
      await session.idle(given.signal)
    },
    on: listening('on'),
    off: listening('off'),
    once: listening('once'),
    events,
    close,
    [Symbol.asyncIterator]: () => events(),
    [Symbol.asyncDispose]: () => close('stop'),
  } as Furka
  return furka
}
