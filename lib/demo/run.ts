/** One run of the demo: detectors write, the mirror copies, every copy is verified, everything is tidied up. */

import { relative } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WriteStream } from 'node:tty'
import { Mirror } from '../mirror/index.js'
import { filesOf, type SeriesWriter, startWriter, type WrittenFile } from '../simulate/index.js'
import { printable } from './format.js'
import type { DemoOptions } from './options.js'
import { chooseOwner } from './owner.js'
import { openPlaces, type Places } from './places.js'
import { type Plan, planDemo } from './plan.js'
import type { Report } from './report.js'
import { LOOP_RESOLUTION, pictureOf, reportOf, type Session, STORAGES, type StorageId } from './session.js'
import { openShow } from './show.js'
import { openTally, type Tally } from './tally.js'
import { expectFiles, type Verification, verifyStorage } from './verify.js'
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

/** How long nothing may get done, with copies waiting, until the run is given up. */
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
      const series = plan.detectors.flatMap((detector) => detector.series)
      const names = series.flatMap((one) => [...filesOf(one)].map(({ name }) => name))
      for (const path of await places.remove(names)) remarks.push(`left: ${path}`)
    }
  }
  return { report, remarks }
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
    tally: openTally(plan.detectors.length, STORAGES),
    loop: monitorEventLoopDelay({ resolution: LOOP_RESOLUTION }),
    messages: [...places.remarks],
    verified: new Map(),
    phase: 'writing',
    begun: undefined,
  }
  stream.write(placesText(places))
  const show = openShow(stream, environment, () => pictureOf(session))
  try {
    await copyWhileWriting(session, signal)
    session.phase = 'verifying'
    return reportOf(session, await verifyAll(session, signal))
  } finally {
    show.close()
  }
}

/** Where everything lies, whole: the display has to cut long paths. */
function placesText(places: Places): string {
  const names = ['buffer', ...STORAGES, 'journal'] as const
  return names.map((name) => `${name.padEnd(10)}${printable(places[name])}\n`).join('')
}

/** Until every file that the detectors wrote is durable on both storages, or there is no hope that it will be. */
async function copyWhileWriting(session: Session, signal: AbortSignal): Promise<void> {
  const { options, plan, places, tally, loop, messages } = session
  // Before the mirror watches: it would copy the probe.
  const owner = await chooseOwner(options, places)
  await using mirror = await Mirror.open({
    source: places.buffer,
    storages: STORAGES.map((id) => ({ id, type: id, target: places[id] })),
    journal: places.journal,
  })
  const broken = new Promise<never>((_, reject) => mirror.on('error', ({ error }) => reject(error)))
  const nameOf = (path: string): string => relative(places.buffer, path)
  mirror.on('copied', ({ storage, path, digest }) =>
    tally.copied(storage, nameOf(path), digest, process.hrtime.bigint()),
  )
  mirror.on('failed', ({ storage, path, error }) => tally.failed(storage, nameOf(path), error.message))
  mirror.on('message', ({ text }) => void messages.push(text))
  const announce = (file: WrittenFile): void => {
    tally.written(file)
    // HDF5 files are found by watching the directory, CBF files are announced by whoever wrote them.
    if (file.kind !== 'cbf') return
    mirror.add(`${places.buffer}/${file.name}`).catch((error: Error) => messages.push(error.message))
  }
  await using writer = startWriter(
    {
      directory: places.buffer,
      detectors: plan.detectors,
      digests: import.meta.resolve('./digest.js'),
      ...(owner === undefined ? {} : { owner }),
    },
    (message) => {
      if (message.type === 'written') announce(message.file)
      else if (session.begun === undefined) {
        session.begun = performance.now()
        // Counted from here on: what opening everything cost is no fault of the copying.
        loop.enable()
      }
    },
  )
  const work = async (): Promise<void> => {
    await writing(writer, options.seconds)
    session.phase = 'copying the rest'
    if (!(await copied(tally, signal))) return
    await mirror.idle({ signal })
    await mirror.close()
  }
  await unlessAborted(Promise.race([work(), broken]), signal)
  loop.disable()
}

/** Until the planned series are written; none is begun after the time is over. */
async function writing(writer: SeriesWriter, seconds: number): Promise<void> {
  const late = setTimeout(() => writer.stop(), seconds * 1000 + 1000)
  try {
    await writer.done
  } finally {
    clearTimeout(late)
  }
}

/** Until all storages have all files: true; or none of them has got on for {@link PATIENCE}: false. */
async function copied(tally: Tally, signal: AbortSignal): Promise<boolean> {
  const done = (): number => STORAGES.reduce((sum, id) => sum + tally.storage(id).files, 0)
  const all = tally.files().length * STORAGES.length
  let before = done()
  for (let waited = 0; done() < all && waited < PATIENCE; ) {
    await sleep(20, undefined, { signal })
    waited = done() > before ? 0 : waited + 20
    before = done()
  }
  return done() === all
}

/** Both storages at once, each on a thread of its own. */
async function verifyAll(session: Session, signal: AbortSignal): Promise<Record<StorageId, Verification>> {
  const { plan, places, tally, verified } = session
  const expected = expectFiles(tally.files(), ({ detector, series }) => {
    const found = plan.detectors[detector]?.series[series]
    if (found === undefined) throw new Error(`no series ${series} of detector ${detector}`)
    return found
  })
  const verify = async (id: StorageId): Promise<Verification> => {
    verified.set(id, 0)
    const onProgress = (files: number): void => void verified.set(id, files)
    return await verifyStorage({ root: places[id], expected }, onProgress, signal)
  }
  const [internal, external] = await Promise.all([verify('internal'), verify('external')])
  return { internal, external }
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
