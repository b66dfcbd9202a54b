/** What belongs to one run of the demo, and the figures that are drawn from it. */
import type { IntervalHistogram } from 'node:perf_hooks'
import type { FurkaStatus } from '../furka/index.js'
import type { GrimselStatus } from '../grimsel/index.js'
import type { Judgement } from './judge.js'
import type { DemoOptions } from './options.js'
import type { Pipeline } from './pipeline.js'
import type { Places } from './places.js'
import type { Plan } from './plan.js'
import type { Report, TierReport } from './report.js'
import type { ServerTruth } from './servers.js'
import { type Delays, readDelays, STEPS, type Step, type Tally } from './tally.js'
import type { Users } from './users.js'
import type { Verification } from './verify.js'
import type { Picture } from './view.js'
import type { VolumeWatch } from './volumes.js'

/** The two storages: their ids, which are also their types. */
const STORAGES = ['internal', 'external'] as const
/** Where files lie, in the order of their way. */
export const TIERS = ['buffer', ...STORAGES] as const
export type TierId = (typeof TIERS)[number]

/** Milliseconds between the looks at the event loop, which its histogram counts as delay. */
export const LOOP_RESOLUTION = 1

/** One run. */
export interface Session {
  readonly options: DemoOptions
  readonly plan: Plan
  readonly places: Places
  readonly users: Users
  readonly tally: Tally
  readonly volumes: VolumeWatch
  readonly loop: IntervalHistogram
  readonly messages: string[]
  /** Files verified so far, of a tier that is being verified. */
  readonly verified: Map<TierId, number>
  /** How Furka and Grimsel are doing; undefined before they are open. */
  statuses: (() => Statuses) | undefined
  phase: Picture['phase']
  /** When the measuring began, on the clock of `performance.now()`. */
  begun: number | undefined
}

/** What Furka and Grimsel say of themselves. */
export interface Statuses {
  readonly furka: FurkaStatus
  readonly grimsel: GrimselStatus
}

/** What came of a run. */
export interface Verdict {
  readonly servers: readonly ServerTruth[]
  readonly judgement: Judgement
  readonly verifications: Readonly<Record<TierId, Verification>>
}

export const statusesOf = ({ furka, grimsel }: Pipeline): Statuses => ({
  furka: furka.status(),
  grimsel: grimsel.status(),
})

/** The session as the display shows it. */
export function pictureOf(session: Session): Picture {
  const { options, plan, tally, users, volumes, messages, verified, phase, begun, statuses } = session
  const { furka, grimsel } = statuses?.() ?? {}
  const [first] = users
  const { uid, gid, userDirectory, turn } = furka?.user ?? { ...first, turn: 1 }
  const tierOf = (name: string) => grimsel?.tiers.find(({ id }) => id === name)
  return {
    phase,
    seconds: begun === undefined ? 0 : (performance.now() - begun) / 1000,
    plannedSeconds: options.seconds,
    user: { name: userDirectory, uid, gid, turn },
    complete: tally.files().length,
    detectors: plan.detectors.map(({ name, id, files: planned, memory }, index) => {
      const source = furka?.sources.find((one) => one.id === id)
      return {
        name,
        planned,
        ...tally.detector(index),
        state: source === undefined ? 'unknown' : stateOf(source),
        memory,
        used: source?.free === undefined ? undefined : memory - source.free,
        received: source?.received ?? 0,
        rate: source?.rate ?? 0,
        latency: source?.latency,
      }
    }),
    storages: STORAGES.map((id) => ({ id, failed: tally.failures(id).size, ...tally.step(id) })),
    delays: STEPS.map((step) => ({ step, ...tally.step(step).delays })),
    verified: TIERS.flatMap((id) => {
      const files = verified.get(id)
      return files === undefined ? [] : { id, files }
    }),
    volumes: volumes.read().map(({ name, path, volume: { fsType, available, fill } }) => {
      const { held, links } = tierOf(name) ?? {}
      return { name, path, fsType, available, fill, held, links }
    }),
    loopDelay: loopDelayOf(session),
    messages,
  }
}

function stateOf({ available, details, failure }: FurkaStatus['sources'][number]): string {
  return available ? (details['detector'] ?? 'unknown') : (failure?.code ?? 'unavailable')
}

/** The figures of a session that has ended. */
export function reportOf(session: Session, { servers, judgement, verifications }: Verdict): Report {
  const { options, plan, places, users, tally, volumes, messages } = session
  const files = tally.files()
  const [first, last] = [files[0]?.at ?? 0n, files.at(-1)?.at ?? 0n]
  const tiers = TIERS.map((id): TierReport => {
    const fsType = volumes.read().find(({ name }) => name === id)?.volume.fsType ?? '?'
    const [former, present] = judgement.expected
    const expected = present.length + (id === 'external' ? former.length : 0)
    return { id, path: places[id], fsType, expected, verification: verifications[id] }
  })
  const delaysOf = (step: Step): Delays => tally.step(step).delays
  return {
    ok:
      files.length > 0 &&
      judgement.failures.length === 0 &&
      tiers.every(({ verification }) => verification.problems.length === 0),
    seed: options.seed,
    seconds: Number(last - first) / 1e9,
    drainSeconds: Math.max(0, Number(tally.last() - last) / 1e9),
    files: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    users: users.map(({ userDirectory, uid, gid }, turn) => {
      return { name: userDirectory, uid, gid, files: judgement.expected[turn]?.length ?? 0 }
    }),
    detectors: plan.detectors.map(({ name, version }, index) => {
      const { files: count, bytes } = tally.detector(index)
      return { name, version, files: count, bytes, deletes: servers[index]?.deletes ?? 0 }
    }),
    delays: {
      received: delaysOf('received'),
      internal: delaysOf('internal'),
      external: delaysOf('external'),
      removed: delaysOf('removed'),
    },
    tiers,
    loopDelay: loopDelayOf(session),
    peakMemory: process.resourceUsage().maxRSS * 1024,
    messages,
    failures: judgement.failures,
  }
}

function loopDelayOf({ loop }: Session): Delays {
  const { p50, p99, max } = readDelays(loop)
  const late = (delay: number | undefined): number | undefined =>
    delay === undefined ? undefined : Math.max(0, delay - LOOP_RESOLUTION)
  return { p50: late(p50), p99: late(p99), max: late(max) }
}
