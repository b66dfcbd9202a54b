/**
 * Keeps the log short: takes its oldest segment, copies to the log's end what still counts of it, and removes it. It
 * goes on in small steps between other work while more than a third of the log is superseded. Going strictly from the
 * oldest on, it may drop every "forgotten" that it meets: nothing older is left that could come back.
 */
import { setImmediate } from 'node:timers/promises'
import { SustenError } from '../errors.js'
import { ByteWriter } from './byte-writer.js'
import type { Catalog } from './catalog.js'
import { encodeTail } from './entries.js'
import { unexpected } from './failures.js'
import type { JournalFiles } from './files.js'
import { ENTRY_BYTES, HEADER_BYTES, readFrame, segmentName } from './format.js'
import type { Log } from './log.js'
import type { Segment } from './segment.js'

/** Bytes looked at in one step: well below a millisecond. */
const STEP_BYTES = 64 * 1024
/** Bytes copied and not yet durable above which it waits. */
const AHEAD_BYTES = 1024 * 1024
/** Log bytes per byte that counts. */
const RATIO = 1.5

export interface CleanerOptions {
  readonly catalog: Catalog
  readonly log: Log
  readonly files: JournalFiles
  readonly segmentBytes: number
}

export class Cleaner {
  readonly #options: CleanerOptions
  readonly #out = new ByteWriter(STEP_BYTES)
  #segment: Segment | undefined
  /** What it stands at in the segment: an entry of a frame that ends there, or the frame itself. */
  #at = 0
  #frameEnd = 0
  #copied = 0
  #running: Promise<void> | undefined
  #stopped = false

  constructor(options: CleanerOptions) {
    this.#options = options
  }

  /** Begins if there is enough to clean. */
  check(): void {
    if (this.#running !== undefined || this.#stopped || !this.#isDue()) return
    this.#running = this.#run().finally(() => {
      this.#running = undefined
    })
  }

  /** Resolves when it has come to rest; it begins no more. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  #isDue(): boolean {
    const { catalog, log, segmentBytes } = this.#options
    const oldest = this.#oldest()
    if (log.failure !== undefined || oldest === undefined || oldest.number >= log.active) return false
    if (oldest.durable < oldest.used) return false
    return bytesOf(catalog) > catalog.live * RATIO + segmentBytes * 2
  }

  #oldest(): Segment | undefined {
    for (const segment of this.#options.catalog.segments.values()) return segment
    return undefined
  }

  async #run(): Promise<void> {
    const { log } = this.#options
    try {
      while (!this.#stopped && this.#isDue()) {
        const done = this.#step()
        if (done !== undefined) await this.#remove(done)
        else if (this.#copied > AHEAD_BYTES) await this.#catchUp()
        await setImmediate()
      }
    } catch (error) {
      log.fail(error instanceof SustenError ? error : unexpected(error))
    }
  }

  /** Copies a little; the segment if that was its end. */
  #step(): Segment | undefined {
    const { catalog, log } = this.#options
    const segment = this.#segment ?? this.#begin()
    const out = this.#out
    const starts: number[] = []
    out.at = 0
    for (const until = this.#at + STEP_BYTES; this.#at < segment.used && this.#at < until; ) {
      if (this.#at === this.#frameEnd) this.#enterFrame(segment)
      else this.#copyIfLive(segment, starts)
    }
    const isDone = this.#at >= segment.used
    if (isDone) encodeTail(out, segment.number + 1, starts)
    if (out.at === 0) return undefined
    const placed = log.put(out.bytes.subarray(0, out.at), 0)
    for (const start of starts) catalog.moved(placed.segment, placed.at + start)
    this.#copied += out.at
    if (!isDone) return undefined
    catalog.tail = segment.number + 1
    catalog.segments.delete(segment.number)
    this.#segment = undefined
    return segment
  }

  #begin(): Segment {
    const segment = this.#oldest()
    if (segment === undefined) throw new RangeError('the journal has no segment to clean')
    this.#segment = segment
    this.#at = HEADER_BYTES
    this.#frameEnd = HEADER_BYTES
    return segment
  }

  #enterFrame(segment: Segment): void {
    const frame = readFrame(segment.bytes, this.#at, segment.used)
    if (frame === undefined) throw new RangeError(`segment ${segment.number} of the journal has changed in memory`)
    this.#at = frame.first
    this.#frameEnd = frame.end
  }

  #copyIfLive(segment: Segment, starts: number[]): void {
    const next = this.#at + ENTRY_BYTES + segment.bytes.readUInt32LE(this.#at + 1)
    if (this.#options.catalog.isLive(segment, this.#at)) {
      starts.push(this.#out.at)
      this.#out.raw(segment.bytes, this.#at, next)
    }
    this.#at = next
  }

  /** Once it is durable that nothing needs it. */
  async #remove(segment: Segment): Promise<void> {
    await this.#catchUp()
    await this.#options.files.remove(segmentName(segment.number))
  }

  async #catchUp(): Promise<void> {
    await this.#options.log.durable()
    this.#copied = 0
  }
}

function bytesOf(catalog: Catalog): number {
  let sum = 0
  for (const segment of catalog.segments.values()) sum += segment.used
  return sum
}
