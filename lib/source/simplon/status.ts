/** What is told of a detector server's state. Pure. */
import type { SustenError } from '../../errors.js'
import type { SourceState } from '../files.js'
import type { ServerStatus } from './server.js'

/** What is known of a server. */
export interface Known {
  readonly available: boolean
  readonly failure: SustenError | undefined
  readonly version: string | undefined
  readonly status: ServerStatus | undefined
  /** Files that the last list had. */
  readonly listed: number
  /** Those of them for which there was no room. */
  readonly beyond: number
  /** Files that were seen, and not offered as they are. */
  readonly unsettled: number
  /** Entries of lists that are no text. */
  readonly strange: number
}

export function stateOf(known: Known): SourceState {
  const { available, failure, version, status, listed, beyond, unsettled, strange } = known
  const { detector, filewriter, free } = status ?? {}
  const busy = status && busyOf(status)
  const told = {
    api: version,
    detector,
    filewriter,
    files: available ? String(listed) : undefined,
    waiting: beyond > 0 ? String(beyond) : undefined,
    strange: strange > 0 ? String(strange) : undefined,
  }
  const details = Object.fromEntries(Object.entries(told).filter((entry): entry is [string, string] => !!entry[1]))
  return {
    available,
    ...(failure === undefined ? {} : { failure }),
    ...(available && busy !== undefined ? { busy } : {}),
    ...(available && free !== undefined ? { free } : {}),
    ...(available ? { unsettled } : {}),
    details,
  }
}

/** Armed, exposing, or still writing; undefined: neither part says. */
export function busyOf({ detector, filewriter }: ServerStatus): boolean | undefined {
  if (detector === undefined && filewriter === undefined) return undefined
  return detector === 'ready' || detector === 'acquire' || detector === 'configure' || filewriter === 'acquire'
}

/** Whether two states say the same. */
export function sameState(a: SourceState, b: SourceState): boolean {
  const text = ({ failure, ...rest }: SourceState): string => JSON.stringify([rest, failure?.code, failure?.message])
  return text(a) === text(b)
}
