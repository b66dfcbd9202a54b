/** Counts what happens during the demo: files written, copies done, how long each took, how it is going. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import type { WrittenFile } from '../simulate/index.js'

/** Files and bytes, in all and per second over the last seconds. */
export interface Flow {
  readonly files: number
  readonly bytes: number
  readonly filesPerSecond: number
  readonly bytesPerSecond: number
}

/** Milliseconds; undefined before the first. */
export interface Delays {
  readonly p50: number | undefined
  readonly p99: number | undefined
  readonly max: number | undefined
}

/** One storage's part. A copy counts when the digest that the engine computed is the writer's. */
export interface StorageTally extends Flow {
  /** From a file's close to the news that its copy is durable. */
  readonly delays: Delays
  /** Files that were given up and aren't copied since, with the reason. */
  readonly failures: ReadonlyMap<string, string>
}

export interface Tally {
  /** A detector has closed a file. */
  readonly written: (file: WrittenFile) => void
  /** A copy is durable; `at` on the clock of `process.hrtime.bigint()`. No digest: it was before. */
  readonly copied: (storage: string, path: string, digest: string | undefined, at: bigint) => void
  readonly failed: (storage: string, path: string, reason: string) => void
  /** Every file so far, in the order in which they were closed. */
  readonly files: () => readonly WrittenFile[]
  readonly detector: (index: number) => Flow
  readonly storage: (id: string) => StorageTally
  /** Files that aren't copied to a storage, and why not. */
  readonly missing: (id: string) => { readonly path: string; readonly reason: string }[]
  /** When the last copy was done, on the clock of `process.hrtime.bigint()`; 0 before the first. */
  readonly lastCopied: () => bigint
}

/** How far back rates look, in seconds. */
const WINDOW = 3

/** Opens the books for some detectors and storages. */
export function openTally(detectors: number, storages: readonly string[]): Tally {
  const files: WrittenFile[] = []
  const byPath = new Map<string, WrittenFile>()
  const detectorMeters = Array.from({ length: detectors }, openMeter)
  const books = new Map(storages.map((id) => [id, openBook()]))
  const bookOf = (id: string): Book => {
    const book = books.get(id)
    if (book === undefined) throw new Error(`no storage ${id}`)
    return book
  }
  let lastCopied = 0n
  const settle = (book: Book, file: WrittenFile, at: bigint): void => {
    if (book.done.has(file.name)) return
    book.done.add(file.name)
    if (at > lastCopied) lastCopied = at
    book.failures.delete(file.name)
    book.meter.add(file.size)
    book.delays.record(Math.max(1, Number(at - file.closedAt)))
  }
  return {
    written(file) {
      files.push(file)
      byPath.set(file.name, file)
      detectorMeters[file.detector]?.add(file.size)
      for (const book of books.values()) {
        // The news of the copy can overtake the news of the file.
        const early = book.early.get(file.name)
        if (early === undefined) continue
        book.early.delete(file.name)
        if (early.digest === file.digest) settle(book, file, early.at)
      }
    },
    copied(storage, path, digest, at) {
      const book = bookOf(storage)
      const file = byPath.get(path)
      if (file === undefined) {
        // What comes without a digest was copied before, and told then.
        if (digest !== undefined) book.early.set(path, { digest, at })
      } else if (digest === file.digest) {
        // The copy of a file that was still growing has another digest; that of the whole file follows.
        settle(book, file, at)
      }
    },
    failed(storage, path, reason) {
      const book = bookOf(storage)
      if (!book.done.has(path)) book.failures.set(path, reason)
    },
    files: () => files,
    detector: (index) => detectorMeters[index]?.flow() ?? { files: 0, bytes: 0, filesPerSecond: 0, bytesPerSecond: 0 },
    storage(id) {
      const book = bookOf(id)
      return {
        ...book.meter.flow(),
        delays: readDelays(book.delays),
        failures: book.failures,
      }
    },
    missing(id) {
      const { done, failures } = bookOf(id)
      return files
        .filter(({ name }) => !done.has(name))
        .map(({ name }) => ({ path: name, reason: failures.get(name) ?? 'not done in time' }))
    },
    lastCopied: () => lastCopied,
  }
}

interface Book {
  readonly meter: Meter
  readonly delays: RecordableHistogram
  readonly done: Set<string>
  readonly early: Map<string, { readonly digest: string; readonly at: bigint }>
  readonly failures: Map<string, string>
}

function openBook(): Book {
  return { meter: openMeter(), delays: createHistogram(), done: new Set(), early: new Map(), failures: new Map() }
}

interface Meter {
  readonly add: (bytes: number) => void
  readonly flow: () => Flow
}

/** Totals, and rates over the last {@link WINDOW} seconds in slices of a tenth. */
function openMeter(): Meter {
  const begun = performance.now()
  const slices: { readonly slice: number; files: number; bytes: number }[] = []
  let files = 0
  let bytes = 0
  const slice = (): number => Math.floor(performance.now() / 100)
  const forget = (): void => {
    while ((slices[0]?.slice ?? Number.POSITIVE_INFINITY) <= slice() - WINDOW * 10) slices.shift()
  }
  return {
    add(count) {
      files++
      bytes += count
      const last = slices.at(-1)
      if (last !== undefined && last.slice === slice()) {
        last.files++
        last.bytes += count
      } else {
        slices.push({ slice: slice(), files: 1, bytes: count })
      }
      forget()
    },
    flow() {
      forget()
      const seconds = Math.max(0.5, Math.min(WINDOW, (performance.now() - begun) / 1000))
      const recent = slices.reduce((sum, one) => ({ files: sum.files + one.files, bytes: sum.bytes + one.bytes }), {
        files: 0,
        bytes: 0,
      })
      return { files, bytes, filesPerSecond: recent.files / seconds, bytesPerSecond: recent.bytes / seconds }
    },
  }
}

/** Reads a histogram of nanoseconds. */
export function readDelays(histogram: { count: number; max: number; percentile(p: number): number }): Delays {
  if (histogram.count === 0) return { p50: undefined, p99: undefined, max: undefined }
  const milliseconds = (nanoseconds: number): number => nanoseconds / 1e6
  return {
    p50: milliseconds(histogram.percentile(50)),
    p99: milliseconds(histogram.percentile(99)),
    max: milliseconds(histogram.max),
  }
}
