/** One run of the demo: detectors measure, files go their way, every one is verified, everything is tidied up. */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { WriteStream } from 'node:tty'
import { filesOf } from '../simulate/index.js'
import { printable } from './format.js'
import { type Change, type Judgement, judge } from './judge.js'
import type { DemoOptions } from './options.js'
import { openPipeline, type Pipeline } from './pipeline.js'
import { openPlaces, type Places } from './places.js'
import { type Plan, planDemo, seriesOf } from './plan.js'
import type { Report } from './report.js'
import { type Servers, startServers } from './servers.js'
import {
  LOOP_RESOLUTION,
  pictureOf,
  reportOf,
  type Session,
  statusesOf,
  TIERS,
  type TierId,
  type Verdict,
} from './session.js'
import { openShow } from './show.js'
import { openTally, STEPS, type Tally } from './tally.js'
import { chooseUsers, USER_DIRECTORIES } from './users.js'
import { type Verification, type VerifyJob, verifyTier } from './verify.js'
import { watchVolumes } from './volumes.js'

/** What a run uses besides its options. */
export interface Outside {
  /** Where progress is shown. */
  readonly stream: WriteStream
  readonly environment: NodeJS.ProcessEnv
  /** Ends the run: everything is tidied up, and {@link runDemo} rejects with the reason. */
  readonly signal: AbortSignal
}

/** What comes out of a run. */
export interface Outcome {
  readonly report: Report
  /** What the user should know besides: where files were kept, or what is left besides. */
  readonly remarks: readonly string[]
}

/** Milliseconds for which nothing may get done, with work waiting, until the run is given up. */
const PATIENCE = 30_000

/**
 * Runs the demo.
 * @throws PlaceError if there is no room or a directory can't be used; the signal's reason; what failed otherwise.
 */
export async function runDemo(options: DemoOptions, outside: Outside): Promise<Outcome> {
  const plan = planDemo(options)
  const places = await openPlaces(options, plan.bytes)
  const remarks: string[] = []
  let report: Report
  try {
    outside.signal.throwIfAborted()
    report = await runIn(places, plan, options, outside)
  } finally {
    if (options.keep) {
      remarks.push(`kept: ${places.buffer} ${places.internal} ${places.external} ${places.journal}`)
    } else {
      for (const path of await places.remove(namesOf(plan))) remarks.push(`left: ${path}`)
    }
  }
  return { report, remarks }
}

/** Whatever can have been made below the buffer and the storages. */
function namesOf(plan: Plan): string[] {
  const names = plan.detectors.flatMap((one) => seriesOf(one).flatMap((series) => [...filesOf(series)]))
  return USER_DIRECTORIES.flatMap((directory) => names.map(({ name }) => `${directory}/${name}`))
}

async function runIn(places: Places, plan: Plan, options: DemoOptions, outside: Outside): Promise<Report> {
  const { signal, stream, environment } = outside
  await using volumes = await watchVolumes({
    buffer: places.buffer,
    internal: places.internal,
    external: places.external,
  })
  const session: Session = {
    options,
    plan,
    places,
    volumes,
    users: await chooseUsers(options, places),
    tally: openTally(plan.detectors.length),
    loop: monitorEventLoopDelay({ resolution: LOOP_RESOLUTION }),
    messages: [...places.remarks],
    verified: new Map(),
    statuses: undefined,
    phase: 'measuring',
    begun: undefined,
  }
  stream.write(placesText(places))
  const show = openShow(stream, environment, () => pictureOf(session))
  try {
    const evidence = await measure(session, signal)
    session.phase = 'verifying'
    return reportOf(session, { ...evidence, verifications: await verifyAll(session, evidence, signal) })
  } finally {
    show.close()
  }
}

/** Where everything lies, whole: the display has to cut long paths. */
function placesText(places: Places): string {
  const names = [...TIERS, 'journal'] as const
  return names.map((name) => `${name.padEnd(10)}${printable(places[name])}\n`).join('')
}

