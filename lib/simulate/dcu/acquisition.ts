/**
 * One series, from arm to its end: images are taken at the detector's pace, and each file is there when its last image
 * is.
 * Source: SPEC18 and the EIGER2 manual, as docs/SIMULATOR.md quotes them: the master is there after arm, a data file
 * when it is full, the last one at the end of the series or at disarm; a file that an abort cuts short has the images that
 * were taken.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { filesOf, type Series, type SeriesFile } from '../series.js'
import type { FileStore, NewFile } from './files.js'
import type { Made, OpenSeries } from './maker.js'

/** What an acquisition works with. */
export interface AcquisitionOptions {
  readonly id: number
  readonly series: Series
  /** Undefined: the file writer is disabled, and images go nowhere. */
  readonly files: OpenSeries | undefined
  readonly store: FileStore
  /** Seconds an image. */
  readonly frameTime: number
  /** In how many steps files grow before everybody's eyes; 0: they appear whole. */
  readonly growth: () => number
  /** Files are complete so many milliseconds late, while the series goes on, and ends, as if they were there. */
  readonly lag: () => number
  /** Given when the server is switched off: nothing is written any more. */
  readonly off: AbortSignal
}

export interface Acquisition {
  readonly id: number
  /** All its images are taken, or it was ended. */
  readonly isOver: boolean
  /** Takes the images of one trigger. Resolves when they are taken, or the series has ended. Never two at once. */
  trigger(): Promise<void>
  /** Ends it. Resolves when the last file is written. */
  end(): Promise<void>
}

/** Files in the making: the one that is due next, and one ahead. More would keep a short last file waiting. */
const IN_THE_MAKING = 2
/** Milliseconds between two sizes of a file that grows. */
const SHORTEST_STEP = 10

/** Resolves when the master is there. Rejects if it can't be made. */
export async function startAcquisition(options: AcquisitionOptions): Promise<Acquisition> {
  const { id, series, files, store, frameTime, off } = options
  const perTrigger = Math.floor(series.images / series.triggers)
  const plan = filesOf(series)
  const ahead: { readonly file: SeriesFile; readonly made: Promise<Made> }[] = []
  const ending = new AbortController()
  const { signal } = ending
  let taken = 0
  let running: Promise<void> | undefined
  let closed = false

  /** The next file, in the making. */
  function next(): (typeof ahead)[number] | undefined {
    while (files !== undefined && ahead.length < IN_THE_MAKING) {
      const { value: file } = plan.next()
      if (file === undefined) break
      ahead.push({ file, made: files.make(file) })
    }
    return ahead[0]
  }

  const newFile = (file: SeriesFile, { content, digest }: Made): NewFile => ({
    name: file.name,
    kind: file.kind,
    series: id,
    content,
    digest,
  })

  function write(file: SeriesFile, made: Made): void {
    store.begin(newFile(file, made))?.complete()
  }

  /** Resolves when the file is there, or, if it is late, when it should be. False: the series ended before. */
  async function produce(file: SeriesFile, made: Made, begun: number, due: number): Promise<boolean> {
    const lag = options.lag()
    if (lag === 0) return writeInTime(file, made, begun, due, signal)
    await until(due, signal)
    if (signal.aborted) return false
    // It goes on after the end.
    void writeInTime(file, made, performance.now(), performance.now() + lag, off)
    return true
  }

  /** Writes a file the first image of which is begun at `begun`, the last over at `due` (`performance.now()`). */
  async function writeInTime(
    file: SeriesFile,
    made: Made,
    begun: number,
    due: number,
    over: AbortSignal,
  ): Promise<boolean> {
    const steps = options.growth()
    if (steps === 0) {
      await until(due, over)
      if (over.aborted) return false
      write(file, made)
      return true
    }
    // One that is late grows as long as the others.
    const from = Math.max(begun, performance.now())
    const span = Math.max(due - begun, steps * SHORTEST_STEP)
    await until(from, over)
    if (over.aborted) return false
    const stored = store.begin(newFile(file, made))
    for (let step = 1; step <= steps && !over.aborted; step++) {
      stored?.grow(Math.floor((made.content.length * step) / (steps + 1)))
      await until(from + (span * step) / steps, over)
    }
    if (over.aborted) return false
    stored?.complete()
    return true
  }

  async function expose(): Promise<void> {
    const before = taken
    const start = performance.now()
    const at = (images: number): number => start + (images - before) * frameTime * 1000
    for (let one = next(); one !== undefined && one.file.lastImage <= before + perTrigger; one = next()) {
      const made = await one.made
      if (!(await produce(one.file, made, at(one.file.firstImage - 1), at(one.file.lastImage)))) break
      ahead.shift()
      taken = one.file.lastImage
    }
    await until(at(before + perTrigger), signal)
    const exposed = frameTime > 0 ? Math.floor((performance.now() - start) / (frameTime * 1000)) : perTrigger
    taken = Math.max(taken, before + Math.min(perTrigger, signal.aborted ? exposed : perTrigger))
  }

  /** What was taken of a file that isn't full. */
  async function writeRest(): Promise<void> {
    const one = next()
    if (one === undefined || files === undefined || one.file.firstImage > taken) return
    const rest = { ...one.file, lastImage: Math.min(taken, one.file.lastImage) }
    write(rest, await files.make(rest))
  }

  const acquisition: Acquisition = {
    id,
    get isOver() {
      return closed || taken >= series.images
    },
    async trigger() {
      if (acquisition.isOver || running !== undefined) return
      running = expose()
      try {
        await running
      } finally {
        running = undefined
      }
    },
    async end() {
      if (closed) return
      closed = true
      const isComplete = taken >= series.images
      ending.abort()
      // Whoever triggered is told of a failure.
      await running?.catch(() => {})
      if (!isComplete && !off.aborted) await writeRest()
      files?.close()
    },
  }

  const first = next()
  if (first?.file.kind === 'master' && series.imagesPerFile > 0) {
    ahead.shift()
    const made = await first.made.catch((error: unknown) => {
      files?.close()
      throw error
    })
    if (!off.aborted) write(first.file, made)
  }
  return acquisition
}

/** Sleeps until a time of `performance.now()`. */
async function until(time: number, signal: AbortSignal): Promise<void> {
  const wait = time - performance.now()
  if (wait > 0 && !signal.aborted) await sleep(wait, undefined, { signal }).catch(() => {})
}
