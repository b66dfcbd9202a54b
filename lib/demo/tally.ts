/** Counts what happens during the demo: files completed, received, copied and removed, how long each took. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'

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

/** What becomes of a file that is complete at its server: received, durable on two storages, removed at the server. */
export const STEPS = ['received', 'internal', 'external', 'removed'] as const
export type Step = (typeof STEPS)[number]

/** How far files have come. One counts when the digest that was told is the server's. */
export interface StepTally extends Flow {
  /** From a file's completion at the server. */
  readonly delays: Delays
}

/** A file's name at its server. */
export interface FileKey {
  /** Index of the detector. */
  readonly detector: number
  readonly name: string
}

/** A file that is complete at its server. Times are those of `process.hrtime.bigint()`. */
export interface CompletedFile extends FileKey {
  readonly size: number
  readonly digest: string
  readonly at: bigint
}

/** What Furka said when it had received it. */
export interface Reception {
  /** Below the buffer. */
  readonly path: string
  readonly uid: number
  readonly gid: number
  readonly digest: string
}

export interface Tally {
  completed(file: CompletedFile): void
  received(key: FileKey, reception: Reception, at: bigint): void
  /** A copy is durable; no digest: it was before. */
  copied(storage: 'internal' | 'external', path: string, digest: string | undefined, at: bigint): void
  /** The server has removed it. */
  removed(key: FileKey, at: bigint): void
  failed(storage: string, path: string, reason: string): void
  /** Every file so far, in the order in which they were completed. */
  files(): readonly CompletedFile[]
  reception(key: FileKey): Reception | undefined
  /** When a file came so far; undefined: it hasn't. */
  reached(key: FileKey, step: Step): bigint | undefined
  detector(index: number): Flow
  step(step: Step): StepTally
  /** Files that were given up on a storage and aren't copied since, by their paths, with the reason. */
  failures(storage: string): ReadonlyMap<string, string>
  /** Files that haven't come so far, and why not. */
  missing(step: Step): { readonly path: string; readonly reason: string }[]
  /** When the last step of all was done; 0 before the first. */
  last(): bigint
}

/** How far back rates look, in seconds. */
const WINDOW = 3

/** Opens the books for some detectors. */
export function openTally(detectors: number): Tally {
  const files: CompletedFile[] = []
  const entries = new Map<string, Entry>()
  const byPath = new Map<string, Entry>()
  const meters = Array.from({ length: detectors }, openMeter)
  const books = new Map(STEPS.map((step) => [step, openBook()]))
  const failures = new Map<string, Map<string, string>>()
  let last = 0n

  const keyOf = ({ detector, name }: FileKey): string => `${detector} ${name}`
  const failuresOf = (storage: string): Map<string, string> => failures.get(storage) ?? new Map()

  function entryOf(key: FileKey): Entry {
    const known = entries.get(keyOf(key))
    if (known !== undefined) return known
    const entry: Entry = { file: undefined, reception: undefined, reached: new Map() }
    entries.set(keyOf(key), entry)
    return entry
  }

  function reach(entry: Entry, step: Step, digest: string | undefined, at: bigint): void {
    if (entry.reached.has(step) || (entry.file !== undefined && !isOf(entry.file, digest))) return
    entry.reached.set(step, { at, digest })
    if (entry.file !== undefined) settle(entry.file, step, at)
  }

  function settle(file: CompletedFile, step: Step, at: bigint): void {
    const book = bookOf(step)
    book.meter.add(file.size)
    book.delays.record(Math.max(1, Number(at - file.at)))
    if (at > last) last = at
  }

  function bookOf(step: Step): Book {
    const book = books.get(step)
    if (book === undefined) throw new RangeError(`there is no step ${step}`)
    return book
  }

  return {
    completed(file) {
      const entry = entryOf(file)
      files.push(file)
      entry.file = file
      meters[file.detector]?.add(file.size)
      // The news from the server comes by another way than that of what happens here: it can be overtaken.
      for (const [step, { at, digest }] of [...entry.reached]) {
        if (isOf(file, digest)) settle(file, step, at)
        else entry.reached.delete(step)
      }
    },
    received(key, reception, at) {
      const entry = entryOf(key)
      entry.reception = reception
      byPath.set(reception.path, entry)
      reach(entry, 'received', reception.digest, at)
    },
    copied(storage, path, digest, at) {
      failures.get(storage)?.delete(path)
      const entry = byPath.get(path)
      // What comes without a digest was copied before, and told then.
      if (entry !== undefined && digest !== undefined) reach(entry, storage, digest, at)
    },
    removed: (key, at) => reach(entryOf(key), 'removed', undefined, at),
    failed(storage, path, reason) {
      failures.set(storage, failuresOf(storage).set(path, reason))
    },
    files: () => files,
    reception: (key) => entries.get(keyOf(key))?.reception,
    reached: (key, step) => entries.get(keyOf(key))?.reached.get(step)?.at,
    detector: (index) => meters[index]?.flow() ?? { files: 0, bytes: 0, filesPerSecond: 0, bytesPerSecond: 0 },
    step(step) {
      const { meter, delays } = bookOf(step)
      return { ...meter.flow(), delays: readDelays(delays) }
    },
    failures: failuresOf,
    missing: (step) =>
      files.flatMap((file) => {
        const { reception, reached } = entryOf(file)
        if (reached.has(step)) return []
        const path = reception?.path ?? file.name
        return { path, reason: failures.get(step)?.get(path) ?? 'not done in time' }
      }),
    last: () => last,
  }
}

interface Entry {
  file: CompletedFile | undefined
  reception: Reception | undefined
  readonly reached: Map<Step, { readonly at: bigint; readonly digest: string | undefined }>
}

const isOf = (file: CompletedFile, digest: string | undefined): boolean =>
  digest === undefined || digest === file.digest

interface Book {
  readonly meter: Meter
  readonly delays: RecordableHistogram
}

const openBook = (): Book => ({ meter: openMeter(), delays: createHistogram() })

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
