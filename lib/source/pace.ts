/** How long to wait before a source's files are listed again. Pure. Milliseconds. */
import { backoff } from '../core/backoff.js'

/** The waits that there are. */
export interface PaceTimes {
  /** While files arrive. */
  readonly arriving: number
  /** While the detector acquires, or its state isn't known. */
  readonly acquiring: number
  /** When nothing has happened for long. */
  readonly idle: number
  /** While the server fails, at most. */
  readonly longest: number
}

/** What the wait depends on. */
export interface PaceInput {
  /** Since a file was last seen for the first time; Infinity: never. */
  readonly sinceNew: number
  /** Since the detector or its file writer was last busy; 0: it is; undefined: not known. */
  readonly sinceBusy: number | undefined
  /** What the last request took, its failure too. */
  readonly took: number
  /** Requests that failed in a row. */
  readonly failures: number
}

/** Files are said to arrive for so long after the last one. */
const ARRIVING = 2000
/** The first wait after a failure. */
const FIRST = 200
/** When idle, the wait is this part of the time since something happened. */
const PART = 1 / 20

/**
 * The time from the end of one request to the beginning of the next. Requests come at the pace that is wanted as long as
 * the server answers at once; one that is slow is left alone for as long as it took, so that it is asked half of its
 * time at most.
 */
export function pause(times: PaceTimes, { sinceNew, sinceBusy, took, failures }: PaceInput): number {
  if (failures > 0) return Math.max(Math.min(took, times.longest), backoff(failures, FIRST, times.longest, 1))
  return Math.max(wanted(times, sinceNew, sinceBusy) - took, Math.min(took, times.longest))
}

function wanted(times: PaceTimes, sinceNew: number, sinceBusy: number | undefined): number {
  if (sinceNew < ARRIVING) return times.arriving
  if (sinceBusy === undefined || sinceBusy === 0) return times.acquiring
  return Math.min(times.idle, Math.max(times.acquiring, Math.min(sinceNew, sinceBusy) * PART))
}
