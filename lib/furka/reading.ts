/** Reads a source for as long as its Furka is open, whatever the source does. */
import { setTimeout as sleep } from 'node:timers/promises'
import { backoff } from '../core/backoff.js'
import { createSlices } from '../slices.js'
import type { FileSource, SourceEvent, SourceState } from '../source/files.js'
import type { CoreEvent, Failure } from './core/index.js'
import { failureOf, finding } from './failures.js'
import { createForecast } from './forecast.js'
import { checkText, readOffer } from './offers.js'
import { printable } from './printable.js'

/** Milliseconds of work at a stretch. */
const slice = 0.5
/** Events that may wait for the core, beyond which no more are read. */
const mostWaiting = 4096
/** Milliseconds until a source that fails against its contract is opened again. */
const firstWait = 200
const longestWait = 10_000
/** Characters of a refused name, of its reason, and of what a source tells of itself, that are told. */
const longestTold = 1000
/** What a source may tell of itself. */
const mostDetails = 100

export interface ReadingHost {
  readonly source: FileSource
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly report: (event: CoreEvent) => void
  /** Events that wait for the core. */
  readonly waiting: () => number
  /** Told when there is nothing more to read for now. */
  readonly onQuiet: () => void
}

/** What a source told of itself, taken in: nothing of it is the source's any more. */
export interface SeenState {
  readonly available: boolean
  readonly failure: Failure | undefined
  readonly busy: boolean | undefined
  readonly free: number | undefined
  readonly unsettled: number
  readonly details: Readonly<Record<string, string>>
}

export interface Reading {
  /** What it told of itself last; undefined: nothing yet, or not since it failed. */
  readonly state: SeenState | undefined
  /** All that it has told was taken in, and it hasn't seen anything that it hasn't told of, as far as it says. */
  readonly quiet: boolean
  /** The time, in milliseconds since the epoch by this program's clock, that a source tells by the computer's. */
  timeHere(seen: number): number
  /** See Forecast. */
  secondsToFull(): number | undefined
  /** Nothing is reported any more. Resolves at once: who doesn't come back isn't waited for. */
  close(): void
}

/** Milliseconds by which two clocks that agree may differ. */
const clockNoise = 50

export function readSource({ source, now, report, waiting, onQuiet }: ReadingHost): Reading {
  const { id } = source
  const stopping = new AbortController()
  const { signal } = stopping
  const forecast = createForecast()
  let state: SeenState | undefined
  let failures = 0
  /** Counts the events, and how many there were when there was last nothing more to read. */
  let events = 0
  let read = -1
  let isLooking = false
  /** There may be more to read, for which there is no time now. */
  let resting = false

  /** Whatever waits to be read comes before the loop's next turn. */
  function lookForMore(): void {
    if (isLooking) return
    isLooking = true
    const before = events
    setImmediate(() => {
      isLooking = false
      if (resting || events !== before) return lookForMore()
      read = events
      onQuiet()
    })
  }

  async function readOn(): Promise<void> {
    while (!signal.aborted) {
      const failure = await readOnce()
      if (signal.aborted) return
      failures += 1
      state = undefined
      forecast.see(now(), undefined)
      report({ type: 'source', at: now(), source: id, available: false, failure })
      await sleep(backoff(failures, firstWait, longestWait, 0), undefined, { signal, ref: false }).catch(() => {})
    }
  }

  /** @returns why it ended, which it shouldn't have */
  async function readOnce(): Promise<Failure> {
    const pause = createSlices(slice)
    try {
      for await (const event of source.open(signal)) {
        if (signal.aborted) break
        events += 1
        take(event)
        failures = 0
        lookForMore()
        resting = true
        await pause()
        while (waiting() > mostWaiting && !signal.aborted) await new Promise((resolve) => setImmediate(resolve))
        resting = false
      }
      return finding('ERR_SUSTEN_CLOSED', 'it ended by itself', 'open')
    } catch (error) {
      return failureOf(error)
    }
  }

  /** @throws TypeError for what the contract doesn't know */
  function take(event: SourceEvent): void {
    switch (event.type) {
      case 'file': {
        const { file } = event
        const offer = readOffer(file)
        if ('reason' in offer) refuse(String(file.name), offer.reason, offer.text)
        else report({ type: 'offered', at: now(), source: id, offer: { ...offer, seen: timeHere(offer.seen) } })
        break
      }
      case 'withdrawn': {
        const { name, version } = event
        checkText('name', name)
        checkText('version', version)
        report({ type: 'withdrawn', at: now(), source: id, name, version })
        break
      }
      case 'refused': {
        const { name, reason, text } = event
        checkText('name', name)
        refuse(name, String(reason), String(text))
        break
      }
      case 'state':
        see(event.state)
        break
      default:
        throw new TypeError('it tells what nobody understands')
    }
  }

  function refuse(name: string, reason: string, text: string): void {
    const [shown, why, told] = [name, reason, text].map((one) => one.slice(0, longestTold)) as [string, string, string]
    report({ type: 'refused', at: now(), source: id, name: shown, reason: why, text: told })
  }

  function see(told: SourceState): void {
    const at = now()
    state = readState(told)
    const { available, failure, free } = state
    report({ type: 'source', at, source: id, available, failure })
    if (!available) return
    forecast.see(at, free)
    const seconds = forecast.warning(at)
    if (seconds !== undefined) report({ type: 'filling', at, source: id, seconds })
  }

  /**
   * Sources go by the computer's clock, which somebody may put back; turns go by one that doesn't do that. Between the
   * two it is a matter of whose file it is.
   */
  function timeHere(seen: number): number {
    const ahead = now() - Date.now()
    return Math.abs(ahead) < clockNoise ? seen : seen + ahead
  }

  /** All that it has told was taken in. */
  const hasTaken = (): boolean => !resting && read === events

  void readOn()
  return {
    get state() {
      return state
    },
    get quiet() {
      return state?.available === true && hasTaken() && state.unsettled === 0
    },
    timeHere,
    secondsToFull: () => forecast.secondsToFull(now()),
    close() {
      stopping.abort()
    },
  }
}

/** @throws TypeError, or whatever the source has in it: it is no state */
function readState(told: unknown): SeenState {
  if (typeof told !== 'object' || told === null) throw new TypeError('its state is none')
  const { available, failure, busy, free, unsettled, details } = told as Readonly<Record<string, unknown>>
  return {
    available: available === true,
    failure: available === true || failure === undefined ? undefined : failureOf(failure),
    busy: typeof busy === 'boolean' ? busy : undefined,
    free: numberOf(free),
    unsettled: numberOf(unsettled) ?? 0,
    details: readDetails(details),
  }
}

const numberOf = (value: unknown): number | undefined => (typeof value === 'number' && value >= 0 ? value : undefined)

function readDetails(details: unknown): Readonly<Record<string, string>> {
  const entries = Object.entries(details ?? {}).slice(0, mostDetails)
  return Object.fromEntries(
    entries.map(
      ([name, value]) => [name, String(value)].map((one) => printable(one.slice(0, longestTold))) as [string, string],
    ),
  )
}
