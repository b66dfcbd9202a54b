/** Reads the log into a catalog. */
import { setImmediate } from 'node:timers/promises'
import type { Catalog } from './catalog.js'
import { damaged, unknownVersion } from './failures.js'
import type { JournalFiles } from './files.js'
import {
  decodeHeader,
  FORMAT_VERSION,
  findLaterFrame,
  HEADER_BYTES,
  readFrame,
  segmentName,
  segmentNumber,
} from './format.js'
import type { Segment } from './segment.js'

/** Bytes of frames carried out at a stretch. */
const SLICE_BYTES = 64 * 1024

/** What was found. */
export interface Replayed {
  /** 16 hex digits. */
  readonly id: string
  /** Number of the last commit. */
  readonly commit: number
  /** The segment that ends with something that was not completed, if there is one, and how long it is without. */
  readonly torn: { readonly segment: number; readonly length: number } | undefined
  /** Segments that aren't needed any more. */
  readonly obsolete: readonly number[]
}

/** Numbers of the segments in a directory, ascending. */
export async function listSegments(files: JournalFiles): Promise<number[]> {
  const numbers: number[] = []
  for (const name of await files.list()) {
    const number = segmentNumber(name)
    if (number !== undefined) numbers.push(number)
  }
  return numbers.sort((one, other) => one - other)
}

/**
 * @param numbers What {@link listSegments} found; at least one.
 * @param salvage Told of damage, which is passed over then. Default: damage is an error.
 */
export async function replay(
  files: JournalFiles,
  catalog: Catalog,
  numbers: readonly number[],
  salvage?: (damage: Error) => void,
): Promise<Replayed> {
  const found = { id: '', commit: 0, torn: undefined as Replayed['torn'] }
  const report: Report = (number, what, cause) => {
    const error = damaged(files.directory, segmentName(number), what, cause)
    if (salvage === undefined) throw error
    salvage(error)
  }
  const run = salvage === undefined ? lastRun(numbers) : numbers
  for (const number of run) {
    const segment = await readSegment(files, number)
    found.id = checkHeader(files, segment, found.id, report)
    catalog.segments.set(number, segment)
    await replaySegment(segment, catalog, found, report)
  }
  const [first = 1] = run
  if (first > catalog.tail) report(first - 1, 'is missing')
  return { ...found, obsolete: numbers.filter((number) => number < catalog.tail) }
}

type Report = (segment: number, what: string, cause?: unknown) => void

/** The numbers from the last gap on: what lies before it is left over from cleaning, or is found missing later. */
function lastRun(numbers: readonly number[]): readonly number[] {
  let from = numbers.length - 1
  while (from > 0 && numbers[from - 1] === (numbers[from] ?? 0) - 1) from -= 1
  return numbers.slice(from)
}

async function readSegment(files: JournalFiles, number: number): Promise<Segment> {
  const bytes = await files.read(segmentName(number))
  return { number, bytes, used: bytes.length, durable: bytes.length }
}

/** The journal's id. */
function checkHeader(files: JournalFiles, segment: Segment, id: string, report: Report): string {
  const { number } = segment
  const header = decodeHeader(segment.bytes)
  if (header === undefined) {
    report(number, 'has no readable header')
    return id
  }
  if (header.version !== FORMAT_VERSION) throw unknownVersion(files.directory, segmentName(number), header.version)
  if (header.number !== number) report(number, `is segment ${header.number} under another name`)
  if (id !== '' && header.id !== id) report(number, 'belongs to another journal')
  return id || header.id
}

async function replaySegment(
  segment: Segment,
  catalog: Catalog,
  found: { commit: number; torn: Replayed['torn'] },
  report: Report,
): Promise<void> {
  const { number, bytes } = segment
  for (let at = HEADER_BYTES, sliced = at; at < segment.used; ) {
    const frame = readFrame(bytes, at, segment.used)
    if (frame === undefined) {
      // One group at a time is written, so only the log's very end may be incomplete.
      const next = findLaterFrame(bytes, at, found.commit)
      if (next === -1) {
        found.torn ??= { segment: number, length: at }
        segment.used = at
        segment.durable = at
        return
      }
      report(number, `can't be read from byte ${at} to byte ${next}`)
      at = next
      continue
    }
    if (found.torn !== undefined) report(found.torn.segment, `can't be read from byte ${found.torn.length} on`)
    found.torn = undefined
    if (found.commit !== 0 && frame.commit !== found.commit + 1) {
      report(number, `has commit ${frame.commit} at byte ${at}, where ${found.commit + 1} should be`)
    }
    found.commit = frame.commit
    runFrame(segment, catalog, frame.first, frame.end, report)
    at = frame.end
    if (at - sliced < SLICE_BYTES) continue
    sliced = at
    await setImmediate()
  }
}

function runFrame(segment: Segment, catalog: Catalog, first: number, end: number, report: Report): void {
  let at = first
  try {
    while (at < end) at = catalog.run(segment, at)
  } catch (error) {
    report(segment.number, `holds something unknown at byte ${at}`, error)
  }
}
