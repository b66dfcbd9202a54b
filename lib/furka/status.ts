/** All figures of a Furka. */
import { countsOf, type Failure, isTold, runningTurn } from './core/index.js'
import type { CompleteFurkaOptions } from './options.js'
import { printable } from './printable.js'
import type { Session } from './session.js'
import type { FailureStatus, FurkaSourceStatus, FurkaStatus } from './types.js'

export function statusOf({ confirm }: CompleteFurkaOptions, session: Session): FurkaStatus {
  const { state, journal, link } = session
  const { number, since, user } = runningTurn(state)
  const { records, bytes } = figuresOf(session)
  const { failure } = state.link
  return {
    user: { ...user, turn: number, since, told: isTold(state, number) },
    confirm,
    sources: [...session.sources.keys()].map((id) => sourceStatus(session, id)),
    grimsel: {
      by: link?.by ?? 'none',
      ...(link?.path === undefined ? {} : { path: link.path }),
      available: link !== undefined && failure === undefined,
      ...failurePart(failure),
    },
    journal: { directory: journal.directory, records, bytes },
  }
}

/** Files are values of the journal, not records. */
const figuresOf = ({ journal, state }: Session) => ({ records: state.files.size, bytes: journal.stats().bytes })

function sourceStatus({ state, sources }: Session, id: string): FurkaSourceStatus {
  const [open, source] = [sources.get(id), state.sources.get(id)]
  if (open === undefined || source === undefined) throw new RangeError(`there is no source '${id}'`)
  const { available, failure, blocked, target, counters } = source
  const told = available ? open.reading?.state : undefined
  const secondsToFull = open.reading?.secondsToFull()
  return {
    id,
    target,
    available,
    ...failurePart(failure),
    ...(blocked === undefined ? {} : { blocked: shownFailure(blocked.failure) }),
    ...(told?.busy === undefined ? {} : { busy: told.busy }),
    ...(told?.free === undefined ? {} : { free: told.free }),
    ...(secondsToFull === undefined ? {} : { secondsToFull }),
    details: { ...told?.details },
    ...countsOf(source),
    ...counters,
    ...open.figures.read(),
  }
}

const shownFailure = ({ code, text }: Failure): FailureStatus => ({ code: printable(code), message: printable(text) })

const failurePart = (failure: Failure | undefined): { readonly failure?: FailureStatus } =>
  failure === undefined ? {} : { failure: shownFailure(failure) }