/** Until every file has come to where it must, or there is no hope that it will; and what really happened. */
async function measure(session: Session, signal: AbortSignal): Promise<Omit<Verdict, 'verifications'>> {
  const { options, plan, places, users, tally, loop, messages } = session
  const { detectors } = plan
  await using servers = await startServers(detectors, ({ type, detector, file, at }) => {
    const { name, size, digest } = file
    if (type === 'completed') tally.completed({ detector, name, size, digest, at })
    else tally.removed({ detector, name }, at)
  })
  const onMessage = (text: string): void => void messages.push(text)
  await using pipeline = await openPipeline({ places, detectors, urls: servers.urls, users, tally, onMessage })
  session.statuses = () => statusesOf(pipeline)
  const work = async (): Promise<Omit<Verdict, 'verifications'>> => {
    // Counted from here on: what opening everything cost is no fault of the copying.
    session.begun = performance.now()
    loop.enable()
    const measured = servers.measure(options.seconds)
    const change = await Promise.race([changeUser(session, servers, pipeline), measured.then(() => undefined)])
    await measured
    if (change === undefined) throw new Error('the detectors never waited for the next user')
    const truth = await settle(session, pipeline, servers, signal)
    return { servers: truth, judgement: judge({ detectors, users, tally, servers: truth, change }) }
  }
  const verdict = await unlessAborted(Promise.race([work(), pipeline.broken]), signal)
  loop.disable()
  const last = statusesOf(pipeline)
  session.statuses = () => last
  return verdict
}

/** Between the turns: one detector waits, the other measures on. */
async function changeUser({ users, begun, messages }: Session, servers: Servers, pipeline: Pipeline): Promise<Change> {
  await servers.turnOver
  const [first, second] = users
  const from = process.hrtime.bigint()
  await pipeline.furka.changeUser(second)
  const to = process.hrtime.bigint()
  const seconds = ((performance.now() - (begun ?? 0)) / 1000).toFixed(1)
  messages.push(`user changed from ${first.userDirectory} to ${second.userDirectory} after ${seconds} s`)
  servers.goOn()
  return { from, to }
}

/** Until nothing is left to do, or nothing has got done for {@link PATIENCE}. Then: what happened at the servers. */
async function settle(session: Session, { furka, grimsel, close }: Pipeline, servers: Servers, signal: AbortSignal) {
  using patience = loseAfter(PATIENCE, () => progressOf(session.tally))
  const options = { signal: AbortSignal.any([signal, patience.signal]) }
  try {
    session.phase = 'receiving the rest'
    await furka.idle(options)
    session.phase = 'copying the rest'
    await grimsel.idle(options)
    await close()
  } catch (error) {
    if (!patience.signal.aborted) throw error
    session.messages.push(`given up: nothing got done for ${PATIENCE / 1000} s`)
  }
  return servers.truth()
}

const progressOf = (tally: Tally): number => STEPS.reduce((sum, step) => sum + tally.step(step).files, 0)

/** Aborts when a number has stayed the same for so many milliseconds. */
function loseAfter(milliseconds: number, read: () => number): Disposable & { readonly signal: AbortSignal } {
  const lost = new AbortController()
  let [before, since] = [read(), performance.now()]
  const timer = setInterval(() => {
    const now = read()
    if (now !== before) since = performance.now()
    before = now
    if (performance.now() - since >= milliseconds) lost.abort()
  }, 100)
  return { signal: lost.signal, [Symbol.dispose]: () => clearInterval(timer) }
}

/**
 * All tiers at once, each on a thread of its own. The first user's files have left the buffer and the internal storage
 * with his turn; the second one's are everywhere.
 */
async function verifyAll(
  { places, verified }: Session,
  { judgement }: { readonly judgement: Judgement },
  signal: AbortSignal,
): Promise<Record<TierId, Verification>> {
  const [first, second] = judgement.expected
  const verify = async (id: TierId, job: Omit<VerifyJob, 'root'>): Promise<Verification> => {
    verified.set(id, 0)
    return await verifyTier({ root: places[id], ...job }, (files) => void verified.set(id, files), signal)
  }
  const [buffer, internal, external] = await Promise.all([
    verify('buffer', { later: [places.internal, places.external], expected: second }),
    verify('internal', { later: [places.external], expected: second }),
    verify('external', { expected: [...first, ...second] }),
  ])
  return { buffer, internal, external }
}

/** The promise's outcome, unless the signal is aborted first: then its reason is thrown at once. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  let abort = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
