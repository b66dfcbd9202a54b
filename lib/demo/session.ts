/** What belongs to one run of the demo, and the figures that are drawn from it. */
import type { IntervalHistogram } from 'node:perf_hooks'
import type { DemoOptions } from './options.js'
import type { Places } from './places.js'
import type { Plan } from './plan.js'
import type { Report, StorageReport } from './report.js'
import { type Delays, readDelays, type Tally } from './tally.js'
import type { Verification } from './verify.js'
import type { Picture } from './view.js'
import type { VolumeWatch } from './volumes.js'

/** The two storages: their ids, which are also their types. */
export const STORAGES = ['internal', 'external'] as const
export type StorageId = (typeof STORAGES)[number]

/** Milliseconds between the looks at the event loop, which its histogram counts as delay. */
export const LOOP_RESOLUTION = 1

/** One run. */
export interface Session {
  readonly options: DemoOptions
  readonly plan: Plan
  readonly places: Places
  readonly tally: Tally
  readonly volumes: VolumeWatch
  readonly loop: IntervalHistogram
  readonly messages: string[]
  /** Files verified so far, of a storage that is being verified. */
  readonly verified: Map<StorageId, number>
  phase: Picture['phase']
  /** When the first series was armed, on the clock of `performance.now()`. */
  begun: number | undefined
}

/** The session as the display shows it. */
export function pictureOf(session: Session): Picture {
  const { options, plan, tally, volumes, messages, verified, phase, begun } = session
  const announced = tally.files().length
  return {
    phase,
    seconds: begun === undefined ? 0 : (performance.now() - begun) / 1000,
    plannedSeconds: options.seconds,
    detectors: plan.detectors.map(({ name, files }, index) => ({ name, planned: files, ...tally.detector(index) })),
    storages: STORAGES.map((id) => {
      const { failures, ...storage } = tally.storage(id)
      return { id, announced, failed: failures.size, verified: verified.get(id), ...storage }
    }),
    volumes: volumes.read().map(({ name, path, volume: { fsType, available, fill } }) => ({
      name,
      path,
      fsType,
      available,
      fill,
    })),
    loopDelay: loopDelayOf(session),
    messages,
  }
}

/** The figures of a session that has ended. */
export function reportOf(session: Session, verifications: Readonly<Record<StorageId, Verification>>): Report {
  const { options, plan, places, tally, volumes, messages } = session
  const files = tally.files()
  const first = files[0]?.closedAt ?? 0n
  const last = files.at(-1)?.closedAt ?? 0n
  const typeOf = (name: string): string => volumes.read().find((one) => one.name === name)?.volume.fsType ?? '?'
  const storages: StorageReport[] = STORAGES.map((id) => {
    const { files: copies, bytes, delays } = tally.storage(id)
    return { id, path: places[id], fsType: typeOf(id), files: copies, bytes, delays, verification: verifications[id] }
  })
  return {
    ok:
      files.length > 0 && storages.every((one) => one.files === files.length && one.verification.problems.length === 0),
    seed: options.seed,
    seconds: Number(last - first) / 1e9,
    drainSeconds: Math.max(0, Number(tally.lastCopied() - last) / 1e9),
    files: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    buffer: { path: places.buffer, fsType: typeOf('buffer') },
    detectors: plan.detectors.map(({ name }, index) => {
      const flow = tally.detector(index)
      return { name, files: flow.files, bytes: flow.bytes }
    }),
    storages,
    loopDelay: loopDelayOf(session),
    peakMemory: process.resourceUsage().maxRSS * 1024,
    messages,
    failures: STORAGES.flatMap((storage) => tally.missing(storage).map((one) => ({ storage, ...one }))),
  }
}

function loopDelayOf({ loop }: Session): Delays {
  const { p50, p99, max } = readDelays(loop)
  const late = (delay: number | undefined): number | undefined =>
    delay === undefined ? undefined : Math.max(0, delay - LOOP_RESOLUTION)
  return { p50: late(p50), p99: late(p99), max: late(max) }
}
